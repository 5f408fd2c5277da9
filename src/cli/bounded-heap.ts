import { getHeapStatistics } from 'node:v8'

/** Bytes of an application that does nothing, with its server: code, V8's own, threads of Node and of RocksDB. */
export const IDLE = 90e6

/** The part of a limit that stores and buffers have outside of V8's heap, if `memory` is not set: 5/8 of a quarter. */
const OUTSIDE = 0.16

/** The least heap in which an application gets anywhere. */
const LEAST = 32 * 2 ** 20

/**
 * Returns the option of Node with which a process stays within a small limit of its cgroup; undefined if it needs none.
 * V8 lets its heap grow to 259 MiB at least, however small the limit is, and leaves garbage lie until then: the kernel
 * would end the process first. From 430 MiB on V8 goes by the limit itself.
 */
export function boundedHeap(): string | undefined {
  const limit = process.constrainedMemory()
  const isChosen = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].some((each) =>
    /--max[-_](?:old[-_]space|heap)[-_]size/.test(each),
  )
  // Without a limit it is 0, or a number larger than any memory.
  if (limit === 0 || isChosen || getHeapStatistics().heap_size_limit <= limit * 0.6) return undefined
  const bytes = Math.max(LEAST, Math.min(limit / 2, limit * (1 - OUTSIDE) - IDLE))
  return `--max-old-space-size=${Math.floor(bytes / 2 ** 20)}`
}

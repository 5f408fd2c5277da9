import type { Settings } from '../application/application.ts'
import { MillraceError } from '../errors/millrace-error.ts'
import { heapLimit, machineMemory } from '../platform/machine-memory.ts'
import { IDLE } from './bounded-heap.ts'
import { divideMemory } from '../runtime/memory/memory-budget.ts'

const MB = 1e6

/**
 * Compares what an application may use with the memory that it may have: the limit of its cgroup, or the machine's.
 * Less than `memory` and Node need is refused: the kernel would end the process under load, not at its start. Less than
 * they need while V8's heap is as large as it may become is a warning: most applications never come there.
 *
 * @returns the warning, if there is one
 * @throws MR_MEMORY_LIMIT
 */
export function checkMemory(settings: Settings, limit = machineMemory(), heap = heapLimit()): string | undefined {
  const { memory } = settings
  const least = memory + IDLE
  if (least > limit) {
    throw new MillraceError(
      'MR_MEMORY_LIMIT',
      `the application needs ${text(least)} of memory and may have ${text(limit)}: ` +
        `${text(memory)} for stores, caches and buffers (memory), ${text(IDLE)} for Node`,
      { hint: `Raise the limit of the container, best to ${text(2 * memory + 3e8)}, or lower memory.` },
    )
  }
  const { input, writeBuffers, blockCache } = divideMemory(settings, heap)
  const outside = input + writeBuffers + blockCache
  const most = IDLE + outside + heap
  if (most <= limit) return undefined
  const bound = Math.floor((limit - IDLE - outside) / 2 ** 20)
  const advice = bound >= LEAST_HEAP ? ` Or set NODE_OPTIONS=--max-old-space-size=${bound}.` : ''
  return (
    `memory may run out: the process may use ${text(most)} and has ${text(limit)}: ` +
    `${text(heap)} for V8's heap, ${text(outside)} for stores and buffers beside it, ${text(IDLE)} for Node. ` +
    `Raise the limit, or lower memory.${advice}`
  )
}

/** MiB of a heap in which an application gets anywhere. */
const LEAST_HEAP = 32

function text(bytes: number): string {
  return `${Math.round(bytes / MB)} MB`
}

import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

/** Bytes that this process may use at all: the limit of its cgroup, or what the machine has. */
export function machineMemory(): number {
  const total = totalmem()
  // Without a limit it is 0, or a number beyond everything that there is.
  const limit = process.constrainedMemory()
  return limit > 0 && limit < total ? limit : total
}

/** Bytes to which JavaScript's heap can grow. */
export function heapLimit(): number {
  return getHeapStatistics().heap_size_limit
}

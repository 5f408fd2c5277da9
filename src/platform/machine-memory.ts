import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

/** Returns the bytes that this process may use: the limit of its cgroup, or the memory of the machine. */
export function machineMemory(): number {
  const total = totalmem()
  // Without a limit it is 0, or a number larger than any memory.
  const limit = process.constrainedMemory()
  return limit > 0 && limit < total ? limit : total
}

/** Returns the bytes to which JavaScript's heap can grow. */
export function heapLimit(): number {
  return getHeapStatistics().heap_size_limit
}

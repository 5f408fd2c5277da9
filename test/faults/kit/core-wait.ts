import { readFileSync } from 'node:fs'

/**
 * Returns for how many ms in all the main thread of a process was ready to run and had no core; 0 if the system does
 * not say.
 */
export function coreWait(pid: number): number {
  try {
    // Nanoseconds on a core, nanoseconds ready without one, number of turns.
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6
  } catch {
    return 0
  }
}

import { performance } from 'node:perf_hooks'
import type { Samples } from '../metrics/samples.ts'

/** Adds what Node.js knows of the process at once, whichever thread asks. */
export function addProcess(samples: Samples): void {
  const { user, system } = process.cpuUsage()
  samples.add('process_cpu_seconds_total', {}, (user + system) / 1e6)
  samples.add('process_resident_memory_bytes', {}, process.memoryUsage.rss())
  samples.add('process_start_time_seconds', {}, Math.round(performance.timeOrigin) / 1000)
}

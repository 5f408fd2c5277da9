import { performance } from 'node:perf_hooks'
import type { Samples } from '../metrics/samples.ts'

/** Adds what Node.js knows of the process at once. Nothing here keeps an observer, which would cost all the time. */
export function addProcess(samples: Samples): void {
  const { user, system } = process.cpuUsage()
  samples.add('process_cpu_seconds_total', {}, (user + system) / 1e6)
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
  samples.add('process_resident_memory_bytes', {}, rss)
  samples.add('process_start_time_seconds', {}, Math.round(performance.timeOrigin) / 1000)
  samples.add('nodejs_heap_used_bytes', {}, heapUsed)
  samples.add('nodejs_heap_total_bytes', {}, heapTotal)
  samples.add('nodejs_external_memory_bytes', {}, external)
  samples.add('nodejs_eventloop_active_seconds_total', {}, performance.eventLoopUtilization().active / 1000)
}

import { metrics } from './metric.ts'

/** The process, as far as it costs nothing to know. */
export const PROCESS = metrics({
  process_cpu_seconds_total: {
    type: 'counter',
    unit: 'seconds',
    labels: [],
    help: 'Processor time of the process, that of the user and that of the system.',
  },
  process_resident_memory_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'Memory of the process that is in the memory of the machine.',
  },
  process_start_time_seconds: {
    type: 'gauge',
    unit: 'seconds',
    labels: [],
    help: 'When the process was started, as seconds since the epoch.',
  },
  nodejs_heap_used_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'JavaScript objects of the main thread, those included that nothing refers to any more.',
  },
  nodejs_heap_total_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'Size of the JavaScript heap of the main thread.',
  },
  nodejs_external_memory_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'Buffers and other memory outside of the JavaScript heap of the main thread.',
  },
  nodejs_eventloop_active_seconds_total: {
    type: 'counter',
    unit: 'seconds',
    labels: [],
    help: 'Time for which the event loop of the main thread did not wait.',
  },
})

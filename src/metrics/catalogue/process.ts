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
    labels: ['thread'],
    help: 'JavaScript objects of a thread that has a heap, those included that nothing refers to any more.',
  },
  nodejs_heap_total_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: ['thread'],
    help: 'Size of the JavaScript heap of a thread: main, or a stream thread that is a worker.',
  },
  nodejs_heap_limit_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: ['thread'],
    help: 'Size that the JavaScript heap of a thread may have; beyond it the process dies.',
  },
  nodejs_external_memory_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: ['thread'],
    help: 'Buffers and other memory outside of the JavaScript heap of a thread.',
  },
  nodejs_eventloop_active_seconds_total: {
    type: 'counter',
    unit: 'seconds',
    labels: ['thread'],
    help: 'Time for which the event loop of a thread did not wait.',
  },
  nodejs_gc_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['thread', 'kind'],
    bounds: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
    help: 'Pauses of a thread in which unused objects were collected; counted only while metrics are read.',
  },
})

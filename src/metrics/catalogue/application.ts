import { metrics } from './metric.ts'

/** The application: what it is, its state, its memory. */
export const APPLICATION = metrics({
  millrace_build_info: {
    type: 'gauge',
    unit: 'yes or no',
    labels: ['version', 'node_version', 'engine', 'guarantee', 'log', 'topology_hash'],
    help: 'Always 1; its labels tell instances apart that run another version or topology.',
    kafkaStreams: 'version, commit-id, application-id',
  },
  millrace_state: {
    type: 'gauge',
    unit: 'yes or no',
    labels: ['state'],
    help: '1 for the state that the application is in, 0 for all others.',
    kafkaStreams: 'state, client-state',
  },
  millrace_threads: {
    type: 'gauge',
    unit: 'threads',
    labels: ['state'],
    help: 'Stream threads by their state.',
    kafkaStreams: 'alive-stream-threads, thread-state',
  },
  millrace_thread_failures_total: {
    type: 'counter',
    unit: 'threads',
    labels: ['decision'],
    help: 'Stream threads that an error has ended, by what onUncaughtError decided.',
    kafkaStreams: 'failed-stream-threads',
  },
  millrace_memory_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: ['part'],
    help: 'Memory that tasks use, by what for; engines count with all that they may use.',
    kafkaStreams: 'cache-size-bytes-total, block-cache-usage',
  },
  millrace_memory_limit_bytes: {
    type: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'The setting memory: what the parts of millrace_memory_bytes may use together.',
  },
  millrace_metrics_series_dropped: {
    type: 'gauge',
    unit: 'times',
    labels: [],
    help: 'Series that were made one with others, because there were too many.',
  },
})

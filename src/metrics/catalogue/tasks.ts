import { metrics } from './metric.ts'

/** Tasks: which there are, how far they are, and what they commit. */
export const TASKS = metrics({
  millrace_tasks: {
    type: 'gauge',
    unit: 'tasks',
    labels: ['role'],
    help: 'Tasks of this instance: active, standby, restoring, or waiting for another thread to release them.',
    kafkaStreams: 'task-created-rate, task-closed-rate',
  },
  millrace_task_input_lag_records: {
    type: 'gauge',
    unit: 'records',
    labels: ['topic'],
    finer: ['task'],
    help: 'Records of input topics that are in the log and were not processed yet.',
    kafkaStreams: 'records-lag',
  },
  millrace_task_partitions_lagging: {
    type: 'gauge',
    unit: 'tasks',
    labels: [],
    help: 'Input partitions with lag: more instances than these have nothing to do.',
  },
  millrace_task_stream_time_seconds: {
    type: 'gauge',
    unit: 'seconds',
    labels: ['subtopology'],
    finer: ['task'],
    across: 'min',
    help: 'Stream time as seconds since the epoch: the event time that the task furthest behind has reached.',
  },
  millrace_commits_total: {
    type: 'counter',
    unit: 'times',
    labels: ['outcome'],
    help: 'Commits by outcome: committed, or failed, after which the tasks go back to the last commit.',
    kafkaStreams: 'commit-total',
  },
  millrace_restore_remaining_offsets: {
    type: 'gauge',
    unit: 'offsets',
    labels: ['store'],
    finer: ['task'],
    help: 'Offsets that are still to be replayed into stores that are restored; it reaches 0.',
    kafkaStreams: 'restore-remaining-records-total',
  },
  millrace_restored_records_total: {
    type: 'counter',
    unit: 'records',
    labels: ['store'],
    help: 'Records replayed into stores that were restored, or that are kept as standbys.',
    kafkaStreams: 'restore-total, update-total',
  },
  millrace_standby_lag_offsets: {
    type: 'gauge',
    unit: 'offsets',
    labels: ['store'],
    finer: ['task'],
    help: 'Offsets of changelogs that standbys do not hold yet.',
    kafkaStreams: 'KafkaStreams.allLocalStorePartitionLags()',
  },
})

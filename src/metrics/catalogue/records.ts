import { metrics } from './metric.ts'

/** Records on their way through the topology. */
export const RECORDS = metrics({
  millrace_records_processed_total: {
    type: 'counter',
    unit: 'records',
    labels: ['subtopology'],
    finer: ['task'],
    help: 'Input records processed; those that are processed again after a failed commit count again.',
    kafkaStreams: 'process-total',
  },
  millrace_records_dropped_total: {
    type: 'counter',
    unit: 'records',
    labels: ['reason', 'node', 'store'],
    help: 'Records dropped, by the reason and by the node or store that dropped them.',
    kafkaStreams: 'dropped-records-total (without repartition-null-key)',
  },
})

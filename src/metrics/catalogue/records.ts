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
  millrace_records_written_total: {
    type: 'counter',
    unit: 'records',
    labels: ['node', 'topic'],
    help: 'Records that a sink has written, aborted ones included; without a topic if each record chooses it.',
    kafkaStreams: 'records-produced-total',
  },
  millrace_node_records_total: {
    type: 'counter',
    unit: 'records',
    labels: ['node'],
    help: 'Records that a node has passed on, or that a sink has written.',
    kafkaStreams: 'forward-total, process-total',
  },
  millrace_edge_records_total: {
    type: 'counter',
    unit: 'records',
    labels: ['node', 'child'],
    help: 'Records that a node has passed on to this child.',
  },
  millrace_node_time_seconds_total: {
    type: 'counter',
    unit: 'seconds',
    labels: ['node'],
    help: 'Time in a node, its children left out; from one slice of 64, and only while metrics are read.',
    kafkaStreams: 'process-latency-avg',
  },
  millrace_record_e2e_latency_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['at'],
    bounds: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600],
    help: 'Age of the last record of each slice by its timestamp: into a source, or out of a sink.',
    kafkaStreams: 'record-e2e-latency-avg, -min, -max (KIP-613)',
  },
  millrace_record_lateness_seconds: {
    type: 'gauge',
    unit: 'seconds',
    labels: ['subtopology'],
    across: 'max',
    help: 'How far behind stream time the latest record of the last half minute was.',
    kafkaStreams: 'record-lateness-max',
  },
  millrace_dead_letters_total: {
    type: 'counter',
    unit: 'records',
    labels: ['node', 'error'],
    help: 'Records put into the dead letter topic, by the node and by what failed.',
  },
  millrace_records_dropped_total: {
    type: 'counter',
    unit: 'records',
    labels: ['reason', 'node', 'store'],
    help: 'Records dropped, by the reason and by the node or store that dropped them.',
    kafkaStreams: 'dropped-records-total (without repartition-null-key)',
  },
})

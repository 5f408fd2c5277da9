import { metrics } from './metric.ts'

const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

/** What others ask of the application, and the application of Kafka. */
export const REQUESTS = metrics({
  millrace_queries_total: {
    type: 'counter',
    unit: 'times',
    labels: ['store', 'op', 'outcome'],
    help: 'Queries of partitions that this instance has asked, by ok, aborted, or the code of the error.',
    kafkaStreams: 'none (interactive queries have no metrics)',
  },
  millrace_query_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['op'],
    bounds: BOUNDS,
    help: 'Time until the first rows of a query were there, waiting for tasks that move included.',
  },
  millrace_open_scans: {
    type: 'gauge',
    unit: 'times',
    labels: [],
    help: 'Scans of stores that are open: each keeps a snapshot of the engine.',
    kafkaStreams: 'num-open-iterators',
  },
  millrace_oldest_scan_seconds: {
    type: 'gauge',
    unit: 'seconds',
    labels: [],
    across: 'max',
    help: 'Time since the oldest scan that is open was opened; 0 if there is none.',
    kafkaStreams: 'oldest-iterator-open-since-ms',
  },
  millrace_http_requests_total: {
    type: 'counter',
    unit: 'times',
    labels: ['route', 'method', 'status'],
    help: 'Requests to servers of the application, by the path as the OpenAPI document has it, and by class of status.',
  },
  millrace_http_request_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['route'],
    bounds: BOUNDS,
    help: 'Time until the head of the response was there; rows and events may follow for long.',
  },
  millrace_kafka_requests_total: {
    type: 'counter',
    unit: 'times',
    labels: ['api', 'outcome'],
    help: 'Requests to Kafka brokers, by ok or failed: no connection, no response, or one that cannot be read.',
    kafkaStreams: 'request-total',
  },
  millrace_kafka_request_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['api'],
    bounds: BOUNDS,
    help: 'Time until a Kafka broker has responded; fetches wait there for records.',
    kafkaStreams: 'request-latency-avg, fetch-latency-avg',
  },
  millrace_kafka_bytes_total: {
    type: 'counter',
    unit: 'bytes',
    labels: ['direction'],
    help: 'Bytes that came from Kafka brokers and went to them.',
    kafkaStreams: 'incoming-byte-total, outgoing-byte-total',
  },
  millrace_kafka_last_heartbeat_age_seconds: {
    type: 'gauge',
    unit: 'seconds',
    labels: ['thread'],
    across: 'max',
    help: 'Time since the group coordinator has last acknowledged a heartbeat.',
    kafkaStreams: 'last-heartbeat-seconds-ago',
  },
})

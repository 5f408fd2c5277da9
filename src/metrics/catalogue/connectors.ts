import { metrics } from './metric.ts'

/** Connectors of `millrace/connect` that hang on the application. */
export const CONNECTORS = metrics({
  millrace_connector_state: {
    type: 'gauge',
    unit: 'yes or no',
    labels: ['connector', 'state'],
    help: '1 for the state that a connector of this instance is in, 0 for all others.',
  },
  millrace_connector_records_total: {
    type: 'counter',
    unit: 'records',
    labels: ['connector', 'kind'],
    help: 'Records that a source has committed to its topic, or a sink has written to its target.',
  },
  millrace_connector_bad_records_total: {
    type: 'counter',
    unit: 'records',
    labels: ['connector'],
    help: 'Records that a connector has given up, as onError says.',
  },
  millrace_connector_commits_total: {
    type: 'counter',
    unit: 'times',
    labels: ['connector'],
    help: 'Commits of a connector.',
  },
  millrace_connector_retries_total: {
    type: 'counter',
    unit: 'times',
    labels: ['connector'],
    help: 'Attempts of a connector that failed and were made again: its system or its log fails.',
  },
  millrace_connector_lag_records: {
    type: 'gauge',
    unit: 'records',
    labels: ['connector'],
    help: 'Records that a sink has not written yet.',
  },
})

import { Histogram } from '../../metrics/histogram.ts'
import { Samples, type Sample } from '../../metrics/samples.ts'

/** Names of Kafka's requests by their key, as far as Millrace sends them. */
const NAMES: Readonly<Record<number, string>> = {
  0: 'Produce',
  1: 'Fetch',
  2: 'ListOffsets',
  3: 'Metadata',
  8: 'OffsetCommit',
  9: 'OffsetFetch',
  10: 'FindCoordinator',
  11: 'JoinGroup',
  12: 'Heartbeat',
  13: 'LeaveGroup',
  14: 'SyncGroup',
  15: 'DescribeGroups',
  16: 'ListGroups',
  18: 'ApiVersions',
  19: 'CreateTopics',
  20: 'DeleteTopics',
  21: 'DeleteRecords',
  22: 'InitProducerId',
  24: 'AddPartitionsToTxn',
  25: 'AddOffsetsToTxn',
  26: 'EndTxn',
  28: 'TxnOffsetCommit',
  32: 'DescribeConfigs',
  37: 'CreatePartitions',
  42: 'DeleteGroups',
  44: 'IncrementalAlterConfigs',
  47: 'OffsetDelete',
  69: 'ConsumerGroupDescribe',
  88: 'StreamsGroupHeartbeat',
  89: 'StreamsGroupDescribe',
}

interface ApiCounts {
  readonly duration: Histogram
  ok: number
  failed: number
}

/** Requests to the brokers of one log, over all its connections. */
export class RequestCounts {
  readonly #apis = new Map<number, ApiCounts>()
  #bytesIn = 0
  #bytesOut = 0

  /** @param ms from the request to the response, or to the error */
  count(api: number, outcome: 'ok' | 'failed', ms: number): void {
    let counts = this.#apis.get(api)
    if (counts === undefined) {
      counts = { duration: new Histogram('millrace_kafka_request_duration_seconds'), ok: 0, failed: 0 }
      this.#apis.set(api, counts)
    }
    counts[outcome]++
    counts.duration.observe(ms / 1000)
  }

  /** Counts bytes that went over a socket. */
  bytes(read: number, written: number): void {
    this.#bytesIn += read
    this.#bytesOut += written
  }

  samples(): readonly Sample[] {
    const samples = new Samples()
    for (const [key, { duration, ok, failed }] of this.#apis) {
      const api = NAMES[key] ?? String(key)
      if (ok > 0) samples.add('millrace_kafka_requests_total', { api, outcome: 'ok' }, ok)
      if (failed > 0) samples.add('millrace_kafka_requests_total', { api, outcome: 'failed' }, failed)
      samples.add('millrace_kafka_request_duration_seconds', { api }, duration.value)
    }
    if (this.#apis.size > 0) {
      samples.add('millrace_kafka_bytes_total', { direction: 'in' }, this.#bytesIn)
      samples.add('millrace_kafka_bytes_total', { direction: 'out' }, this.#bytesOut)
    }
    return samples.list()
  }
}

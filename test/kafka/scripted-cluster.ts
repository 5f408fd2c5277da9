import type { API } from '@platformatic/kafka'
import type { TopicMetadata } from '../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../src/kafka/cluster/connection-options.ts'
import type { ClusterOptions } from '../../src/kafka/cluster/connection-options.ts'
import type { FetchRequest, FetchResponse, FetchedPartition } from '../../src/kafka/fetch/fetch-api.ts'
import type { FetchCluster } from '../../src/kafka/fetch/fetcher.ts'
import type { ProduceRequest, ProducedPartition, RecordError } from '../../src/kafka/produce/produce-api.ts'
import type { ProducerIdentity, ProducerSession } from '../../src/kafka/produce/producer-session.ts'
import type { SenderCluster } from '../../src/kafka/produce/sender.ts'
import { connectionLost } from '../../src/kafka/protocol/errors.ts'
import { BASE_SEQUENCE_AT, COUNT_AT, PRODUCER_ID_AT, readInt64 } from '../../src/kafka/records/batch-header.ts'
import { readRecordSet } from '../../src/kafka/records/record-set.ts'
import type { TopicPartition } from '../../src/log/log.ts'
import { valuesOf } from './records/batches.ts'

/** A batch as a broker got it. */
export interface SentBatch {
  readonly broker: number
  readonly topic: string
  readonly partition: number
  readonly producerId: number
  readonly sequence: number
  readonly values: readonly (string | null)[]
}

/** Reaction of a scripted broker to a request: an error code per partition, or a connection that breaks. */
export type ProduceScript = (batches: readonly SentBatch[], request: number) => ProduceAnswer | Promise<ProduceAnswer>
export type ProduceAnswer =
  | number
  | 'lost'
  | { readonly errorCode: number; readonly recordErrors: readonly RecordError[] }
export type FetchScript = (
  request: FetchRequest,
  number: number,
  broker: number,
) => FetchResponse | 'lost' | Promise<FetchResponse | 'lost'>

/** Brokers that do what the test says, in place of a `Cluster`. `leader` leads the partitions of one topic, `t`. */
export class ScriptedCluster implements SenderCluster, FetchCluster {
  readonly options: ClusterOptions = clusterOptions({ brokers: 'scripted:1', retryBackoff: 1, retryBackoffMax: 2 })
  leader = 1
  topicId = 't'
  /** Called at each metadata request, before `leader` is looked at. */
  onRefresh: () => void = () => undefined
  refreshes = 0
  readonly sent: SentBatch[] = []
  /** Batches that the broker accepted, each once. */
  readonly log: SentBatch[] = []
  inFlight = 0
  mostInFlight = 0
  #requests = 0
  readonly #produce: ProduceScript
  readonly #fetch: FetchScript

  constructor({ produce = () => 0, fetch = () => 'lost' as const }: { produce?: ProduceScript; fetch?: FetchScript }) {
    this.#produce = produce
    this.#fetch = fetch
  }

  cachedTopic(name: string): TopicMetadata | undefined {
    if (name !== 't' || this.refreshes === 0) return undefined
    return {
      name,
      id: this.topicId,
      partitions: Array.from({ length: 20 }, () => ({ leader: this.leader, leaderEpoch: 0 })),
    }
  }

  cachedLeader(topic: string): number | undefined {
    return topic === 't' && this.refreshes > 0 && this.leader >= 0 ? this.leader : undefined
  }

  async refresh(): Promise<ReadonlyMap<string, TopicMetadata>> {
    this.refreshes++
    this.onRefresh()
    return new Map()
  }

  /** Fails, so that nothing is known of the configs of topics. */
  async sendToAny<A extends unknown[], R>(_lane: string, _api: API<A, R>, ..._args: A): Promise<R> {
    throw new Error('not scripted')
  }

  async retrying<T>(_what: object, act: () => Promise<T>): Promise<T> {
    return act()
  }

  async send<A extends unknown[], R>(broker: number, _lane: string, api: API<A, R>, ...args: A): Promise<R> {
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight)
    try {
      const answer =
        api.key === 0
          ? await this.#produced(broker, args[0] as ProduceRequest)
          : await this.#fetched(broker, args[0] as FetchRequest)
      return answer as R
    } finally {
      this.inFlight--
    }
  }

  async #fetched(broker: number, request: FetchRequest): Promise<FetchResponse> {
    const answer = await this.#fetch(request, this.#requests++, broker)
    if (answer === 'lost') throw connectionLost('scripted', 'lost')
    return answer
  }

  async #produced(broker: number, { topics }: ProduceRequest): Promise<ProducedPartition[]> {
    const batches = [...topics].flatMap(([topic, entries]) =>
      entries.map(({ partition, records }) => decode(broker, topic, partition, records)),
    )
    this.sent.push(...batches)
    const script = this.#produce(batches, this.#requests++)
    const answer = await script
    const taken = answer === 0 || answer === 'lost'
    const answers = batches.map((batch) => {
      const refusal = typeof answer === 'object' ? answer : { errorCode: taken ? 0 : answer, recordErrors: [] }
      const errorCode = taken ? this.#take(batch) : refusal.errorCode
      const { recordErrors } = refusal
      const { topic, partition } = batch
      return { topic, partition, errorCode, errorText: null, baseOffset: -1, recordErrors }
    })
    if (answer === 'lost') throw connectionLost('scripted', 'lost')
    return answers
  }

  /** Accepts the next batch of a producer, recognizes one that it has, and refuses others, as a broker does. */
  #take(batch: SentBatch): number {
    const known = this.log.filter((each) => each.partition === batch.partition && each.producerId === batch.producerId)
    if (known.some((each) => each.sequence === batch.sequence)) return 0
    const expected = known.reduce((next, each) => next + each.values.length, 0)
    if (batch.sequence !== expected) return 45
    this.log.push(batch)
    return 0
  }
}

/** Hands out the identities 100, 101, … at once. */
export class CountingSession implements ProducerSession {
  readonly transactionalId = null
  readonly #renewable: boolean
  #current: ProducerIdentity | undefined
  #next = 100

  constructor(renewable = true) {
    this.#renewable = renewable
  }

  accepts(): boolean {
    return true
  }

  identity(): ProducerIdentity | undefined {
    return this.#current
  }

  async prepare(_partitions: readonly TopicPartition[]): Promise<void> {
    this.#current ??= { producerId: this.#next++, epoch: 0 }
  }

  renew(): boolean {
    this.#current = undefined
    return this.#renewable
  }
}

function decode(broker: number, topic: string, partition: number, records: Buffer): SentBatch {
  const values = valuesOf(readRecordSet({ topic, partition }, records, 0, []))
  if (values.length !== records.readInt32BE(COUNT_AT))
    throw new Error('the batch holds another number of records than it says')
  return {
    broker,
    topic,
    partition,
    producerId: readInt64(records, PRODUCER_ID_AT),
    sequence: records.readInt32BE(BASE_SEQUENCE_AT),
    values,
  }
}

/** Returns the response for one partition of `t`. */
export function fetched(partition: number, answer: Partial<FetchedPartition> = {}): FetchedPartition {
  return {
    topicId: 't',
    partition,
    errorCode: 0,
    highWatermark: answer.lastStableOffset ?? 0,
    lastStableOffset: 0,
    abortedTransactions: [],
    records: Buffer.alloc(0),
    ...answer,
  }
}

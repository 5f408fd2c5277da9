import { MillraceError } from '../../errors/millrace-error.ts'
import { PartitionMap, type LogReader, type Quiet, type RecordCursor } from '../../log/log.ts'
import type { Cluster, Lane } from '../cluster/cluster.ts'
import { fetchV13, type FetchResponse, type FetchedPartition } from './fetch-api.ts'
import { FetchPartition } from './fetch-partition.ts'
import { LeaderRefresh } from '../cluster/leader-refresh.ts'
import { KafkaError, isRetriableCode, isStaleLeaderCode, kafkaErrors } from '../protocol/errors.ts'
import { endOfRecordSet, readRecordSet } from '../records/record-set.ts'
import { corruptBatch } from '../records/cursor.ts'
import { backoff, pause } from '../cluster/retry.ts'

/** Bounds of reading from Kafka. Times in ms, sizes in bytes. */
export interface FetcherOptions {
  /** Time that a broker waits for records before it responds without any. Default 500, as `fetch.max.wait.ms`. */
  readonly maxWait?: number
  /** Bound of one response. Default 16 MiB. */
  readonly maxBytes?: number
  /** Bound of one partition in a response. Default 1 MiB, as `max.partition.fetch.bytes`. */
  readonly partitionMaxBytes?: number
  /** A partition with this much fetched but not handed over is not fetched. Default 2 MiB. */
  readonly partitionBufferBytes?: number
  /** Bytes fetched from which only empty partitions are fetched; from half of it, no paused ones. Default 64 MiB. */
  readonly bufferBytes?: number
  /** Time for which a topic may be unknown to the brokers before that is an error. Default 30 s. */
  readonly unknownTopicTimeout?: number
}

const DEFAULTS: Required<FetcherOptions> = {
  maxWait: 500,
  maxBytes: 16 << 20,
  partitionMaxBytes: 1 << 20,
  partitionBufferBytes: 2 << 20,
  bufferBytes: 64 << 20,
  unknownTopicTimeout: 30_000,
}

/** Longest wait (ms) of a request aside: partitions with records must not wait for those without. */
const ASIDE_WAIT = 25

/** Partitions to fetch from one broker. */
interface Wanted {
  /** Partitions of which the broker may hold more. */
  readonly behind: FetchPartition[]
  /** Partitions that were fetched to their last known end. */
  readonly atEnd: FetchPartition[]
}

/** Bounds of a response, and of a partition in it, when the buffer has no room. */
const LEAST_REQUEST_BYTES = 64 << 10
const LEAST_PARTITION_BYTES = 16 << 10

/** The part of a `Cluster` that the fetcher uses. */
export type FetchCluster = Pick<Cluster, 'options' | 'cachedTopic' | 'cachedLeader' | 'refresh' | 'send'>

/**
 * Reads committed records of partitions from Kafka. It fetches ahead by long polls, up to two per broker, and takes the
 * fetch lanes of its cluster for itself: two fetchers over one `Cluster` would hold each other up.
 */
export class Fetcher implements LogReader {
  readonly #cluster: FetchCluster
  readonly #options: Required<FetcherOptions>
  readonly #closing = new AbortController()
  readonly #partitions = new PartitionMap<FetchPartition>()
  /** Partitions in the order in which they are fetched; one that got records goes to the end. */
  readonly #order = new Set<FetchPartition>()
  readonly #arrived = new Set<FetchPartition>()
  readonly #failed = new Set<FetchPartition>()
  readonly #busy = new Set<string>()
  readonly #leaders: LeaderRefresh
  #bufferedBytes = 0
  /** Bytes that the requests under way may bring. */
  #requestedBytes = 0
  #pumpQueued = false
  #retryPending = false
  #wake: (() => void) | undefined

  constructor(cluster: FetchCluster, options: FetcherOptions = {}) {
    this.#cluster = cluster
    this.#options = { ...DEFAULTS, ...options }
    this.#leaders = new LeaderRefresh(cluster, this.#closing.signal, (topics, refused) =>
      this.#onMetadata(topics, refused),
    )
  }

  assign(topic: string, partition: number, offset: number): void {
    this.unassign(topic, partition)
    const assigned = new FetchPartition(topic, partition, offset)
    this.#partitions.set(topic, partition, assigned)
    this.#order.add(assigned)
    this.#queuePump()
  }

  unassign(topic: string, partition: number): void {
    const assigned = this.#partitions.get(topic, partition)
    if (assigned === undefined) return
    this.#partitions.delete(topic, partition)
    this.#drop(assigned)
  }

  pause(topic: string, partition: number): void {
    const assigned = this.#partitions.get(topic, partition)
    if (assigned !== undefined) assigned.paused = true
  }

  resume(topic: string, partition: number): void {
    const assigned = this.#partitions.get(topic, partition)
    if (assigned === undefined || !assigned.paused) return
    assigned.paused = false
    this.#queuePump()
    if (assigned.hasArrived || assigned.failure !== undefined) this.#wake?.()
  }

  poll(receive: (topic: string, partition: number, cursor: RecordCursor) => void): number {
    let handedOver = 0
    if (this.#arrived.size > 0) {
      const before = this.#bufferedBytes
      for (const assigned of this.#arrived) handedOver += this.#handOver(assigned, receive)
      if (this.#bufferedBytes < before) this.#queuePump()
    }
    for (const assigned of this.#failed) {
      if (!assigned.paused && !assigned.hasArrived && assigned.failure !== undefined) throw assigned.failure
    }
    return handedOver
  }

  onReady(wake: (() => void) | undefined): void {
    this.#wake = wake
    if (wake !== undefined && this.#isReady()) wake()
  }

  position(topic: string, partition: number): number | undefined {
    return this.#partitions.get(topic, partition)?.position
  }

  endOffset(topic: string, partition: number): number | undefined {
    return this.#partitions.get(topic, partition)?.endOffset
  }

  quiet(topic: string, partition: number): Quiet | undefined {
    const assigned = this.#partitions.get(topic, partition)
    if (assigned === undefined || assigned.quietSince === -1 || assigned.position < assigned.fetchOffset)
      return undefined
    return { since: assigned.quietSince, until: assigned.quietUntil }
  }

  /** Bytes fetched and not handed over. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  close(): void {
    this.#closing.abort()
    for (const [, , assigned] of this.#partitions.entries()) this.#drop(assigned)
    this.#partitions.clear()
    this.#wake = undefined
  }

  #isReady(): boolean {
    for (const assigned of this.#arrived) if (!assigned.paused) return true
    for (const assigned of this.#failed) if (!assigned.paused) return true
    return false
  }

  #drop(assigned: FetchPartition): void {
    assigned.active = false
    this.#bufferedBytes -= assigned.bufferedBytes
    assigned.chunks.length = 0
    this.#order.delete(assigned)
    this.#arrived.delete(assigned)
    this.#failed.delete(assigned)
  }

  #handOver(
    assigned: FetchPartition,
    receive: (topic: string, partition: number, cursor: RecordCursor) => void,
  ): number {
    let count = 0
    // `receive` may pause, move or drop the partition.
    while (assigned.active && !assigned.paused) {
      const cursor = assigned.cursors[assigned.nextCursor]
      if (cursor === undefined) {
        if (!this.#open(assigned)) break
        continue
      }
      assigned.nextCursor++
      assigned.position = cursor.endOffset
      count++
      receive(assigned.topic, assigned.partition, cursor)
    }
    if (!assigned.hasArrived) this.#arrived.delete(assigned)
    return count
  }

  /** Parses the next chunk into cursors; returns false if there is none or it is corrupt. */
  #open(assigned: FetchPartition): boolean {
    assigned.cursors = []
    assigned.nextCursor = 0
    const chunk = assigned.chunks.shift()
    if (chunk === undefined) return false
    assigned.bufferedBytes -= chunk.records.length
    this.#bufferedBytes -= chunk.records.length
    try {
      assigned.cursors = readRecordSet(
        assigned,
        chunk.records,
        assigned.position,
        chunk.abortedTransactions,
        this.#cluster.options.maxBatchBytes,
      )
      if (assigned.cursors.length === 0) assigned.position = Math.max(assigned.position, chunk.endOffset)
      return true
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      this.#bufferedBytes -= assigned.bufferedBytes
      assigned.bufferedBytes = 0
      assigned.chunks.length = 0
      this.#fail(assigned, error)
      return false
    }
  }

  #queuePump(): void {
    if (this.#pumpQueued || this.#closing.signal.aborted) return
    this.#pumpQueued = true
    queueMicrotask(() => {
      this.#pumpQueued = false
      this.#pump()
    })
  }

  /** Sends every request that can be sent now. */
  #pump(): void {
    if (this.#closing.signal.aborted) return
    const now = this.#cluster.options.clock.monotonic()
    const requests = new Map<number, Wanted>()
    let retryIn = Number.POSITIVE_INFINITY
    for (const assigned of this.#order) {
      if (!this.#wanted(assigned)) continue
      if (assigned.retryAt > now) {
        retryIn = Math.min(retryIn, assigned.retryAt - now)
        continue
      }
      const leader = this.#cluster.cachedLeader(assigned.topic, assigned.partition)
      if (leader === undefined) {
        this.#leaders.want(assigned.topic)
        continue
      }
      if (!this.#isSameTopic(assigned)) continue
      let request = requests.get(leader)
      if (request === undefined) requests.set(leader, (request = { behind: [], atEnd: [] }))
      if (assigned.isAtEnd) request.atEnd.push(assigned)
      else request.behind.push(assigned)
    }
    for (const [broker, wanted] of requests) this.#request(broker, wanted)
    if (retryIn !== Number.POSITIVE_INFINITY) void this.#pumpAfter(retryIn)
  }

  /** Returns false, and fails the partition, if the topic of its position is gone and another one has its name. */
  #isSameTopic(assigned: FetchPartition): boolean {
    const id = this.#cluster.cachedTopic(assigned.topic)?.id
    assigned.topicId ??= id
    if (assigned.topicId === id) return true
    const { topic, partition, fetchOffset: offset } = assigned
    this.#fail(
      assigned,
      new MillraceError('MR_TOPIC_REPLACED', 'The topic was deleted and created again: its offsets start over', {
        topic,
        partition,
        offset,
        hint:
          'Read the new topic from its beginning, or from the offset that you choose. ' +
          'An application does so by its offset reset policy.',
      }),
    )
    return false
  }

  /** Sends up to two requests: a long poll for partitions read to their end, and one aside for those with more. */
  #request(broker: number, { behind, atEnd }: Wanted): void {
    const { maxWait } = this.#options
    const isPolling = this.#busy.has(`${broker} fetch`)
    const polled = isPolling ? [] : atEnd
    if (polled.length > 0) void this.#fetch(broker, 'fetch', polled, maxWait)
    // A partition that came to its end after the poll was sent joins the next one; until then it is fetched aside.
    const rest = behind.length === 0 && isPolling ? atEnd : behind
    if (rest.length === 0) return
    const isAsideBusy = this.#busy.has(`${broker} fetchAside`)
    if (!isAsideBusy) void this.#fetch(broker, 'fetchAside', rest, Math.min(maxWait, ASIDE_WAIT))
    else if (!isPolling && polled.length === 0) void this.#fetch(broker, 'fetch', rest, maxWait)
  }

  #wanted(assigned: FetchPartition): boolean {
    if (assigned.inFlight || assigned.failure !== undefined) return false
    const { partitionBufferBytes, bufferBytes } = this.#options
    if (assigned.paused) return assigned.bufferedBytes < partitionBufferBytes && this.#bufferedBytes < bufferBytes / 2
    // An empty partition is always fetched: the reader may wait for it before it takes anything from the full ones.
    return (
      assigned.bufferedBytes === 0 ||
      (assigned.bufferedBytes < partitionBufferBytes && this.#bufferedBytes < bufferBytes)
    )
  }

  async #pumpAfter(delay: number): Promise<void> {
    if (this.#retryPending) return
    this.#retryPending = true
    await pause(this.#cluster.options.clock, delay, this.#closing.signal)
    this.#retryPending = false
    this.#pump()
  }

  async #fetch(broker: number, lane: Lane, partitions: readonly FetchPartition[], maxWait: number): Promise<void> {
    const slot = `${broker} ${lane}`
    this.#busy.add(slot)
    const asked = new PartitionMap<FetchPartition>()
    const topics = Map.groupBy(partitions, ({ topicId }) => topicId ?? '')
    for (const assigned of partitions) {
      assigned.inFlight = true
      asked.set(assigned.topicId ?? '', assigned.partition, assigned)
    }
    const partitionMaxBytes = this.#partitionBytes()
    const maxBytes = this.#requestBytes()
    this.#requestedBytes += maxBytes
    let response: FetchResponse | undefined
    try {
      response = await this.#cluster.send(broker, lane, fetchV13, {
        maxWait,
        minBytes: 1,
        maxBytes,
        partitionMaxBytes,
        topics,
      })
    } catch (error) {
      for (const assigned of partitions) this.#onRequestFailed(assigned, error)
    } finally {
      this.#requestedBytes -= maxBytes
      this.#busy.delete(slot)
      for (const assigned of partitions) assigned.inFlight = false
    }
    if (this.#closing.signal.aborted) return
    if (response !== undefined) this.#receive(response, asked)
    this.#pump()
  }

  /** Returns the bound of a response. A broker sends the first batch whole, however large it is. */
  #requestBytes(): number {
    const { maxBytes, bufferBytes } = this.#options
    const room = bufferBytes - this.#bufferedBytes - this.#requestedBytes
    return Math.min(maxBytes, Math.max(LEAST_REQUEST_BYTES, Math.floor(room / 2)))
  }

  /** Returns the bound of a partition: none may take the room of others. Empty ones are fetched even without room. */
  #partitionBytes(): number {
    const { partitionMaxBytes, bufferBytes } = this.#options
    return Math.min(partitionMaxBytes, Math.max(LEAST_PARTITION_BYTES, Math.floor(bufferBytes / this.#order.size)))
  }

  #receive(response: FetchResponse, asked: PartitionMap<FetchPartition>): void {
    if (response.errorCode !== kafkaErrors.none) {
      for (const [, , assigned] of asked.entries()) this.#onError(assigned, response.errorCode)
      return
    }
    let ready = false
    for (const fetched of response.partitions) {
      const assigned = asked.get(fetched.topicId, fetched.partition)
      if (assigned === undefined || !assigned.active) continue
      if (fetched.errorCode !== kafkaErrors.none) this.#onError(assigned, fetched.errorCode)
      else if (this.#store(assigned, fetched)) ready = true
    }
    if (ready) this.#wake?.()
  }

  /** Stores what was fetched and returns whether `poll` now has something to hand over. */
  #store(assigned: FetchPartition, fetched: FetchedPartition): boolean {
    const { records, abortedTransactions } = fetched
    assigned.failures = 0
    assigned.unknownSince = undefined
    assigned.endOffset = fetched.lastStableOffset
    assigned.heard(fetched.highWatermark, this.#cluster.options.clock.monotonic())
    if (records.length === 0) return false
    const end = endOfRecordSet(records)
    if (end === -1) {
      this.#fail(
        assigned,
        corruptBatch(assigned, assigned.fetchOffset, `its ${records.length} bytes are not a whole batch`),
      )
      return false
    }
    assigned.fetchOffset = Math.max(end, assigned.fetchOffset)
    assigned.chunks.push({ records, abortedTransactions, endOffset: end })
    assigned.bufferedBytes += records.length
    this.#bufferedBytes += records.length
    this.#arrived.add(assigned)
    this.#order.delete(assigned)
    this.#order.add(assigned)
    return !assigned.paused
  }

  #onRequestFailed(assigned: FetchPartition, error: unknown): void {
    if (error instanceof KafkaError && error.retriable) return this.#retryLater(assigned, error.apiCode)
    const { topic, partition } = assigned
    const known = error instanceof MillraceError
    this.#fail(
      assigned,
      known ? error : new MillraceError('MR_LOG_FAILED', 'Kafka cannot be read', { topic, partition, cause: error }),
    )
  }

  #onError(assigned: FetchPartition, code: number): void {
    if (!assigned.active) return
    const { topic, partition, fetchOffset: offset } = assigned
    if (code === kafkaErrors.offsetOutOfRange) {
      this.#fail(
        assigned,
        new MillraceError('MR_OFFSET_OUT_OF_RANGE', 'The log no longer holds this offset, or does not hold it yet', {
          topic,
          partition,
          offset,
          hint:
            'Retention deleted records before they were read, or the topic was created again. ' +
            'Choose where to go on by the offset reset policy.',
        }),
      )
    } else if (code === kafkaErrors.corruptMessage) {
      this.#fail(assigned, corruptBatch(assigned, offset, 'the broker cannot read it'))
    } else if (isRetriableCode(code) || code === kafkaErrors.unknownServerError) {
      this.#retryLater(assigned, code)
    } else {
      this.#fail(
        assigned,
        new KafkaError(code, 'reading from Kafka was refused', { topic, partition, offset, needs: { topic: 'Read' } }),
      )
    }
  }

  #retryLater(assigned: FetchPartition, code: number): void {
    if (!assigned.active) return
    this.#backOff(assigned)
    if (isStaleLeaderCode(code)) this.#leaders.want(assigned.topic)
    if (code === kafkaErrors.unknownTopicOrPartition) this.#noteUnknown(assigned)
  }

  #onMetadata(topics: ReadonlySet<string>, refused: Error | undefined): void {
    for (const assigned of this.#order) {
      const { topic, partition } = assigned
      if (!topics.has(topic)) continue
      if (refused !== undefined) {
        // The error may concern another topic of the same request. Only that topic is not asked for again.
        if (!(refused instanceof MillraceError)) this.#onRequestFailed(assigned, refused)
        else if (refused.topic === undefined || refused.topic === topic) this.#fail(assigned, refused)
      } else if (this.#cluster.cachedTopic(topic)?.partitions[partition] === undefined) {
        this.#backOff(assigned)
        this.#noteUnknown(assigned)
      } else if (this.#cluster.cachedLeader(topic, partition) === undefined) {
        this.#backOff(assigned)
      }
    }
    this.#queuePump()
  }

  #backOff(assigned: FetchPartition): void {
    const { clock } = this.#cluster.options
    assigned.heard(undefined, clock.monotonic())
    assigned.retryAt = clock.monotonic() + backoff(this.#cluster.options, assigned.failures++)
  }

  #noteUnknown(assigned: FetchPartition): void {
    const now = this.#cluster.options.clock.monotonic()
    assigned.unknownSince ??= now
    if (now - assigned.unknownSince < this.#options.unknownTopicTimeout) return
    const { topic, partition } = assigned
    this.#fail(
      assigned,
      new MillraceError('MR_TOPIC_UNKNOWN', 'The brokers do not know this partition', {
        topic,
        partition,
        hint: 'The topic was deleted or never created. Create it, with enough partitions.',
      }),
    )
  }

  #fail(assigned: FetchPartition, failure: MillraceError): void {
    if (!assigned.active || assigned.failure !== undefined) return
    assigned.failure = failure
    this.#failed.add(assigned)
    if (!assigned.paused) this.#wake?.()
  }
}

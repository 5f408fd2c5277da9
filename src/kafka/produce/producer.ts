import { MillraceError } from '../../errors/millrace-error.ts'
import type { LogProducer, MissingTopics, TopicPartition } from '../../log/log.ts'
import type { AppendOrigin, Refusal, Replacement } from '../../log/refusal.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import type { TimerHandle } from '../../platform/clock.ts'
import { eventTime, noEventTime } from '../../record/event-time.ts'
import { MissingOutputs } from './missing-outputs.ts'
import { BatchQueue } from './batch-queue.ts'
import { refusedFailure } from './produce-errors.ts'
import type { ProducerSession } from './producer-session.ts'
import { Sender, type RefusedRecord, type SenderCluster } from './sender.ts'
import { BatchBuilder } from '../records/batch-builder.ts'
import type { Compression } from '../records/codecs.ts'
import { retrying } from '../cluster/retry.ts'
import type { RecordSlice } from '../../record/record-slice.ts'

/** Options of a producer. Times in ms, sizes in bytes. */
export interface ProducerOptions {
  /** Compression of batches. Default: as the cluster's options say. */
  readonly compression?: Compression
  /** Largest batch that is sent, compressed; a larger record is refused. Default: as the cluster's options say. */
  readonly maxRequestSize?: number
  /** Time that a batch waits for records before it is sent unflushed. Default 5, as `linger.ms` since Kafka 4.0. */
  readonly linger?: number
  /**
   * Bound of a batch before compression; a larger record gets a batch of its own. Default 1 MiB, which the default
   * `max.message.bytes` allows.
   */
  readonly batchBytes?: number
  /** Unacknowledged bytes from which `writable` is false, until half of them are left. Default 32 MiB. */
  readonly bufferBytes?: number
  /** Time for which a batch is retried before the producer fails. Default 2 minutes, as `delivery.timeout.ms`. */
  readonly deliveryTimeout?: number
  /** Treatment of topics that were deleted. Default: batches wait as long as after other errors, without a notice. */
  readonly missingTopics?: MissingTopics | undefined
}

const DEFAULTS = { linger: 5, batchBytes: 1 << 20, bufferBytes: 32 << 20, deliveryTimeout: 120_000 }

/** Refused records of one batch that are not decided about yet. */
interface Undecided {
  readonly place: TopicPartition
  readonly generation: number
  readonly records: readonly RefusedRecord[]
  readonly bytes: number
}

/** A flush, which waits for all batches up to its generation, the number of flushes before it. */
interface Flush {
  readonly generation: number
  left: number
  readonly done: PromiseWithResolvers<void>
}

/**
 * Appends records to Kafka. All in-sync replicas acknowledge them, they stay in order per partition, and each is in the
 * log once although requests are repeated (KIP-98). That holds as long as the broker remembers the producer. A broker
 * that restarts, or takes over a partition, forgets producers whose last record there has a timestamp older than
 * `producer.id.expiration.ms` (a day).
 *
 * Once a batch has failed for good, all waiting batches are dropped, and `append` and `flush` throw its error until
 * `discard`.
 */
export class KafkaProducer implements LogProducer {
  readonly #cluster: SenderCluster
  readonly #session: ProducerSession
  readonly #options: Required<Omit<ProducerOptions, 'missingTopics'>>
  readonly #closing = new AbortController()
  readonly #sender: Sender
  readonly #topics = new Map<string, BatchQueue[]>()
  /** Partition counts of topics that were written to, which may have been deleted since. */
  readonly #partitionCounts = new Map<string, number>()
  readonly #flushes: Flush[] = []
  /** Number of batches not acknowledged yet, and of refusals not decided about. */
  #unacknowledged = 0
  /** Number of flushes asked for so far. */
  #generation = 0
  #lastTopic = ''
  #lastQueues: BatchQueue[] = []
  #pendingBytes = 0
  #isFull = false
  #failure: MillraceError | undefined
  #lingering: TimerHandle | undefined
  #undecided: Undecided[] = []
  /** Aborted when everything that is not acknowledged is forgotten. */
  #dropping = new AbortController()
  #wake: (() => void) | undefined

  /** @param session identity under which it sends, not shared with another producer */
  constructor(cluster: SenderCluster, session: ProducerSession, options: ProducerOptions = {}) {
    this.#cluster = cluster
    this.#session = session
    const { compression, maxRequestSize } = cluster.options
    const { missingTopics, ...own } = options
    this.#options = { ...DEFAULTS, compression, maxRequestSize, ...own }
    const silent = { timeout: this.#options.deliveryTimeout, tell: () => undefined }
    const missing = new MissingOutputs(missingTopics ?? silent, cluster.options.clock)
    this.#sender = new Sender(cluster, session, this.#options, missing, this.#closing.signal, {
      acknowledged: ({ generation, bytes }) => this.#release(generation, bytes),
      split: ({ generation }, added) => this.#more(generation, added),
      refused: (place, { generation }, records) => this.#onRefused(place, generation, records),
      failed: (error) => this.#failed(error),
    })
  }

  append(topic: string, partition: number, record: RecordSlice, origin?: AppendOrigin, place = -1): void {
    if (this.#failure !== undefined) throw this.#failure
    const time = eventTime(record.timestamp)
    if (Number.isNaN(time))
      throw noEventTime(record.timestamp, 'the timestamp of a record to write', { topic, partition })
    const queue = this.#queue(topic, partition)
    let open = queue.open
    if (open !== undefined) {
      if (open.length + BatchBuilder.bound(record) > queue.batchBytes || !open.reaches(time)) {
        this.#closeFull(queue)
        open = undefined
      }
    }
    open ??= this.#openBatch(queue)
    const before = open.length
    open.append(record, time)
    queue.origins.add(origin, place)
    this.#pendingBytes += open.length - before
    if (this.#pendingBytes >= this.#options.bufferBytes && !this.#isFull) this.#becomeFull()
  }

  partitionCount(topic: string): number | undefined {
    return this.#cluster.cachedTopic(topic)?.partitions.length ?? this.#partitionCounts.get(topic)
  }

  loadPartitionCount(topic: string): MaybePromise<number> {
    return this.partitionCount(topic) ?? this.#askPartitionCount(topic)
  }

  get writable(): boolean {
    return !this.#isFull
  }

  onWritable(wake: (() => void) | undefined): void {
    this.#wake = wake
  }

  flush(): MaybePromise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const generation = this.#generation++
    if (this.#unacknowledged === 0) return
    const done = Promise.withResolvers<void>()
    // A caller that does not await the flush gets the failure at the next append.
    done.promise.catch(() => undefined)
    this.#flushes.push({ generation, left: this.#unacknowledged, done })
    this.#sender.closeBatches()
    this.#sender.pump()
    return done.promise
  }

  /** Generation of what is appended now: the number of flushes that were asked for before. */
  get generation(): number {
    return this.#generation
  }

  /** Goes on sending, since the session accepts what it made wait. */
  resume(): void {
    this.#sender.pump()
  }

  lastOffset(topic: string, partition: number): number | undefined {
    return this.#topics.get(topic)?.[partition]?.lastOffset
  }

  /**
   * Forgets everything that is not acknowledged, and the failure if there was one. A flush under way fails. Batches
   * under way may be in the log or not, which is settled when this resolves. Sequence numbers start over under a new
   * identity: a session that does not renew by itself must be given one before the next `append`.
   */
  async discard(): Promise<void> {
    this.#drop(new MillraceError('MR_PRODUCE', 'What was to be flushed was discarded'))
    this.#session.renew()
    await this.#sender.settled()
    this.#failure = undefined
  }

  /** Starts sequence numbers over under the session's next identity. Allowed only while everything is acknowledged. */
  restartSequences(): void {
    for (const queues of this.#topics.values()) for (const queue of queues) queue?.restartSequence()
  }

  /** Closes without sending what was not flushed. */
  close(): void {
    this.#closing.abort()
    this.#failure ??= new MillraceError('MR_PRODUCE', 'The producer is closed')
    this.#wake = undefined
    this.#drop(this.#failure)
  }

  #drop(reason: MillraceError): void {
    this.#dropping.abort()
    this.#dropping = new AbortController()
    this.#undecided = []
    for (const { done } of this.#flushes.splice(0)) done.reject(reason)
    this.#unacknowledged = 0
    this.#sender.clear()
    this.#topics.clear()
    this.#lastTopic = ''
    this.#lastQueues = []
    this.#lingering?.cancel()
    this.#lingering = undefined
    this.#pendingBytes = 0
    this.#becomeWritable()
  }

  #queue(topic: string, partition: number): BatchQueue {
    if (topic !== this.#lastTopic) {
      let queues = this.#topics.get(topic)
      if (queues === undefined) {
        this.#topics.set(topic, (queues = []))
        const count = this.partitionCount(topic)
        if (count !== undefined) this.#partitionCounts.set(topic, count)
      }
      this.#lastTopic = topic
      this.#lastQueues = queues
    }
    return (this.#lastQueues[partition] ??= new BatchQueue(topic, partition, this.#options.batchBytes))
  }

  #openBatch(queue: BatchQueue): BatchBuilder {
    const { clock } = this.#cluster.options
    this.#sender.add(queue)
    this.#lingering ??= clock.schedule(this.#options.linger, () => {
      this.#lingering = undefined
      this.#sender.expedite()
      this.#sender.pump()
    })
    const open = queue.openBatch(clock.monotonic(), this.#generation)
    this.#pendingBytes += open.length
    this.#more(this.#generation, 1)
    queue.due = this.#isFull
    return open
  }

  #closeFull(queue: BatchQueue): void {
    queue.closeBatch(this.#options.compression, this.#session.transactionalId !== null)
    this.#sender.pump()
  }

  #becomeFull(): void {
    this.#isFull = true
    this.#sender.expedite()
    this.#sender.pump()
  }

  #becomeWritable(): void {
    if (!this.#isFull) return
    this.#isFull = false
    this.#wake?.()
  }

  /** Adds to what flushes wait for: batches, and refused records that are not decided about yet. */
  #more(generation: number, count: number): void {
    this.#unacknowledged += count
    for (const flush of this.#flushes) if (generation <= flush.generation) flush.left += count
  }

  /** Counts off a batch that was acknowledged, or refused records that were decided about. */
  #release(generation: number, bytes: number): void {
    this.#pendingBytes -= bytes
    if (this.#pendingBytes <= this.#options.bufferBytes / 2) this.#becomeWritable()
    this.#unacknowledged--
    for (const flush of this.#flushes) if (generation <= flush.generation) flush.left--
    while (this.#flushes[0]?.left === 0) this.#flushes.shift()!.done.resolve()
  }

  /** Asks about refused records in the order of the refusals. Until they are decided about, their bytes are pending. */
  #onRefused(place: TopicPartition, generation: number, records: readonly RefusedRecord[]): void {
    const bytes = records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0)
    this.#pendingBytes += bytes
    this.#more(generation, 1)
    this.#undecided.push({ place, generation, records, bytes })
    if (this.#undecided.length === 1) void this.#decide(this.#dropping.signal)
  }

  async #decide(signal: AbortSignal): Promise<void> {
    // A failure clears the queues, which the caller is still working on.
    await undefined
    while (!signal.aborted) {
      const [refused] = this.#undecided
      if (refused === undefined) return
      try {
        for (const record of refused.records) {
          if (signal.aborted) return
          await this.#ask(refused, record, signal)
        }
      } catch (error) {
        if (!signal.aborted) this.#failed(failureOf(error, refused.place))
        return
      }
      if (signal.aborted) return
      this.#undecided.shift()
      this.#release(refused.generation, refused.bytes)
    }
  }

  /** Asks the origin about a record. Its replacement belongs to the flush and the transaction of the record. */
  async #ask({ place, generation }: Undecided, record: RefusedRecord, signal: AbortSignal): Promise<void> {
    const { topic, partition } = place
    const { timestamp, key, value, why, origin } = record
    const refusal: Refusal = { topic, partition, timestamp, key, value, why, signal }
    if (origin === undefined) throw refusedFailure(refusal, record.apiCode)
    const instead = await origin.refused(refusal, record.place)
    if (instead !== undefined && !signal.aborted) this.#insert(instead, generation)
  }

  #insert(record: Replacement, generation: number): void {
    const queue = this.#queue(record.topic, record.partition)
    const { compression } = this.#options
    const now = this.#cluster.options.clock.monotonic()
    const { bytes } = queue.insert(record, generation, now, compression, this.#session.transactionalId !== null)
    this.#pendingBytes += bytes
    this.#more(generation, 1)
    this.#sender.add(queue)
    this.#sender.pump()
  }

  #failed(error: MillraceError): void {
    this.#failure = error
    this.#drop(error)
  }

  async #askPartitionCount(topic: string): Promise<number> {
    const what = `asking for the partitions of ${topic}`
    await retrying(this.#cluster.options, { what, signal: this.#closing.signal }, () => this.#cluster.refresh([topic]))
    const count = this.partitionCount(topic)
    if (count !== undefined) return count
    throw new MillraceError('MR_TOPIC_UNKNOWN', 'The topic does not exist', {
      topic,
      hint: 'Create the topic before you write to it.',
    })
  }
}

function failureOf(error: unknown, { topic, partition }: TopicPartition): MillraceError {
  if (error instanceof MillraceError) return error
  return new MillraceError('MR_PRODUCE', 'deciding about a refused record failed', { topic, partition, cause: error })
}

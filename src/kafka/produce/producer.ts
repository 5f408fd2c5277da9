import { MillraceError } from '../../errors/millrace-error.ts'
import type { LogProducer, MissingTopics, TopicPartition } from '../../log/log.ts'
import type { RecordOrigin, Refusal, Replacement } from '../../log/refusal.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import type { TimerHandle } from '../../platform/clock.ts'
import { eventTime, noEventTime } from '../../record/event-time.ts'
import { MissingOutputs } from './missing-outputs.ts'
import { BatchQueue } from './batch-queue.ts'
import { refusedFailure } from './produce-errors.ts'
import type { ProducerSession } from './producer-session.ts'
import { Sender } from './sender.ts'
import type { RefusedRecord, SenderCluster } from './sender.ts'
import { BatchBuilder } from '../records/batch-builder.ts'
import type { Compression } from '../records/compression.ts'
import { retrying } from '../cluster/retry.ts'
import type { RecordSlice } from '../../record/record-slice.ts'

/** How a producer collects and sends. Times in ms, sizes in bytes. */
export interface ProducerOptions {
  /** How batches are compressed. Default: as the cluster's options say. */
  readonly compression?: Compression
  /** Bytes of a batch, compressed, that is sent at all: a larger record is refused. Default: as the cluster's options say. */
  readonly maxRequestSize?: number
  /** How long a batch waits for more records before it is sent unasked. Default 5, as `linger.ms` since Kafka 4.0. */
  readonly linger?: number
  /** Bytes of a batch before compression; a larger record has a batch of its own. Default 1 MiB, which the default `max.message.bytes` takes. */
  readonly batchBytes?: number
  /** With so much appended and not acknowledged `writable` is false, until half of it is. Default 32 MiB. */
  readonly bufferBytes?: number
  /** How long a batch is sent again after errors that may pass, before the producer fails. Default 2 minutes, as `delivery.timeout.ms`. */
  readonly deliveryTimeout?: number
  /** For topics that were deleted. Default: for as long as after other errors, and nobody is told. */
  readonly missingTopics?: MissingTopics | undefined
}

const DEFAULTS = {
  linger: 5,
  batchBytes: 1 << 20,
  bufferBytes: 32 << 20,
  deliveryTimeout: 120_000,
}

/** Records of one batch that were refused. */
interface Undecided {
  readonly place: TopicPartition
  readonly generation: number
  readonly records: readonly RefusedRecord[]
  readonly bytes: number
}

/** Waits for all batches up to its generation, the number of flushes before it. */
interface Flush {
  readonly generation: number
  left: number
  readonly done: PromiseWithResolvers<void>
}

/**
 * Appends records over Kafka: acknowledged by all in-sync replicas, in order per partition, each once in the log although
 * requests are repeated (KIP-98). That holds as long as the broker remembers the producer: one that restarts, or takes a partition
 * over, forgets producers whose last record there has a timestamp older than `producer.id.expiration.ms` (a day).
 *
 * Once a batch has failed for good, everything else waiting is dropped, and `append` and `flush` throw that error until `discard`.
 */
export class KafkaProducer implements LogProducer {
  readonly #cluster: SenderCluster
  readonly #session: ProducerSession
  readonly #options: Required<Omit<ProducerOptions, 'missingTopics'>>
  readonly #closing = new AbortController()
  readonly #sender: Sender
  readonly #topics = new Map<string, BatchQueue[]>()
  /** Of topics that were written to, which may have been deleted since. */
  readonly #partitionCounts = new Map<string, number>()
  readonly #flushes: Flush[] = []
  /** Batches not acknowledged yet. */
  #unacknowledged = 0
  /** Flushes asked for so far. */
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

  /** @param session as whom it sends; not shared with another producer */
  constructor(cluster: SenderCluster, session: ProducerSession, options: ProducerOptions = {}) {
    this.#cluster = cluster
    this.#session = session
    const { compression, maxRequestSize } = cluster.options
    const { missingTopics, ...own } = options
    this.#options = { ...DEFAULTS, compression, maxRequestSize, ...own }
    const untold = { timeout: this.#options.deliveryTimeout, tell: () => undefined }
    const missing = new MissingOutputs(missingTopics ?? untold, cluster.options.clock)
    this.#sender = new Sender(cluster, session, this.#options, missing, this.#closing.signal, {
      acknowledged: ({ generation, bytes }) => this.#release(generation, bytes),
      split: ({ generation }, added) => this.#more(generation, added),
      refused: (place, { generation }, records) => this.#onRefused(place, generation, records),
      failed: (error) => this.#failed(error),
    })
  }

  append(topic: string, partition: number, record: RecordSlice, origin?: RecordOrigin, place = -1): void {
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
    // Whoever does not wait for the flush hears of the failure at the next append.
    done.promise.catch(() => undefined)
    this.#flushes.push({ generation, left: this.#unacknowledged, done })
    this.#sender.closeBatches()
    this.#sender.pump()
    return done.promise
  }

  /** Of what is appended now: how many flushes were asked for before. */
  get generation(): number {
    return this.#generation
  }

  /** The session accepts what it made wait. */
  resume(): void {
    this.#sender.pump()
  }

  lastOffset(topic: string, partition: number): number | undefined {
    return this.#topics.get(topic)?.[partition]?.lastOffset
  }

  /**
   * Forgets what is not acknowledged, and the failure if there was one; a flush under way fails. What was under way may be in the log or not; when this resolves
   * that is decided. Sequence numbers start anew, under a new identity: a session that does not renew by itself must be given
   * one before the next `append`.
   */
  async discard(): Promise<void> {
    this.#drop(new MillraceError('MR_PRODUCE', 'What was to be flushed was discarded'))
    this.#session.renew()
    await this.#sender.settled()
    this.#failure = undefined
  }

  /** The session goes on under another identity, with sequence numbers from 0. Only while everything is acknowledged. */
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

  /** Of what flushes wait for: batches, and refused records that are being decided about. */
  #more(generation: number, count: number): void {
    this.#unacknowledged += count
    for (const flush of this.#flushes) if (generation <= flush.generation) flush.left += count
  }

  /** A batch is acknowledged, or refused records are decided about. */
  #release(generation: number, bytes: number): void {
    this.#pendingBytes -= bytes
    if (this.#pendingBytes <= this.#options.bufferBytes / 2) this.#becomeWritable()
    this.#unacknowledged--
    for (const flush of this.#flushes) if (generation <= flush.generation) flush.left--
    while (this.#flushes[0]?.left === 0) this.#flushes.shift()!.done.resolve()
  }

  /** Records that were refused are asked about in the order of the refusals; until then they count for what is appended. */
  #onRefused(place: TopicPartition, generation: number, records: readonly RefusedRecord[]): void {
    const bytes = records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0)
    this.#pendingBytes += bytes
    this.#more(generation, 1)
    this.#undecided.push({ place, generation, records, bytes })
    if (this.#undecided.length === 1) void this.#decide(this.#dropping.signal)
  }

  async #decide(signal: AbortSignal): Promise<void> {
    // A failure clears the queues, which who calls this is still at.
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

  /** What is written instead belongs to the flush and the transaction of the record. */
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
      hint: 'Create it before it is written to.',
    })
  }
}

function failureOf(error: unknown, { topic, partition }: TopicPartition): MillraceError {
  if (error instanceof MillraceError) return error
  return new MillraceError('MR_PRODUCE', 'deciding about a refused record failed', { topic, partition, cause: error })
}

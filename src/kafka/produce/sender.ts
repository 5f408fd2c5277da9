import { MillraceError } from '../../errors/millrace-error.ts'
import { PartitionMap, type TopicPartition } from '../../log/log.ts'
import type { RefusalReason } from '../../log/refusal.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { ConfigCluster } from '../admin/admin-configs.ts'
import { LeaderRefresh } from '../cluster/leader-refresh.ts'
import { KafkaError, isRetriableCode, isStaleLeaderCode, kafkaErrors, type Permissions } from '../protocol/errors.ts'
import type { Compression } from '../records/codecs.ts'
import { backoff, pause } from '../cluster/retry.ts'
import type { MissingOutputs } from './missing-outputs.ts'
import type { BatchQueue } from './batch-queue.ts'
import { produceV9, type ProduceBatch, type ProducedPartition } from './produce-api.ts'
import { isRecordError, isTooLarge, produceFailure, refusedFor, refusedUnsent } from './produce-errors.ts'
import type { ProducerSession } from './producer-session.ts'
import type { TakenRecord } from './regroup.ts'
import { TopicLimits } from './topic-limits.ts'
import type { PendingBatch } from './pending-batch.ts'

/** Most requests under way to one broker. */
const MAX_IN_FLIGHT = 5
/** Bytes of batches in one request, unless the first is larger. */
const MAX_REQUEST_BYTES = 8 << 20
/** Most bytes that a request takes for each batch, besides its records and the topic's name. */
const BATCH_OVERHEAD = 64
/** Largest batch that brokers accept by default (`message.max.bytes`). */
const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588

export interface SenderOptions {
  readonly compression: Compression
  /** Time for which a batch is retried before it counts as failed, in ms. */
  readonly deliveryTimeout: number
  /** Largest batch, compressed, in bytes. */
  readonly maxRequestSize: number
}

/** A record that is not in the log and never will be. */
export interface RefusedRecord extends TakenRecord {
  readonly apiCode: number
  readonly why: RefusalReason
}

export interface SenderEvents {
  /** Called once for each batch that is in the log on all in-sync replicas, or that has no record left to write. */
  acknowledged(batch: PendingBatch): void
  /** Called when a batch could not be written as it was, and 1 + `added` batches have taken its place. */
  split(batch: PendingBatch, added: number): void
  /** Called when records were taken out of a batch; before `acknowledged` if those were all of them. */
  refused(place: TopicPartition, batch: PendingBatch, records: readonly RefusedRecord[]): void
  /** Called when a batch cannot be written. The sender has then forgotten all queues (`clear`). */
  failed(error: MillraceError): void
}

/** The part of a `Cluster` that the sender uses. */
export type SenderCluster = Pick<Cluster, 'cachedTopic' | 'cachedLeader' | 'refresh' | 'send'> & ConfigCluster

/**
 * Sends the batches of partition queues: several partitions per request, several requests per broker at once. Each
 * partition has only one batch under way, so that no failure can change the order. Meanwhile its next batch fills.
 */
export class Sender {
  readonly #cluster: SenderCluster
  readonly #session: ProducerSession
  readonly #options: SenderOptions
  readonly #signal: AbortSignal
  readonly #events: SenderEvents
  readonly #leaders: LeaderRefresh
  readonly #limits: TopicLimits
  readonly #missing: MissingOutputs
  readonly #queues = new Set<BatchQueue>()
  readonly #requests = new Map<number, number>()
  readonly #settled: (() => void)[] = []
  #underWay = 0
  #preparing = false
  #retryPending = false
  /** Changes with `clear`: responses to earlier requests are then ignored. */
  #round = 0

  constructor(
    cluster: SenderCluster,
    session: ProducerSession,
    options: SenderOptions,
    missing: MissingOutputs,
    signal: AbortSignal,
    events: SenderEvents,
  ) {
    this.#cluster = cluster
    this.#session = session
    this.#options = options
    this.#signal = signal
    this.#events = events
    this.#limits = new TopicLimits(cluster)
    this.#missing = missing
    this.#leaders = new LeaderRefresh(cluster, signal, (topics, refused) => this.#onMetadata(topics, refused))
  }

  add(queue: BatchQueue): void {
    this.#queues.add(queue)
  }

  /** Makes every batch that is being filled due. */
  expedite(): void {
    for (const queue of this.#queues) if (queue.open !== undefined) queue.due = true
  }

  /** Closes every batch that is being filled. Later records go into another one. */
  closeBatches(): void {
    for (const queue of this.#queues) this.#close(queue)
  }

  /** Forgets every queue. Requests under way go on without effect; `settled` resolves when they are over. */
  clear(): void {
    this.#round++
    for (const queue of this.#queues) queue.clear()
    this.#queues.clear()
  }

  /** Resolves when no request is under way. */
  settled(): Promise<void> | void {
    if (this.#underWay === 0) return
    return new Promise((resolve) => this.#settled.push(resolve))
  }

  /** Sends every batch that can be sent now. */
  pump(): void {
    if (this.#signal.aborted) return
    const now = this.#cluster.options.clock.monotonic()
    const ready = new Map<number, BatchQueue[]>()
    const unprepared: BatchQueue[] = []
    let retryIn = Number.POSITIVE_INFINITY
    for (const queue of this.#queues) {
      if (queue.inFlight || (queue.batches.length === 0 && !queue.due)) continue
      if (!this.#session.accepts(queue.generation)) continue
      if (queue.retryAt > now) {
        retryIn = Math.min(retryIn, queue.retryAt - now)
        continue
      }
      const broker = this.#cluster.cachedLeader(queue.topic, queue.partition)
      if (broker === undefined) this.#leaders.want(queue.topic)
      else if (this.#session.identity(queue.topic, queue.partition) === undefined) unprepared.push(queue)
      else if ((this.#requests.get(broker) ?? 0) < MAX_IN_FLIGHT) {
        const queues = ready.get(broker)
        if (queues === undefined) ready.set(broker, [queue])
        else queues.push(queue)
      }
    }
    for (const [broker, queues] of ready) this.#sendAll(broker, queues)
    if (unprepared.length > 0 && !this.#preparing) void this.#prepare(unprepared)
    if (retryIn !== Number.POSITIVE_INFINITY) void this.#pumpAfter(retryIn)
  }

  #sendAll(broker: number, queues: readonly BatchQueue[]): void {
    let request: BatchQueue[] = []
    let bytes = 0
    for (const queue of queues) {
      if (queue.batches.length === 0) this.#close(queue)
      if (!this.#maySend(queue)) continue
      const size = queue.batches[0]!.buffer.length + queue.topic.length + BATCH_OVERHEAD
      if (bytes + size > MAX_REQUEST_BYTES && request.length > 0) {
        void this.#send(broker, request)
        if ((this.#requests.get(broker) ?? 0) >= MAX_IN_FLIGHT) return
        request = []
        bytes = 0
      }
      request.push(queue)
      bytes += size
    }
    if (request.length > 0) void this.#send(broker, request)
  }

  /** Returns whether the head may be sent. Splits or refuses heads that are too large. Asks for an unknown bound. */
  #maySend(queue: BatchQueue): boolean {
    const { maxRequestSize } = this.#options
    for (let head = queue.batches[0]; head !== undefined; head = queue.batches[0]) {
      // After a refused head another generation may begin, which belongs to the next transaction.
      if (!this.#session.accepts(head.generation)) return false
      const bytes = head.buffer.length
      const limit = this.#limits.get(queue.topic)
      const bound = Math.min(limit ?? Number.POSITIVE_INFINITY, maxRequestSize)
      if (bytes <= bound) {
        if (limit !== undefined || bytes <= DEFAULT_MAX_MESSAGE_BYTES) return true
        void this.#askLimit(queue)
        return false
      }
      if (head.count > 1) this.#shrink(queue, bound)
      else
        this.#refuse(queue, [0], kafkaErrors.messageTooLarge, () =>
          refusedUnsent(bytes, bytes > (limit ?? bytes) ? limit : undefined, maxRequestSize),
        )
    }
    return false
  }

  /** Asks for the topic's bound while the queue waits. */
  async #askLimit(queue: BatchQueue, then: () => void = () => undefined): Promise<void> {
    const round = this.#round
    queue.inFlight = true
    await this.#limits.ask(queue.topic)
    if (round !== this.#round || this.#signal.aborted) return
    queue.inFlight = false
    then()
    this.pump()
  }

  /** Splits the head, which has several records. @param bound the known bound; the broker may apply a lower one */
  #shrink(queue: BatchQueue, bound: number): void {
    const head = queue.batches[0]!
    const { length } = queue.batches
    const transactional = this.#session.transactionalId !== null
    if (head.buffer.length > bound) queue.packHead(bound, this.#options.compression, transactional)
    if (queue.batches.length === length) queue.halveHead(this.#options.compression, transactional)
    queue.limitBatches(head.buffer.length > bound ? bound : head.bytes >> 1)
    this.#events.split(head, queue.batches.length - length)
  }

  #refuse(queue: BatchQueue, indices: readonly number[], apiCode: number, why: (index: number) => RefusalReason): void {
    const head = queue.batches[0]!
    const { length } = queue.batches
    const inOrder = indices.toSorted((a, b) => a - b)
    const transactional = this.#session.transactionalId !== null
    const taken = queue.takeOut(new Set(inOrder), this.#options.compression, transactional)
    const refused = taken.map((record, i) => ({ ...record, apiCode, why: why(inOrder[i]!) }))
    this.#events.refused(queue, head, refused)
    if (queue.batches.length === length) return
    if (queue.isEmpty) this.#queues.delete(queue)
    this.#events.acknowledged(head)
  }

  #close(queue: BatchQueue): void {
    queue.closeBatch(this.#options.compression, this.#session.transactionalId !== null)
  }

  async #send(broker: number, queues: readonly BatchQueue[]): Promise<void> {
    const round = this.#round
    const sent = new PartitionMap<BatchQueue>()
    const topics = new Map<string, ProduceBatch[]>()
    for (const queue of queues) {
      const batch = queue.batches[0]!
      const identity = batch.identity ?? this.#session.identity(queue.topic, queue.partition)
      if (identity === undefined) continue
      queue.stamp(batch, identity)
      queue.inFlight = true
      sent.set(queue.topic, queue.partition, queue)
      const entry: ProduceBatch = { partition: queue.partition, records: batch.buffer }
      const batches = topics.get(queue.topic)
      if (batches === undefined) topics.set(queue.topic, [entry])
      else batches.push(entry)
    }
    this.#requests.set(broker, (this.#requests.get(broker) ?? 0) + 1)
    this.#underWay++
    const { requestTimeout } = this.#cluster.options
    const { transactionalId } = this.#session
    let answers: readonly ProducedPartition[] = []
    let failure: unknown
    try {
      answers = await this.#cluster.send(broker, 'produce', produceV9, {
        transactionalId,
        timeout: requestTimeout,
        topics,
      })
    } catch (error) {
      failure = error
    }
    this.#requests.set(broker, this.#requests.get(broker)! - 1)
    this.#underWay--
    for (const queue of queues) queue.inFlight = false
    if (!this.#signal.aborted) {
      for (const answer of answers) {
        const queue = sent.get(answer.topic, answer.partition)
        if (queue === undefined || round !== this.#round) continue
        sent.delete(answer.topic, answer.partition)
        this.#onAnswer(queue, answer)
      }
      for (const [, , queue] of sent.entries()) if (round === this.#round) this.#onNoAnswer(queue, failure)
      this.pump()
    }
    if (this.#underWay === 0) for (const resolve of this.#settled.splice(0)) resolve()
  }

  #onAnswer(queue: BatchQueue, answer: ProducedPartition): void {
    const { errorCode, errorText, baseOffset } = answer
    if (errorCode !== kafkaErrors.none && errorCode !== kafkaErrors.duplicateSequenceNumber) {
      if (isRecordError(errorCode)) this.#onRecordError(queue, answer)
      else this.#onError(queue, errorCode, errorText)
      return
    }
    const batch = queue.acknowledge(baseOffset)
    if (queue.isEmpty) this.#queues.delete(queue)
    this.#missing.found(queue.topic)
    this.#events.acknowledged(batch)
  }

  #onNoAnswer(queue: BatchQueue, failure: unknown): void {
    if (failure instanceof KafkaError) this.#onError(queue, failure.apiCode, failure.message)
    else if (failure === undefined)
      this.#onError(queue, kafkaErrors.networkException, 'the response does not name the partition')
    else this.#fail(produceFailure(queue, kafkaErrors.unknownServerError, null, { cause: failure }))
  }

  /** Takes out the records that the broker names, or splits the head to find them. Nothing of the head was written. */
  #onRecordError(queue: BatchQueue, { errorCode, errorText, recordErrors }: ProducedPartition): void {
    const head = queue.batches[0]!
    const texts = new Map(recordErrors.map(({ index, text }) => [index, text]))
    const indices = [...texts.keys()].filter((index) => index >= 0 && index < head.count)
    if (indices.length > 0)
      this.#refuse(queue, indices, errorCode, (index) => refusedFor(errorCode, texts.get(index) ?? errorText))
    else if (head.count === 1) this.#refuse(queue, [0], errorCode, () => refusedFor(errorCode, errorText))
    else if (isTooLarge(errorCode)) {
      void this.#askLimit(queue, () => this.#shrink(queue, this.#limits.get(queue.topic) ?? Number.POSITIVE_INFINITY))
    } else {
      queue.halveHead(this.#options.compression, this.#session.transactionalId !== null)
      this.#events.split(head, 1)
    }
  }

  #onError(queue: BatchQueue, code: number, text: string | null): void {
    if (isLostSequence(code) && this.#session.renew()) {
      queue.restartSequence()
      this.#retryLater(queue, code, text)
    } else if (isRetriableCode(code)) {
      if (isStaleLeaderCode(code)) this.#leaders.want(queue.topic)
      this.#retryLater(queue, code, text)
    } else {
      this.#fail(this.#failure(queue, code, text))
    }
  }

  #retryLater(queue: BatchQueue, code: number, text: string | null): void {
    const now = this.#cluster.options.clock.monotonic()
    const isMissing = code === kafkaErrors.unknownTopicOrPartition
    if (isMissing) this.#missing.missed(queue.topic)
    const timeout = isMissing ? this.#missing.timeout : this.#options.deliveryTimeout
    if (now - (queue.batches[0]?.since ?? queue.openSince) >= timeout) {
      this.#fail(this.#failure(queue, code, text))
      return
    }
    queue.retryAt = now + backoff(this.#cluster.options, queue.failures++)
  }

  #onMetadata(topics: ReadonlySet<string>, refused: Error | undefined): void {
    const round = this.#round
    for (const queue of this.#queues) {
      if (!topics.has(queue.topic)) continue
      if (refused !== undefined) {
        // The error may concern another topic of the same request. Only that topic is not asked for again.
        const concerns =
          !(refused instanceof MillraceError) || refused.topic === undefined || refused.topic === queue.topic
        if (concerns) return this.#fail(metadataFailure(queue, refused))
      } else if (this.#cluster.cachedLeader(queue.topic, queue.partition) === undefined) {
        const exists = this.#cluster.cachedTopic(queue.topic)?.partitions[queue.partition] !== undefined
        this.#retryLater(queue, exists ? kafkaErrors.leaderNotAvailable : kafkaErrors.unknownTopicOrPartition, null)
        if (round !== this.#round) return
      }
    }
    this.pump()
  }

  async #prepare(queues: readonly BatchQueue[]): Promise<void> {
    this.#preparing = true
    const round = this.#round
    let failure: unknown
    try {
      await this.#session.prepare(queues)
    } catch (error) {
      failure = error
    }
    this.#preparing = false
    if (this.#signal.aborted) return
    const missing = topicUnknown(failure)
    if (missing !== undefined && round === this.#round) {
      // The other partitions were not looked at. They are prepared again without this topic.
      for (const queue of queues) {
        if (queue.topic === missing) this.#retryLater(queue, kafkaErrors.unknownTopicOrPartition, null)
      }
    } else if (failure !== undefined && round === this.#round) {
      this.#fail(
        failure instanceof MillraceError
          ? failure
          : produceFailure(queues[0]!, kafkaErrors.unknownServerError, null, { cause: failure }),
      )
    }
    this.pump()
  }

  async #pumpAfter(delay: number): Promise<void> {
    if (this.#retryPending) return
    this.#retryPending = true
    await pause(this.#cluster.options.clock, delay, this.#signal)
    this.#retryPending = false
    this.pump()
  }

  #failure(queue: BatchQueue, code: number, text: string | null): MillraceError {
    const { transactionalId } = this.#session
    const needs: Permissions =
      transactionalId === null ? { cluster: 'IdempotentWrite' } : { transactionalId: [transactionalId, 'Write'] }
    return produceFailure(queue, code, text, { needs })
  }

  #fail(error: MillraceError): void {
    this.clear()
    this.#events.failed(error)
  }
}

/** Returns the topic that could not be added to a transaction because no broker knows it. */
function topicUnknown(failure: unknown): string | undefined {
  return failure instanceof MillraceError && failure.code === 'MR_TOPIC_UNKNOWN' ? failure.topic : undefined
}

function isLostSequence(code: number): boolean {
  return code === kafkaErrors.outOfOrderSequenceNumber || code === kafkaErrors.unknownProducerId
}

function metadataFailure(queue: BatchQueue, cause: Error): MillraceError {
  return cause instanceof KafkaError
    ? produceFailure(queue, cause.apiCode, null, { cause, needs: { topic: 'Describe' } })
    : produceFailure(queue, kafkaErrors.unknownServerError, null, { cause })
}

import type { TopicPartition } from '../../log/log.ts'
import type { Replacement } from '../../log/refusal.ts'
import { BatchBuilder, stampBatch } from '../records/batch-builder.ts'
import type { Compression } from '../records/codecs.ts'
import { BatchOrigins } from './batch-origins.ts'
import type { ProducerIdentity } from './producer-session.ts'
import { regroup, takeRecords, type Regrouped, type TakenRecord } from './regroup.ts'
import type { PendingBatch } from './pending-batch.ts'
import { RecordSlice } from '../../record/record-slice.ts'

const MIN_CAPACITY = 4096
const NO_ORIGINS = new BatchOrigins(0)

/** Batches that wait for one partition, in order: closed ones, then the one being filled. At most one is under way. */
export class BatchQueue implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly batches: PendingBatch[] = []
  open: BatchBuilder | undefined
  /** Origins of the records in the batch being filled. */
  origins = NO_ORIGINS
  openSince = 0
  #openGeneration = 0
  /** True if the batch being filled need not wait for more records. */
  due = false
  inFlight = false
  failures = 0
  retryAt = 0
  /** Offset of the last acknowledged record; `undefined` while there is none. */
  lastOffset: number | undefined
  /** Bound of a batch before compression. It is lowered when the broker refuses a batch as too large. */
  batchBytes: number
  #identity: ProducerIdentity | undefined
  #nextSequence = 0
  #capacity = MIN_CAPACITY
  /** Number of records in the last batch. */
  #lastCount = 0

  constructor(topic: string, partition: number, batchBytes: number) {
    this.topic = topic
    this.partition = partition
    this.batchBytes = batchBytes
  }

  get isEmpty(): boolean {
    return this.open === undefined && this.batches.length === 0
  }

  /** Generation of the batch that is to be sent next. */
  get generation(): number {
    return this.batches[0]?.generation ?? this.#openGeneration
  }

  openBatch(now: number, generation: number): BatchBuilder {
    this.openSince = now
    this.#openGeneration = generation
    this.due = false
    this.origins = new BatchOrigins(this.#lastCount)
    return (this.open = new BatchBuilder(this.#capacity))
  }

  /** Closes the batch being filled and adds it to those to be sent. */
  closeBatch(compression: Compression, transactional: boolean): void {
    const open = this.open
    if (open === undefined) return
    this.open = undefined
    this.due = false
    this.#capacity = Math.min(
      Math.max(MIN_CAPACITY, open.length + (open.length >> 3)),
      Math.max(this.batchBytes, MIN_CAPACITY),
    )
    this.#lastCount = open.count
    const buffer = open.close(compression, transactional)
    this.batches.push({
      buffer,
      count: open.count,
      bytes: open.length,
      since: this.openSince,
      generation: this.#openGeneration,
      origins: this.origins,
      identity: undefined,
      sequence: -1,
    })
  }

  /** Gives a batch that was never sent its sequence numbers and its checksum. */
  stamp(batch: PendingBatch, current: ProducerIdentity): void {
    if (batch.identity !== undefined) return
    // A sequence goes on under the identity with which it began. A new one is for partitions that lost theirs.
    const identity = (this.#identity ??= current)
    batch.identity = identity
    batch.sequence = this.#nextSequence
    this.#nextSequence = sequenceAfter(batch.sequence, batch.count)
    stampBatch(batch.buffer, identity.producerId, identity.epoch, batch.sequence)
  }

  /** Removes the head, which is in the log. @param baseOffset -1 if the broker does not say where */
  acknowledge(baseOffset: number): PendingBatch {
    const batch = this.batches.shift()!
    this.failures = 0
    if (baseOffset >= 0) {
      this.lastOffset = baseOffset + batch.count - 1
      batch.origins.notifyWritten(baseOffset)
    }
    return batch
  }

  /** Starts over with sequence 0 under the next identity. Allowed only while the head is known not to be in the log. */
  restartSequence(): void {
    this.#identity = undefined
    this.#nextSequence = 0
    for (const batch of this.batches) {
      batch.identity = undefined
      batch.sequence = -1
    }
  }

  /** Replaces the head, which the broker refused, with two halves. */
  halveHead(compression: Compression, transactional: boolean): void {
    const second = this.batches[0]!.count >> 1
    this.#regroupHead(compression, transactional, (index) => (index === second ? 'next' : 'same'))
  }

  /** Limits later batches to that many bytes before compression. A larger record gets a batch of its own. */
  limitBatches(bytes: number): void {
    this.batchBytes = Math.min(this.batchBytes, Math.max(bytes, MIN_CAPACITY))
  }

  /** Replaces the head with batches of at most `limit` bytes before compression. A larger record gets its own. */
  packHead(limit: number, compression: Compression, transactional: boolean): void {
    this.#regroupHead(compression, transactional, (_, filled, bytes) => (filled + bytes > limit ? 'next' : 'same'))
  }

  /** Takes records out of the head, which was not written, and removes the head if no record is left. */
  takeOut(indices: ReadonlySet<number>, compression: Compression, transactional: boolean): TakenRecord[] {
    const taken = takeRecords(this, this.batches[0]!, indices)
    this.#regroupHead(compression, transactional, (index) => (indices.has(index) ? 'out' : 'same'))
    this.failures = 0
    return taken
  }

  /** Inserts a batch of one record before those of later generations that were never sent. */
  insert(
    record: Replacement,
    generation: number,
    now: number,
    compression: Compression,
    transactional: boolean,
  ): PendingBatch {
    const { key, value, timestamp, headers } = record
    const slice = RecordSlice.of(timestamp, key, value, headers)
    const builder = new BatchBuilder(slice.buffer.length)
    builder.append(slice, timestamp)
    const origins = new BatchOrigins(1)
    origins.add(record.origin, -1)
    const bytes = builder.length
    const buffer = builder.close(compression, transactional)
    const batch: PendingBatch = {
      buffer,
      count: 1,
      bytes,
      since: now,
      generation,
      origins,
      identity: undefined,
      sequence: -1,
    }
    const later = this.batches.findIndex((each) => each.identity === undefined && each.generation > generation)
    this.batches.splice(later < 0 ? this.batches.length : later, 0, batch)
    return batch
  }

  clear(): void {
    this.open = undefined
    this.batches.length = 0
    this.due = false
  }

  /** Replaces the head with its parts. If it was sent, they and sent batches after it get new numbers without a gap. */
  #regroupHead(
    compression: Compression,
    transactional: boolean,
    choose: (index: number, filled: number, bytes: number) => Regrouped,
  ): void {
    const head = this.batches[0]!
    const parts = regroup(this, head, compression, transactional, choose)
    this.batches.splice(0, 1, ...parts)
    if (head.identity === undefined) return
    for (const part of parts) part.identity = head.identity
    let sequence = head.sequence
    for (const batch of this.batches) {
      if (batch.identity === undefined) break
      batch.sequence = sequence
      stampBatch(batch.buffer, batch.identity.producerId, batch.identity.epoch, sequence)
      sequence = sequenceAfter(sequence, batch.count)
    }
    this.#nextSequence = sequence
  }
}

/** Returns the sequence number after a batch of `count` records; 0 follows 2^31 - 1. */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % 0x8000_0000
}

import type { TopicPartition } from '../../log/log.ts'
import { NO_HEADERS } from '../../record/headers.ts'
import { BatchBuilder, stampBatch } from '../records/batch-builder.ts'
import type { Compression } from '../records/compression.ts'
import { BatchCursor } from '../records/cursor.ts'
import type { ProducerIdentity } from './producer-session.ts'

/** A closed batch on its way to the broker. */
export interface PendingBatch {
  readonly buffer: Buffer
  readonly count: number
  /** What it counts for in the producer's memory bound: its bytes before compression. */
  readonly bytes: number
  /** When its first record was appended, in ms. */
  readonly since: number
  /** How many flushes were asked for before its first record was appended. */
  readonly generation: number
  /** As whom it was stamped and from which sequence number on; it keeps both when it is sent again. */
  identity: ProducerIdentity | undefined
  sequence: number
}

const MIN_CAPACITY = 4096

/** What waits to be sent to one partition, in order: closed batches, then the one being filled. At most one is under way. */
export class PartitionQueue implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly batches: PendingBatch[] = []
  open: BatchBuilder | undefined
  openSince = 0
  #openGeneration = 0
  /** The batch being filled need not wait for more records. */
  due = false
  inFlight = false
  failures = 0
  retryAt = 0
  /** Of the last acknowledged record; undefined while there is none. */
  lastOffset: number | undefined
  /** Bytes that a batch may have before compression; less than asked for where the broker refused a batch as too large. */
  batchBytes: number
  #identity: ProducerIdentity | undefined
  #nextSequence = 0
  #capacity = MIN_CAPACITY

  constructor(topic: string, partition: number, batchBytes: number) {
    this.topic = topic
    this.partition = partition
    this.batchBytes = batchBytes
  }

  get isEmpty(): boolean {
    return this.open === undefined && this.batches.length === 0
  }

  /** Of what is to be sent next. */
  get generation(): number {
    return this.batches[0]?.generation ?? this.#openGeneration
  }

  openBatch(now: number, generation: number): BatchBuilder {
    this.openSince = now
    this.#openGeneration = generation
    this.due = false
    return (this.open = new BatchBuilder(this.#capacity))
  }

  /** Moves the batch being filled to those to be sent. */
  closeBatch(compression: Compression, transactional: boolean): void {
    const open = this.open
    if (open === undefined) return
    this.open = undefined
    this.due = false
    this.#capacity = Math.min(
      Math.max(MIN_CAPACITY, open.length + (open.length >> 3)),
      Math.max(this.batchBytes, MIN_CAPACITY),
    )
    const buffer = open.close(compression, transactional)
    this.batches.push({
      buffer,
      count: open.count,
      bytes: open.length,
      since: this.openSince,
      generation: this.#openGeneration,
      identity: undefined,
      sequence: -1,
    })
  }

  /** Gives a batch that was never sent its sequence numbers, and its checksum. */
  stamp(batch: PendingBatch, current: ProducerIdentity): void {
    if (batch.identity !== undefined) return
    // The sequence goes on under the identity it began with: a new one of the session is for partitions that lost theirs.
    const identity = (this.#identity ??= current)
    batch.identity = identity
    batch.sequence = this.#nextSequence
    this.#nextSequence = sequenceAfter(batch.sequence, batch.count)
    stampBatch(batch.buffer, identity.producerId, identity.epoch, batch.sequence)
  }

  /** Takes the head out: it is in the log. @param baseOffset -1: the broker does not say where */
  acknowledge(baseOffset: number): PendingBatch {
    const batch = this.batches.shift()!
    this.failures = 0
    if (baseOffset >= 0) this.lastOffset = baseOffset + batch.count - 1
    return batch
  }

  /** Starts over with sequence 0 under an identity to come. Only while the head is known not to be in the log. */
  restartSequence(): void {
    this.#identity = undefined
    this.#nextSequence = 0
    for (const batch of this.batches) {
      batch.identity = undefined
      batch.sequence = -1
    }
  }

  /** Replaces the head, which the broker refused as too large, by two halves with the same sequence numbers; makes later batches smaller. */
  splitHead(compression: Compression, transactional: boolean): void {
    const head = this.batches[0]!
    const halves = splitBatch(this, head, compression, transactional)
    this.batchBytes = Math.max(head.bytes >> 1, MIN_CAPACITY)
    this.batches.splice(0, 1, ...halves)
  }

  clear(): void {
    this.open = undefined
    this.batches.length = 0
    this.due = false
  }
}

function splitBatch(
  place: TopicPartition,
  batch: PendingBatch,
  compression: Compression,
  transactional: boolean,
): PendingBatch[] {
  const cursor = new BatchCursor(place, batch.buffer, 0, batch.buffer.length, 0, 0)
  const first = batch.count >> 1
  let sequence = batch.sequence
  return [first, batch.count - first].map((count, half) => {
    const builder = new BatchBuilder(batch.bytes)
    for (let index = 0; index < count && cursor.next(); index++) {
      const { timestamp, buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor
      builder.append(timestamp, buffer, keyStart, keyEnd, valueStart, valueEnd, cursor.headers(NO_HEADERS))
    }
    const buffer = builder.close(compression, transactional)
    const { identity, since, generation } = batch
    if (identity !== undefined) stampBatch(buffer, identity.producerId, identity.epoch, sequence)
    // Together the halves count for what the whole was counted for.
    const bytes = half === 0 ? batch.bytes >> 1 : batch.bytes - (batch.bytes >> 1)
    const part: PendingBatch = { buffer, count, bytes, since, generation, identity, sequence }
    sequence = sequenceAfter(sequence, count)
    return part
  })
}

/** The sequence number behind a batch of `count` records; behind 2^31 - 1 comes 0. */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % 0x8000_0000
}

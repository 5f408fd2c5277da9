import { MillraceError, messageOf } from '../errors/millrace-error.ts'
import { requirePartition } from '../log/known-topics.ts'
import type { Headers } from '../record/headers.ts'
import { partitionForKey } from '../record/murmur2.ts'
import { RecordSlice } from '../record/record-slice.ts'
import { writeInner } from '../serde/call-serde.ts'
import type { Serde } from '../serde/serde.ts'

/** A topic as far as its records are encoded: any `WritableTopic`. */
export interface EncodedTopic {
  readonly name: string
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly partitioner?: Partitioner | undefined
}

type Partitioner = (
  topic: string,
  key: unknown,
  value: unknown,
  partitions: number,
) => number | readonly number[] | undefined

const FIRST_BYTES = 4096
const MOST_BYTES = 0x3fff_ffff

/**
 * Makes records of a topic into bytes and finds their partitions, for everything that writes from outside an
 * application. One slice and one buffer serve all records: a log copies the bytes when they are appended.
 */
export class RecordEncoder {
  /** The record that was encoded last. A caller that has bytes fills it, and asks `placeOf` for its partition. */
  readonly slice = new RecordSlice()
  readonly partitions: number
  readonly #topic: EncodedTopic
  #nextPartition = 0

  /** @param partitions number of partitions of the topic */
  constructor(topic: EncodedTopic, partitions: number) {
    this.#topic = topic
    this.partitions = partitions
    this.slice.buffer = Buffer.allocUnsafe(FIRST_BYTES)
  }

  /**
   * Encodes a record into `slice`. A null value is a tombstone.
   *
   * @param timestamp ms since the epoch
   * @throws MR_PRODUCE above 1 GiB; MR_PROMISE; what the serdes throw
   */
  encode(key: unknown, value: unknown, timestamp: number, headers: Headers | undefined): void {
    const { keySerde, valueSerde } = this.#topic
    const keyEnd = key === null ? 0 : this.#write(keySerde, key, 0)
    const valueEnd = value === null ? keyEnd : this.#write(valueSerde, value, keyEnd)
    const slice = this.slice
    slice.timestamp = timestamp
    slice.setKey(key === null ? -1 : 0, keyEnd)
    slice.setValue(value === null ? -1 : keyEnd, valueEnd)
    slice.headers = headers
  }

  /**
   * Returns what the partitioner of the topic says of a record, or else the partition of `slice`.
   *
   * @throws MR_NO_PARTITION for a partition that the topic does not have; what the partitioner throws
   */
  choose(key: unknown, value: unknown): number | readonly number[] {
    const { name, partitioner } = this.#topic
    const chosen = partitioner?.(name, key, value, this.partitions)
    if (chosen === undefined) return this.placeOf(this.slice)
    if (typeof chosen === 'number') this.#require(chosen)
    else for (const each of chosen) this.#require(each)
    return chosen
  }

  /** Returns the partition by the bytes of the key, as Kafka's default partitioner; without a key each in its turn. */
  placeOf(slice: RecordSlice): number {
    const { keyStart, keyEnd } = slice
    if (keyStart >= 0)
      return partitionForKey(
        slice.buffer,
        keyStart,
        keyEnd - (this.#topic.keySerde.partitionSuffix ?? 0),
        this.partitions,
      )
    const partition = this.#nextPartition
    this.#nextPartition = (partition + 1) % this.partitions
    return partition
  }

  /** Returns the partition of records with this key, if no partitioner chooses it. */
  partitionOf(key: unknown): number {
    this.encode(key, null, -1, undefined)
    return this.placeOf(this.slice)
  }

  /** @throws MR_PARTITION_UNKNOWN */
  requirePartition(partition: number): void {
    requirePartition({ name: this.#topic.name, partitions: this.partitions }, partition)
  }

  #require(partition: unknown): void {
    if (Number.isInteger(partition) && Number(partition) >= 0 && Number(partition) < this.partitions) return
    throw new MillraceError('MR_NO_PARTITION', `the partitioner returned ${messageOf(partition)}`, {
      topic: this.#topic.name,
      hint: `Return 0 to ${this.partitions - 1}, or undefined for the default.`,
    })
  }

  #write(serde: Serde<unknown>, value: unknown, at: number): number {
    for (;;) {
      const { buffer } = this.slice
      const end = writeInner(serde, value, buffer, at)
      if (end !== -1) return end
      if (buffer.length > MOST_BYTES) {
        throw new MillraceError('MR_PRODUCE', 'the record is larger than 1 GiB', {
          topic: this.#topic.name,
          hint: 'Make the record smaller.',
        })
      }
      const larger = Buffer.allocUnsafe(buffer.length * 2)
      buffer.copy(larger, 0, 0, at)
      this.slice.buffer = larger
    }
  }
}

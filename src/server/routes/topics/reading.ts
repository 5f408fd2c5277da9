import { startOffsets, type StartAt } from '../../../client/start-offsets.ts'
import { partitionsIn } from '../../../log/known-topics.ts'
import type { Log, PartitionMap, TopicDescription, TopicPartition } from '../../../log/log.ts'
import { cursorOf } from './cursor.ts'
import type { ShownRecords } from './forms.ts'
import { PartitionReading, type Arrived } from './partition-reading.ts'

/** Records with other keys that are passed before other work of the thread has its turn. */
const PASSED_A_TURN = 1024

/** What is to be read. */
export interface Asked {
  readonly topic: TopicDescription
  readonly from: StartAt
  readonly partitions: readonly number[] | undefined
  /** The bytes of a key: no other records are shown. */
  readonly key: Buffer | undefined
  readonly records: ShownRecords
  readonly signal: AbortSignal
}

/** Records of a topic on their way to a client, and where it goes on after them. */
export class Reading {
  readonly #asked: Asked
  readonly #reading: PartitionReading
  /** Offsets of the records that are next, by partition. */
  readonly #positions: Map<number, number>
  /** The offsets at which the partitions ended when the reading began. */
  readonly #ends: PartitionMap<number>
  /** Cursors that are not read to their end. */
  #arrived: readonly Arrived[] = []

  private constructor(
    asked: Asked,
    reading: PartitionReading,
    positions: Map<number, number>,
    ends: PartitionMap<number>,
  ) {
    this.#asked = asked
    this.#reading = reading
    this.#positions = positions
    this.#ends = ends
  }

  /** @throws MR_PARTITION_UNKNOWN, MR_OFFSET_OUT_OF_RANGE */
  static async open(log: Log, asked: Asked): Promise<Reading> {
    const { topic, from, partitions: numbers, signal } = asked
    const partitions: readonly TopicPartition[] = partitionsIn(topic, numbers)
    if (typeof from === 'object' && 'offsets' in from) partitionsIn(topic, Object.keys(from.offsets).map(Number))
    const [starts, ends] = await Promise.all([
      startOffsets(log, partitions, from),
      log.listOffsets(partitions, 'latest'),
    ])
    const positions = new Map(partitions.map(({ partition }) => [partition, starts.get(topic.name, partition) ?? 0]))
    return new Reading(asked, new PartitionReading(log, partitions, starts, signal), positions, ends)
  }

  /** Where the client goes on after what `take` has returned. */
  get cursor(): string {
    return cursorOf(this.#asked.topic, this.#positions)
  }

  /** True once all records that there were at the beginning have been taken. */
  get isAtEnd(): boolean {
    return this.#arrived.every(({ cursor }) => cursor.remaining === 0) && this.#reading.hasReached(this.#ends)
  }

  /** Waits for records. Returns false if none came in time, or the signal was aborted. @param most ms */
  async wait(most: number): Promise<boolean> {
    if (this.#arrived.length === 0) this.#arrived = await this.#reading.next(most)
    return this.#arrived.length > 0
  }

  /**
   * Takes the records that have arrived, one by one, as JSON. What is left is taken by the next call. Undefined: many
   * records with other keys have been passed.
   */
  *take(): Generator<string | undefined> {
    const { key, records } = this.#asked
    let passed = 0
    while (this.#arrived.length > 0) {
      const { partition, cursor } = this.#arrived[0]!
      while (cursor.next()) {
        this.#positions.set(partition, cursor.offset + 1)
        const { buffer, keyStart, keyEnd } = cursor
        const isWanted = key === undefined || (keyStart >= 0 && key.equals(buffer.subarray(keyStart, keyEnd)))
        if (isWanted) yield records.line(partition, cursor)
        else if (++passed % PASSED_A_TURN === 0) yield undefined
      }
      this.#positions.set(partition, cursor.endOffset)
      this.#arrived = this.#arrived.slice(1)
    }
  }

  async close(): Promise<void> {
    await this.#reading.close()
  }
}

import type { Log, LogReader } from '../log/log.ts'
import { readRange, type PartitionRange, type Patience } from '../log/read-range.ts'
import { LETTER_HEADERS, REPLAYED } from '../record/dead-letter-headers.ts'
import { Headers, NO_HEADERS } from '../record/headers.ts'
import { RecordSlice } from '../record/record-slice.ts'
import { letterId, parseLetterId, type RecordPlace } from './letter-id.ts'

const CHUNK = 1 << 15

/** A set of offsets, one bit each: as many dead letters may be replayed as there are. */
export class OffsetSet {
  readonly #chunks = new Map<number, Uint8Array>()

  add(offset: number): void {
    const number = Math.floor(offset / CHUNK)
    let chunk = this.#chunks.get(number)
    if (chunk === undefined) this.#chunks.set(number, (chunk = new Uint8Array(CHUNK >> 3)))
    const bit = offset % CHUNK
    chunk[bit >> 3]! |= 1 << (bit & 7)
  }

  has(offset: number): boolean {
    const bit = offset % CHUNK
    return ((this.#chunks.get(Math.floor(offset / CHUNK))?.[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0
  }
}

/**
 * Returns the record that marks a dead letter as replayed, for the partition of the dead letter. It lies behind that
 * one, and partitions are only deleted from their beginning: the mark stays for as long as the dead letter does. Its
 * key is that of no dead letter, in case the topic is compacted.
 */
export function markOf(letter: RecordPlace, to: { readonly topic: string; readonly partition: number }): RecordSlice {
  const id = letterId(letter)
  const value = Buffer.from(JSON.stringify({ replayed: id, topic: to.topic, partition: to.partition }))
  return RecordSlice.of(Date.now(), Buffer.from(`${REPLAYED}:${id}`), value, new Headers().add(REPLAYED, id))
}

/** Returns the offset of the dead letter that this record marks as replayed; `undefined` if it is no mark. */
export function markedOffset(headers: Headers, { topic, partition, offset }: RecordPlace): number | undefined {
  const id = headers.getString(REPLAYED)
  // The header of an input record is in its dead letter, too.
  if (typeof id !== 'string' || headers.get(LETTER_HEADERS.topic) !== undefined) return undefined
  const letter = parseLetterId(id)
  if (letter?.topic !== topic || letter.partition !== partition || letter.offset >= offset) return undefined
  return letter.offset
}

/** Returns the offsets of the dead letters that are marked in a range. */
export async function findMarked(
  log: Log,
  reader: LogReader,
  range: PartitionRange,
  patience?: Patience,
): Promise<OffsetSet> {
  const marked = new OffsetSet()
  const { topic, partition } = range
  for await (const cursor of readRange(log, reader, range, patience)) {
    while (cursor.next()) {
      const letter = markedOffset(cursor.headers(NO_HEADERS), { topic, partition, offset: cursor.offset })
      if (letter !== undefined) marked.add(letter)
    }
  }
  return marked
}

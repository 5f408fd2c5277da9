import { Headers } from '../../record/headers.ts'
import { readLong } from '../../serde/big-endian.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import { SizedReader, writeHeaders, writeSized, writeSizedText } from '../rows/sized-bytes.ts'

/** Stands for the length of an old value that equals the prior one. */
const SAME_AS_PRIOR = -2
const LONG = 8
const INT = 4

/** A change or record that waits in a buffer, with the record that caused it. */
export interface BufferedRow {
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  /** Null: none. */
  readonly headers: Headers | null
  /** The value before the first change since the key was last emitted. */
  readonly prior: Buffer | null
  readonly old: Buffer | null
  readonly next: Buffer | null
  /** The place in the buffer; 0 where the key has it. */
  readonly time: number
}

/** Writes a row as Kafka Streams 4.3 writes it to the changelog of its buffers (its format 3). */
export function writeBufferedRow(writer: ByteWriter, row: BufferedRow): void {
  writer.int64(row.timestamp).int64(row.offset)
  writeSizedText(writer, row.topic)
  writer.int32(row.partition)
  writeHeaders(writer, row.headers)
  writeSized(writer, row.prior)
  if (row.old !== null && row.prior !== null && row.old.equals(row.prior)) writer.int32(SAME_AS_PRIOR)
  else writeSized(writer, row.old)
  writeSized(writer, row.next)
  writer.int64(row.time)
}

/** Reads a row that `writeBufferedRow` or Kafka Streams has written. */
export function readBufferedRow(bytes: Buffer): BufferedRow {
  const reader = new SizedReader(bytes, 2 * LONG)
  const topic = reader.text()
  const partition = reader.int32()
  const headers = reader.headers()
  const prior = reader.sized()
  const sameAsPrior = bytes.readInt32BE(reader.at) === SAME_AS_PRIOR
  const old = reader.sized()
  const next = reader.sized()
  return {
    timestamp: readLong(bytes, 0),
    offset: readLong(bytes, LONG),
    topic,
    partition,
    headers: headers.length === 0 ? null : new Headers(headers),
    prior,
    old: sameAsPrior ? prior : old,
    next,
    time: readLong(bytes, reader.at),
  }
}

/** Counts the memory of a row as Kafka Streams counts it against a buffer's limit. */
export function bufferedSize(keyLength: number, row: BufferedRow): number {
  let size = LONG + keyLength + 2 * LONG + INT + (row.topic?.length ?? 0)
  size += (row.prior?.length ?? 0) + (row.next?.length ?? 0)
  if (row.old !== null && (row.prior === null || !row.old.equals(row.prior))) size += row.old.length
  if (row.headers !== null) for (const { name, value } of row.headers) size += name.length + (value?.length ?? 0)
  return size
}

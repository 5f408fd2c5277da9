import { Headers, type Header } from '../../record/headers.ts'
import { readLong } from '../../serde/big-endian.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'

const NULL = -1
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
  writeBytes(writer, row.topic === null ? null : Buffer.from(row.topic, 'utf8'))
  writer.int32(row.partition)
  writeHeaders(writer, row.headers)
  writeBytes(writer, row.prior)
  if (row.old !== null && row.prior !== null && row.old.equals(row.prior)) writer.int32(SAME_AS_PRIOR)
  else writeBytes(writer, row.old)
  writeBytes(writer, row.next)
  writer.int64(row.time)
}

/** Reads a row that `writeBufferedRow` or Kafka Streams has written. */
export function readBufferedRow(bytes: Buffer): BufferedRow {
  let at = 2 * LONG
  const take = (): Buffer | null => {
    const length = bytes.readInt32BE(at)
    at += INT
    if (length < 0) return null
    at += length
    return bytes.subarray(at - length, at)
  }
  const topic = take()
  const partition = bytes.readInt32BE(at)
  const headerCount = bytes.readInt32BE(at + INT)
  at += 2 * INT
  const headers: Header[] = []
  for (let i = 0; i < headerCount; i++) {
    const name = take()
    headers.push({ name: name === null ? '' : name.toString('utf8'), value: take() })
  }
  const prior = take()
  const sameAsPrior = bytes.readInt32BE(at) === SAME_AS_PRIOR
  const old = take()
  const next = take()
  return {
    timestamp: readLong(bytes, 0),
    offset: readLong(bytes, LONG),
    topic: topic === null ? null : topic.toString('utf8'),
    partition,
    headers: headers.length === 0 ? null : new Headers(headers),
    prior,
    old: sameAsPrior ? prior : old,
    next,
    time: readLong(bytes, at),
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

function writeHeaders(writer: ByteWriter, headers: Headers | null): void {
  writer.int32(headers?.length ?? 0)
  if (headers === null) return
  for (const { name, value } of headers) {
    writeBytes(writer, Buffer.from(name, 'utf8'))
    writeBytes(writer, value)
  }
}

function writeBytes(writer: ByteWriter, bytes: Buffer | null): void {
  if (bytes === null) writer.int32(NULL)
  else writer.int32(bytes.length).bytes(bytes)
}

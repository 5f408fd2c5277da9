import { Headers, type Header } from '../../record/headers.ts'
import { readLong } from '../../serde/big-endian.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import type { KeptCall } from '../states.ts'

/** The form of a row, in its first byte. */
const FORM = 1
const NULL = -1

/** A call as the store keeps it. */
export interface CallRow extends Omit<KeptCall<unknown, unknown>, 'key' | 'value'> {
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/**
 * Writes `form(1) ‖ sequence ‖ timestamp ‖ streamTime ‖ offset ‖ partition(4) ‖ topic ‖ ordinal ‖ headers ‖ key ‖
 * value`.
 */
export function writeCallRow(writer: ByteWriter, row: CallRow): void {
  const { sequence, timestamp, streamTime, offset, partition } = row
  writer.byte(FORM).int64(sequence).int64(timestamp).int64(streamTime).int64(offset).int32(partition)
  writeText(writer, row.topic)
  writeText(writer, row.ordinal)
  writer.int32(row.headers.length)
  for (const { name, value } of row.headers) {
    writeText(writer, name)
    writeBytes(writer, value)
  }
  writeBytes(writer, row.key)
  writeBytes(writer, row.value)
}

/** Reads what `writeCallRow` has written. @throws RangeError if it is cut off, or of another form */
export function readCallRow(bytes: Buffer): CallRow {
  if (bytes[0] !== FORM) throw new RangeError(`a call of the unknown form ${bytes[0]}`)
  let at = 37
  const int32 = (): number => {
    at += 4
    return bytes.readInt32BE(at - 4)
  }
  const take = (): Buffer | null => {
    const length = int32()
    if (length < 0) return null
    if (length > bytes.length - at) throw new RangeError('a call is cut off')
    at += length
    return bytes.subarray(at - length, at)
  }
  const text = (): string | null => take()?.toString('utf8') ?? null
  const topic = text()
  const ordinal = text() ?? ''
  const headers: Header[] = []
  for (let left = int32(); left > 0; left--) headers.push({ name: text() ?? '', value: take() })
  return {
    sequence: readLong(bytes, 1),
    timestamp: readLong(bytes, 9),
    streamTime: readLong(bytes, 17),
    offset: readLong(bytes, 25),
    partition: bytes.readInt32BE(33),
    topic,
    ordinal,
    headers: new Headers(headers),
    key: take(),
    value: take(),
  }
}

function writeText(writer: ByteWriter, text: string | null): void {
  writeBytes(writer, text === null ? null : Buffer.from(text, 'utf8'))
}

function writeBytes(writer: ByteWriter, bytes: Uint8Array | null): void {
  if (bytes === null) writer.int32(NULL)
  else writer.int32(bytes.length).bytes(bytes)
}

import { Headers } from '../../record/headers.ts'
import { readLong } from '../../serde/big-endian.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import { SizedReader, writeHeaders, writeSized, writeSizedText } from '../rows/sized-bytes.ts'
import type { KeptCall } from '../states.ts'

/** The form of a row, in its first byte. */
const FORM = 1

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
  writeSizedText(writer, row.topic)
  writeSizedText(writer, row.ordinal)
  writeHeaders(writer, row.headers)
  writeSized(writer, row.key)
  writeSized(writer, row.value)
}

/** Reads what `writeCallRow` has written. @throws RangeError if it is cut off, or of another form */
export function readCallRow(bytes: Buffer): CallRow {
  if (bytes[0] !== FORM) throw new RangeError(`a call of the unknown form ${bytes[0]}`)
  const reader = new SizedReader(bytes, 37)
  return {
    sequence: readLong(bytes, 1),
    timestamp: readLong(bytes, 9),
    streamTime: readLong(bytes, 17),
    offset: readLong(bytes, 25),
    partition: bytes.readInt32BE(33),
    topic: reader.text(),
    ordinal: reader.text() ?? '',
    headers: new Headers(reader.headers()),
    key: reader.sized(),
    value: reader.sized(),
  }
}

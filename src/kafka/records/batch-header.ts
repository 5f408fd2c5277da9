/** Layout of a record batch, magic 2 (Kafka protocol guide, "Record Batch"): byte positions in the batch, and sizes. */

export const LENGTH_AT = 8
/** Bytes before the part that the length field counts. */
export const LOG_OVERHEAD = 12
export const LEADER_EPOCH_AT = 12
export const MAGIC_AT = 16
export const CRC_AT = 17
export const ATTRIBUTES_AT = 21
export const LAST_OFFSET_DELTA_AT = 23
export const BASE_TIMESTAMP_AT = 27
export const MAX_TIMESTAMP_AT = 35
export const PRODUCER_ID_AT = 43
export const PRODUCER_EPOCH_AT = 51
export const BASE_SEQUENCE_AT = 53
export const COUNT_AT = 57
export const RECORDS_AT = 61

export const COMPRESSION_MASK = 0x07
export const LOG_APPEND_TIME = 0x08
export const TRANSACTIONAL = 0x10
export const CONTROL = 0x20

const HIGH = 0x1_0000_0000

/** Returns a signed 64-bit integer as a number: exact for the offsets, timestamps and producer ids that Kafka uses. */
export function readInt64(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * HIGH + buffer.readUInt32BE(at + 4)
}

export function writeInt64(buffer: Buffer, value: number, at: number): void {
  buffer.writeInt32BE(Math.floor(value / HIGH), at)
  buffer.writeUInt32BE(value >>> 0, at + 4)
}

/** Returns the end of the batch at `at`: -1 if the buffer ends before the batch, `at` if its length is negative. */
export function batchEnd(buffer: Buffer, at: number): number {
  if (at + MAGIC_AT >= buffer.length) return -1
  const length = buffer.readInt32BE(at + LENGTH_AT)
  if (length < 0) return at
  const end = at + LOG_OVERHEAD + length
  return end > buffer.length ? -1 : end
}

/** Returns the offset after the last record that the batch ever held, even if compaction removed it. */
export function offsetAfter(buffer: Buffer, at: number): number {
  return readInt64(buffer, at) + buffer.readInt32BE(at + LAST_OFFSET_DELTA_AT) + 1
}

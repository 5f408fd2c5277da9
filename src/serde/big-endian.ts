import { numberRange } from './serde-error.ts'

const TWO_32 = 0x1_0000_0000

/** Writes a safe integer as Java's 8-byte big-endian `long`, without a BigInt. */
export function writeLong(value: number, buffer: Buffer, offset: number): number {
  const high = Math.floor(value / TWO_32)
  buffer.writeInt32BE(high, offset)
  buffer.writeUInt32BE(value - high * TWO_32, offset + 4)
  return offset + 8
}

/** Reads Java's 8-byte big-endian `long`. @throws MR_NUMBER_RANGE beyond ±(2^53 - 1), where a number may be inexact */
export function readLong(buffer: Buffer, offset: number): number {
  const value = buffer.readInt32BE(offset) * TWO_32 + buffer.readUInt32BE(offset + 4)
  if (!Number.isSafeInteger(value)) {
    throw numberRange('long', buffer.readBigInt64BE(offset), 'Use int64(), whose values are bigint.')
  }
  return value
}

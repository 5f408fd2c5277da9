import type { Headers } from './headers.ts'

/** Bytes of a record batch, magic 2, before its first record (Kafka protocol guide, "Record Batch"). */
const BATCH_HEADER_BYTES = 61
const TWO_TO_31 = 0x8000_0000

/** Returns the bytes of an uncompressed batch of one record, which `max.message.bytes` limits. Lengths: -1 for null. */
export function sizeOfBatchOfOne(keyLength: number, valueLength: number, headers: Headers | undefined): number {
  const headerCount = headers === undefined ? 0 : headers.length
  const headerBytes = headerCount === 0 ? 0 : sizeOfHeaders(headers!)
  const length = sizeOfRecord(0, 0, keyLength, valueLength, headerCount, headerBytes)
  return BATCH_HEADER_BYTES + sizeOfVarint(length) + length
}

/** Returns the bytes of a record in a batch without its length field: the value of that field. */
export function sizeOfRecord(
  timestampDelta: number,
  offsetDelta: number,
  keyLength: number,
  valueLength: number,
  headerCount: number,
  headerBytes: number,
): number {
  return (
    1 +
    sizeOfVarint(timestampDelta) +
    sizeOfVarint(offsetDelta) +
    sizeOfVarint(keyLength) +
    Math.max(keyLength, 0) +
    sizeOfVarint(valueLength) +
    Math.max(valueLength, 0) +
    sizeOfVarint(headerCount) +
    headerBytes
  )
}

export function sizeOfVarint(value: number): number {
  if (value < TWO_TO_31 && value >= -TWO_TO_31) {
    const raw = ((value << 1) ^ (value >> 31)) >>> 0
    return raw < 0x80 ? 1 : raw < 0x4000 ? 2 : raw < 0x20_0000 ? 3 : raw < 0x1000_0000 ? 4 : 5
  }
  let size = 1
  for (let rest = Math.floor(halfZigzag(value) / 64); rest > 0; rest = Math.floor(rest / 128)) size++
  return size
}

/** Returns the zigzag encoding without its lowest bit, the sign: from 2^52 on, the whole encoding would be rounded. */
export function halfZigzag(value: number): number {
  return value >= 0 ? value : -value - 1
}

export function sizeOfHeaders(headers: Headers): number {
  let size = 0
  for (const { name, value } of headers) {
    const nameLength = Buffer.byteLength(name)
    size += sizeOfVarint(nameLength) + nameLength + sizeOfVarint(value?.length ?? -1) + (value?.length ?? 0)
  }
  return size
}

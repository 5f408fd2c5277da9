import { copyBytes } from '../../platform/copy-bytes.ts'
import type { Headers } from '../../record/headers.ts'
import { halfZigzag, sizeOfHeaders, sizeOfRecord } from '../../record/record-size.ts'
import {
  ATTRIBUTES_AT,
  BASE_SEQUENCE_AT,
  BASE_TIMESTAMP_AT,
  COUNT_AT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  LEADER_EPOCH_AT,
  LENGTH_AT,
  LOG_OVERHEAD,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  RECORDS_AT,
  TRANSACTIONAL,
  writeInt64,
} from './batch-header.ts'
import type { Compression } from './codecs.ts'
import { compress, compressionId } from './compression.ts'
import { crc32c } from './crc32c.ts'
import type { RecordSlice } from '../../record/record-slice.ts'

/** Bytes of length, attributes, timestamp and offset deltas, key and value lengths and header count, at most. */
const MAX_RECORD_OVERHEAD = 5 + 1 + 10 + 5 + 5 + 5 + 5
const TWO_TO_31 = 0x8000_0000
/** Bound in ms: two timestamps that are this close to a third one are within 2^53 of each other. */
const FARTHEST_APART = 2 ** 52

/** Builds one record batch (magic 2) in place: `append` encodes a record after the previous one, `close` the header. */
export class BatchBuilder {
  count = 0
  #buffer: Buffer
  #at = RECORDS_AT
  #baseTimestamp = 0
  #maxTimestamp = -1

  /** @param capacity bytes to begin with; grows as needed */
  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(Math.max(capacity, RECORDS_AT))
  }

  /** Uncompressed bytes so far, header included. */
  get length(): number {
    return this.#at
  }

  /** Appends a copy of a record, with this timestamp. */
  append(record: RecordSlice, timestamp: number): void {
    const { buffer: source, keyStart, keyEnd, valueStart, valueEnd, headers, keyLength, valueLength } = record
    const headerBytes = headers === undefined || headers.length === 0 ? 0 : sizeOfHeaders(headers)
    this.#reserve(MAX_RECORD_OVERHEAD + Math.max(keyLength, 0) + Math.max(valueLength, 0) + headerBytes)
    if (this.count === 0) this.#baseTimestamp = timestamp
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
    const timestampDelta = timestamp - this.#baseTimestamp
    const headerCount = headerBytes === 0 ? 0 : headers!.length
    const length = sizeOfRecord(timestampDelta, this.count, keyLength, valueLength, headerCount, headerBytes)
    const target = this.#buffer
    let at = writeVarint(target, length, this.#at)
    target[at++] = 0
    at = writeVarint(target, timestampDelta, at)
    at = writeVarint(target, this.count, at)
    at = writeVarint(target, keyLength, at)
    if (keyLength > 0) at = copyBytes(source, keyStart, keyEnd, target, at)
    at = writeVarint(target, valueLength, at)
    if (valueLength > 0) at = copyBytes(source, valueStart, valueEnd, target, at)
    at = writeVarint(target, headerCount, at)
    if (headerCount > 0) at = writeHeaders(target, headers!, at)
    this.#at = at
    this.count++
  }

  /** Returns false if the timestamp is too far from the first one for exact differences: it needs another batch. */
  reaches(timestamp: number): boolean {
    return Math.abs(timestamp - this.#baseTimestamp) <= FARTHEST_APART || this.count === 0
  }

  /** Returns the most bytes that a record can take. */
  static bound({ keyLength, valueLength, headers }: RecordSlice): number {
    const headerBytes = headers === undefined || headers.length === 0 ? 0 : sizeOfHeaders(headers)
    return MAX_RECORD_OVERHEAD + Math.max(keyLength, 0) + Math.max(valueLength, 0) + headerBytes
  }

  /** Finishes the batch, without the producer and checksum that `stampBatch` writes. Do not use the builder again. */
  close(compression: Compression, transactional: boolean): Buffer {
    const plain = this.#buffer.subarray(0, this.#at)
    const batch =
      compression === 'none'
        ? plain
        : Buffer.concat([plain.subarray(0, RECORDS_AT), compress(plain.subarray(RECORDS_AT), compression)])
    writeInt64(batch, 0, 0)
    batch.writeInt32BE(batch.length - LOG_OVERHEAD, LENGTH_AT)
    batch.writeInt32BE(-1, LEADER_EPOCH_AT)
    batch[MAGIC_AT] = 2
    batch.writeInt16BE(compressionId(compression) | (transactional ? TRANSACTIONAL : 0), ATTRIBUTES_AT)
    batch.writeInt32BE(this.count - 1, LAST_OFFSET_DELTA_AT)
    writeInt64(batch, this.#baseTimestamp, BASE_TIMESTAMP_AT)
    writeInt64(batch, this.#maxTimestamp, MAX_TIMESTAMP_AT)
    batch.writeInt32BE(this.count, COUNT_AT)
    return batch
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }
}

/** Writes the producer and first sequence number of a batch (-1, -1, -1 for none) and the checksum that covers them. */
export function stampBatch(batch: Buffer, producerId: number, producerEpoch: number, baseSequence: number): void {
  writeInt64(batch, producerId, PRODUCER_ID_AT)
  batch.writeInt16BE(producerEpoch, PRODUCER_EPOCH_AT)
  batch.writeInt32BE(baseSequence, BASE_SEQUENCE_AT)
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), CRC_AT)
}

function writeVarint(target: Buffer, value: number, at: number): number {
  if (value < TWO_TO_31 && value >= -TWO_TO_31) {
    let raw = ((value << 1) ^ (value >> 31)) >>> 0
    while (raw >= 0x80) {
      target[at++] = raw | 0x80
      raw >>>= 7
    }
    target[at++] = raw
    return at
  }
  const half = halfZigzag(value)
  target[at++] = (half % 64) * 2 + (value < 0 ? 1 : 0) + 0x80
  let rest = Math.floor(half / 64)
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) | 0x80
  target[at++] = rest
  return at
}

function writeHeaders(target: Buffer, headers: Headers, start: number): number {
  let at = start
  for (const { name, value } of headers) {
    at = writeVarint(target, Buffer.byteLength(name), at)
    at += target.write(name, at)
    at = writeVarint(target, value?.length ?? -1, at)
    if (value !== null) at += value.copy(target, at)
  }
  return at
}

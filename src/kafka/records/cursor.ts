import { MillraceError } from '../../errors/millrace-error.ts'
import type { RecordCursor, SeeKey, TopicPartition } from '../../log/log.ts'
import { Headers, type Header } from '../../record/headers.ts'
import {
  ATTRIBUTES_AT,
  BASE_TIMESTAMP_AT,
  COMPRESSION_MASK,
  COUNT_AT,
  LOG_APPEND_TIME,
  MAX_TIMESTAMP_AT,
  RECORDS_AT,
  readInt64,
} from './batch-header.ts'
import { MAX_BATCH_BYTES, type Compression } from './codecs.ts'
import { UnpackedTooLarge, compressionOf, decompress } from './compression.ts'
import { NO_BYTES } from '../../platform/no-bytes.ts'

const TWO_TO_27 = 0x800_0000
/** Bytes that a header takes at least: the lengths of its name and value. */
const LEAST_HEADER_BYTES = 2

/** A cursor over one batch within a larger buffer. It decompresses the batch when the first record is asked for. */
export class BatchCursor implements RecordCursor {
  offset = -1
  timestamp = -1
  buffer: Buffer
  keyStart = -1
  keyEnd = -1
  valueStart = -1
  valueEnd = -1
  endOffset: number
  bytes: number
  remaining: number

  readonly #place: TopicPartition
  readonly #fromOffset: number
  readonly #baseOffset: number
  readonly #baseTimestamp: number
  /** The broker's time, which is that of every record in a LogAppendTime batch; NaN for any other batch. */
  readonly #appendTime: number
  #compressed: Buffer | undefined
  readonly #compression: Compression
  readonly #maxBytes: number
  #at: number
  #end: number
  #headersAt = 0

  /**
   * @param fromOffset records below it are skipped
   * @param maxBytes bound of the bytes that the batch unpacks to
   * @throws MR_CORRUPT_BATCH if the batch names a codec that does not exist
   */
  constructor(
    place: TopicPartition,
    buffer: Buffer,
    start: number,
    end: number,
    fromOffset: number,
    endOffset: number,
    maxBytes = MAX_BATCH_BYTES,
  ) {
    const attributes = buffer.readInt16BE(start + ATTRIBUTES_AT)
    const compression = compressionOf(attributes & COMPRESSION_MASK)
    this.#place = place
    this.#fromOffset = fromOffset
    this.#maxBytes = maxBytes
    this.#baseOffset = readInt64(buffer, start)
    this.#baseTimestamp = readInt64(buffer, start + BASE_TIMESTAMP_AT)
    this.#appendTime = (attributes & LOG_APPEND_TIME) === 0 ? Number.NaN : readInt64(buffer, start + MAX_TIMESTAMP_AT)
    this.remaining = buffer.readInt32BE(start + COUNT_AT)
    this.endOffset = endOffset
    this.bytes = end - start
    if (compression === undefined) throw this.#corrupt('unknown compression codec')
    this.#compression = compression
    if (compression === 'none') {
      this.buffer = buffer
      this.#compressed = undefined
      this.#at = start + RECORDS_AT
      this.#end = end
    } else {
      this.buffer = NO_BYTES
      this.#compressed = buffer.subarray(start + RECORDS_AT, end)
      this.#at = 0
      this.#end = 0
    }
  }

  next(): boolean {
    if (this.#compressed !== undefined) this.#decompress(this.#compressed)
    while (this.remaining > 0) {
      this.#read()
      if (this.offset >= this.#fromOffset) return true
    }
    return false
  }

  peekKeys(count: number, see: SeeKey): number {
    // Batches that wait decompressed would take memory that nobody counts.
    if (this.#compressed !== undefined) return -1
    const { offset, timestamp, keyStart, keyEnd, valueStart, valueEnd, remaining } = this
    const [at, headersAt] = [this.#at, this.#headersAt]
    let shown = 0
    try {
      while (shown < count && this.next()) {
        see(this.buffer, this.keyStart, this.keyEnd)
        shown++
      }
    } finally {
      Object.assign(this, { offset, timestamp, keyStart, keyEnd, valueStart, valueEnd, remaining })
      this.#at = at
      this.#headersAt = headersAt
    }
    return shown
  }

  headers(none: Headers): Headers {
    if (this.buffer[this.#headersAt] === 0) return none
    const recordEnd = this.#at
    this.#at = this.#headersAt
    try {
      const entries: Header[] = []
      const count = this.#varint()
      if (count < 0 || count * LEAST_HEADER_BYTES > recordEnd - this.#at) throw this.#corrupt('more headers than bytes')
      for (let index = 0; index < count; index++) {
        const nameStart = this.#at
        const nameEnd = this.#lengthUpTo(recordEnd)
        if (nameEnd < 0) throw this.#corrupt(`a header at byte ${nameStart} has no name`)
        const name = this.buffer.toString('utf8', this.#at, nameEnd)
        this.#at = nameEnd
        const valueEnd = this.#lengthUpTo(recordEnd)
        entries.push({ name, value: valueEnd < 0 ? null : this.buffer.subarray(this.#at, valueEnd) })
        if (valueEnd >= 0) this.#at = valueEnd
      }
      return new Headers(entries)
    } finally {
      this.#at = recordEnd
    }
  }

  /** Reads a length and returns where its bytes end; -1 for null. */
  #lengthUpTo(recordEnd: number): number {
    const length = this.#varint()
    if (length < 0) return -1
    if (length > recordEnd - this.#at) throw this.#corrupt('a header reaches beyond its record')
    return this.#at + length
  }

  #read(): void {
    this.remaining--
    const length = this.#varint()
    const recordEnd = this.#at + length
    if (length < 0 || recordEnd > this.#end) throw this.#corrupt('a record reaches beyond its batch')
    this.#at++
    const timestampDelta = this.#varint()
    this.timestamp = Number.isNaN(this.#appendTime) ? this.#baseTimestamp + timestampDelta : this.#appendTime
    this.offset = this.#baseOffset + this.#varint()
    const keyLength = this.#varint()
    if (keyLength < 0) {
      this.keyStart = this.keyEnd = -1
    } else {
      this.keyStart = this.#at
      this.keyEnd = this.#at += keyLength
    }
    const valueLength = this.#varint()
    if (valueLength < 0) {
      this.valueStart = this.valueEnd = -1
    } else {
      this.valueStart = this.#at
      this.valueEnd = this.#at += valueLength
    }
    // The number of headers takes at least one byte.
    if (this.#at >= recordEnd) throw this.#corrupt('a key or value reaches beyond its record')
    this.#headersAt = this.#at
    this.#at = recordEnd
    if (this.remaining === 0 && recordEnd < this.#end) throw this.#corrupt('it holds more records than it says')
  }

  /** Reads a zigzag varint of up to 64 bits, exact up to 2^53. */
  #varint(): number {
    const buffer = this.buffer
    let byte = buffer[this.#at++]!
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let raw = byte & 0x7f
    for (let shift = 7; shift < 28; shift += 7) {
      byte = buffer[this.#at++]!
      raw |= (byte & 0x7f) << shift
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1)
    }
    return this.#longVarint(raw)
  }

  #longVarint(low: number): number {
    // Summed without its lowest bit, the sign: from 2^53 on the whole would be rounded and could lose it.
    let half = low >>> 1
    for (let factor = TWO_TO_27; factor < 2 ** 63; factor *= 128) {
      const byte = this.buffer[this.#at++]!
      half += (byte & 0x7f) * factor
      if (byte < 0x80) return low % 2 === 0 ? half : -half - 1
    }
    throw this.#corrupt('a number of more than 64 bits')
  }

  #decompress(compressed: Buffer): void {
    this.#compressed = undefined
    try {
      this.buffer = decompress(compressed, this.#compression, this.#maxBytes)
    } catch (cause) {
      this.remaining = 0
      if (cause instanceof UnpackedTooLarge) throw this.#tooLarge(compressed.length)
      throw this.#corrupt(`${this.#compression} cannot decompress it`, cause)
    }
    this.bytes = this.buffer.length
    this.#end = this.buffer.length
  }

  #tooLarge(packed: number): MillraceError {
    return new MillraceError(
      'MR_BATCH_TOO_LARGE',
      `a batch of ${packed} bytes (${this.#compression}) unpacks to more than ${this.#maxBytes} bytes`,
      {
        topic: this.#place.topic,
        partition: this.#place.partition,
        offset: this.#baseOffset,
        hint: 'If you trust its producer, raise `maxBatchBytes` of kafka().',
      },
    )
  }

  #corrupt(what: string, cause?: unknown): MillraceError {
    return corruptBatch(this.#place, this.#baseOffset, what, cause)
  }
}

export function corruptBatch(place: TopicPartition, offset: number, what: string, cause?: unknown): MillraceError {
  return new MillraceError('MR_CORRUPT_BATCH', `Record batch is corrupt: ${what}`, {
    topic: place.topic,
    partition: place.partition,
    offset,
    cause,
    hint:
      'Read the partition with another client. If that fails too, the log on the broker is damaged; ' +
      'if not, something between broker and application changes bytes.',
  })
}

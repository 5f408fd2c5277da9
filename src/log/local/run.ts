import { Headers, type Header } from '../../record/headers.ts'

/**
 * Bytes of a record before its key. Records lie one after the other, little-endian: `timestamp f64 | key length i32 |
 * value length i32 | headers length i32 | key | value | headers`. A length of -1 is null. Headers: `count u32 (name
 * length u32 | name | value length i32 | value)*`.
 */
export const RECORD_HEADER_BYTES = 20

/** Consecutive records of one partition in one piece of memory. */
export interface Run {
  readonly buffer: Buffer
  readonly view: DataView
  readonly start: number
  end: number
  /** Offset of the first record; -1 until the run is published. */
  base: number
  count: number
  /** Number of offsets that the run covers: more than `count` if compaction took records out. */
  span: number
  maxTimestamp: number
  /** Each record's offset minus `base`, if records have been taken out. */
  readonly deltas: Uint32Array | undefined
}

export function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}

/** Returns the bytes of the record at `at`. */
export function recordBytes(view: DataView, at: number): number {
  const keyLength = view.getInt32(at + 8, true)
  const valueLength = view.getInt32(at + 12, true)
  return (
    RECORD_HEADER_BYTES +
    (keyLength > 0 ? keyLength : 0) +
    (valueLength > 0 ? valueLength : 0) +
    view.getInt32(at + 16, true)
  )
}

export function encodeHeaders(headers: Headers): Buffer {
  const parts: Buffer[] = [uint32(headers.length)]
  for (const header of headers) {
    const name = Buffer.from(header.name, 'utf8')
    parts.push(uint32(name.length), name, uint32(header.value === null ? -1 : header.value.length))
    if (header.value !== null) parts.push(header.value)
  }
  return Buffer.concat(parts)
}

export function decodeHeaders(buffer: Buffer, start: number): Headers {
  let at = start
  const count = buffer.readUInt32LE(at)
  at += 4
  const entries: Header[] = []
  for (let i = 0; i < count; i++) {
    const nameEnd = at + 4 + buffer.readUInt32LE(at)
    const name = buffer.toString('utf8', at + 4, nameEnd)
    const valueLength = buffer.readInt32LE(nameEnd)
    at = nameEnd + 4 + Math.max(0, valueLength)
    entries.push({ name, value: valueLength < 0 ? null : Buffer.from(buffer.subarray(nameEnd + 4, at)) })
  }
  return new Headers(entries)
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32LE(value | 0)
  return bytes
}

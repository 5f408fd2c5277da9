import type { Headers } from './headers.ts'
import { NO_BYTES } from '../platform/no-bytes.ts'

/**
 * A record as bytes, on its way to a log. Key and value lie in `buffer`, each from its start up to its end, excluded; a
 * start below 0 means null. A writer fills the same slice for each record: a log copies the bytes before `append`
 * returns, and keeps nothing of the slice.
 */
export class RecordSlice {
  /** Milliseconds since the epoch. */
  timestamp = -1
  buffer: Buffer = NO_BYTES
  keyStart = -1
  keyEnd = -1
  valueStart = -1
  valueEnd = -1
  headers: Headers | undefined = undefined

  /** Makes a slice with a buffer of its own. */
  static of(
    timestamp: number,
    key: Uint8Array | null,
    value: Uint8Array | null,
    headers: Headers | undefined,
  ): RecordSlice {
    const slice = new RecordSlice()
    slice.timestamp = timestamp
    slice.buffer = Buffer.concat([key ?? NO_BYTES, value ?? NO_BYTES])
    const keyEnd = key?.length ?? 0
    slice.setKey(key === null ? -1 : 0, keyEnd)
    slice.setValue(value === null ? -1 : keyEnd, slice.buffer.length)
    slice.headers = headers
    return slice
  }

  /** A copy with bytes and headers of its own, which stays as it is when this slice is filled again. */
  copy(): RecordSlice {
    const { timestamp, buffer, keyStart, keyEnd, valueStart, valueEnd, headers } = this
    const key = keyStart < 0 ? null : buffer.subarray(keyStart, keyEnd)
    const value = valueStart < 0 ? null : buffer.subarray(valueStart, valueEnd)
    return RecordSlice.of(timestamp, key, value, headers?.copy())
  }

  setKey(start: number, end: number): void {
    this.keyStart = start
    this.keyEnd = end
  }

  setValue(start: number, end: number): void {
    this.valueStart = start
    this.valueEnd = end
  }

  /** Bytes; -1 for a null key. */
  get keyLength(): number {
    return this.keyStart < 0 ? -1 : this.keyEnd - this.keyStart
  }

  /** Bytes; -1 for a null value. */
  get valueLength(): number {
    return this.valueStart < 0 ? -1 : this.valueEnd - this.valueStart
  }
}

/** Copies the bytes of a key or value; null for a start below 0. */
export function copyOfRange(buffer: Buffer, start: number, end: number): Buffer | null {
  return start < 0 ? null : Buffer.from(buffer.subarray(start, end))
}

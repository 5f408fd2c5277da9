import type { Reader } from '@platformatic/kafka'
import { readInt64 } from '../records/batch-header.ts'

/**
 * Reads a response from one contiguous buffer. Large fields (record sets) are views, not copies, and 64-bit fields are
 * plain numbers. Strings and arrays are the compact ones of flexible versions (KIP-482).
 */
export class WireReader {
  readonly #buffer: Buffer
  #at = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  /** Returns a reader of the rest of a response, made contiguous. */
  static from(reader: Reader): WireReader {
    return new WireReader(reader.buffer.slice(reader.position, reader.length))
  }

  int16(): number {
    const value = this.#buffer.readInt16BE(this.#at)
    this.#at += 2
    return value
  }

  int32(): number {
    const value = this.#buffer.readInt32BE(this.#at)
    this.#at += 4
    return value
  }

  int64(): number {
    const value = readInt64(this.#buffer, this.#at)
    this.#at += 8
    return value
  }

  unsignedVarint(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#buffer.readUInt8(this.#at++)
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
  }

  string(): string {
    return this.nullableString() ?? ''
  }

  /** Reads a UUID and returns it with dashes. */
  uuid(): string {
    const hex = this.#take(16).toString('hex')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }

  nullableString(): string | null {
    const length = this.unsignedVarint() - 1
    return length < 0 ? null : this.#take(length).toString('utf8')
  }

  /** Returns a view of the bytes, empty if they are null. */
  bytes(): Buffer {
    return this.#take(Math.max(this.unsignedVarint() - 1, 0))
  }

  /** Calls `read` for every element; a null array has none. */
  array<T>(read: (reader: WireReader) => T): T[] {
    const length = Math.max(this.unsignedVarint() - 1, 0)
    const values: T[] = []
    for (let index = 0; index < length; index++) values.push(read(this))
    return values
  }

  skipTags(): void {
    for (let count = this.unsignedVarint(); count > 0; count--) {
      this.unsignedVarint()
      this.#take(this.unsignedVarint())
    }
  }

  #take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#buffer.length) throw new RangeError(`response ends ${end - this.#buffer.length} bytes early`)
    const view = this.#buffer.subarray(this.#at, end)
    this.#at = end
    return view
  }
}

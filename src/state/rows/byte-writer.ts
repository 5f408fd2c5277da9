import { copyBytes } from '../../platform/copy-bytes.ts'
import { writeLong } from '../../serde/big-endian.ts'
import { serialized, writeInner } from '../../serde/call-serde.ts'
import type { Serde } from '../../serde/serde.ts'
import { HeadViews } from '../../engine/short-view.ts'

const CHUNK = 64 * 1024

/**
 * Rows of bytes, one after the other. Complete rows stay where they are until `rewind`, so that they can be viewed. The
 * row being written moves when it outgrows its chunk: until it is complete, its offsets count from `rowStart`.
 */
export class ByteWriter {
  buffer: Buffer
  position = 0
  rowStart = 0
  /** Views of rows at the start of the buffer, as every key that is looked up needs one. */
  #heads: HeadViews

  constructor(size = CHUNK) {
    this.buffer = Buffer.allocUnsafeSlow(size)
    this.#heads = new HeadViews(this.buffer)
  }

  /** Begins again: what is written from now on overwrites the views handed out before. */
  rewind(): this {
    this.position = 0
    this.rowStart = 0
    return this
  }

  beginRow(): this {
    this.rowStart = this.position
    return this
  }

  /** Returns a view of the row. */
  row(): Buffer {
    const { rowStart, position } = this
    return rowStart > 0 ? this.buffer.subarray(rowStart, position) : this.#heads.of(position)
  }

  /** Copies the row for a short time: what is kept goes to `KeptBytes`. */
  copyOfRow(): Buffer {
    const copy = Buffer.allocUnsafe(this.position - this.rowStart)
    this.buffer.copy(copy, 0, this.rowStart, this.position)
    return copy
  }

  byte(value: number): this {
    this.#ensure(1)
    this.buffer[this.position++] = value
    return this
  }

  int16(value: number): this {
    this.#ensure(2)
    this.position = this.buffer.writeUInt16BE(value, this.position)
    return this
  }

  int32(value: number): this {
    this.#ensure(4)
    this.position = this.buffer.writeInt32BE(value, this.position)
    return this
  }

  int64(value: number): this {
    this.#ensure(8)
    this.position = writeLong(value, this.buffer, this.position)
    return this
  }

  bytes(bytes: Uint8Array): this {
    this.#ensure(bytes.length)
    this.buffer.set(bytes, this.position)
    this.position += bytes.length
    return this
  }

  range(source: Buffer, start: number, end: number): this {
    this.#ensure(end - start)
    this.position = copyBytes(source, start, end, this.buffer, this.position)
    return this
  }

  latin1(text: string): this {
    this.#ensure(text.length)
    this.position += this.buffer.write(text, this.position, 'latin1')
    return this
  }

  /** @throws what the serde throws */
  value<T>(serde: Serde<T>, value: T): this {
    if (serde.write === undefined) return this.bytes(serialized(serde, value))
    for (;;) {
      const end = writeInner(serde, value, this.buffer, this.position)
      if (end !== -1) {
        this.position = end
        return this
      }
      this.#grow(this.buffer.length - this.position + 1)
    }
  }

  #ensure(bytes: number): void {
    if (this.position + bytes > this.buffer.length) this.#grow(bytes)
  }

  #grow(bytes: number): void {
    const written = this.position - this.rowStart
    const next = Buffer.allocUnsafeSlow(Math.max(CHUNK, (written + bytes) * 2))
    this.buffer.copy(next, 0, this.rowStart, this.position)
    this.buffer = next
    this.#heads = new HeadViews(next)
    this.rowStart = 0
    this.position = written
  }
}

import { LONGEST_DELIMITER, type Framer } from '../framing/framer.ts'
import { badRecord, Block, placeOf } from './block.ts'
import type { ByteSource } from './byte-source.ts'
import { beginsWith, MOST_TAIL, tailOf } from './file-position.ts'
import type { KnownFile } from './known-file.ts'

/** Bytes that are read at a time, unless a record is longer. */
const CHUNK = 256 * 1024
/** Bytes of a record that is too long which a dead letter keeps. */
const MOST_RAW = 1024

/** How records lie in a file. */
export interface Layout {
  readonly framer: Framer
  /** Most bytes of a record. */
  readonly maxRecord: number
  /** Bytes that may mark the encoding at the beginning of a file. */
  readonly mark: Buffer
  /** Reads the names of columns from the first row of each file; undefined if there are none. */
  readonly header: ((row: Buffer) => readonly string[]) | undefined
}

/**
 * The bytes around the position of a file: those before it, by which the file is known again, and the records behind
 * it. Finding records moves the position.
 */
export class RecordWindow {
  /** The records that were found last. */
  readonly block = new Block()
  readonly #layout: Layout
  #buffer = Buffer.allocUnsafeSlow(MOST_TAIL + CHUNK)
  #end = 0

  constructor(layout: Layout) {
    this.#layout = layout
  }

  /** True if the buffer holds everything up to the end of the file. */
  get isAtEnd(): boolean {
    return this.#end < this.#buffer.length
  }

  /** True if the buffer holds more than the longest record may have behind the position, and no record was found. */
  isTooLong(file: KnownFile): boolean {
    return this.#end - file.tail.length > this.#layout.maxRecord + LONGEST_DELIMITER
  }

  /** True if there is nothing behind the position. */
  isEmpty(file: KnownFile): boolean {
    return this.#end === file.tail.length
  }

  /**
   * Reads the bytes around the position.
   *
   * @returns `changed` if the bytes before it are not those that were read
   */
  async fill(file: KnownFile, bytes: ByteSource): Promise<'filled' | 'changed' | 'short'> {
    const before = file.tail.length
    this.#end = await bytes.read(this.#buffer, file.byte - before)
    if (this.#end >= before) return beginsWith(this.#buffer, file.tail) ? 'filled' : 'changed'
    // A packed file that is being written again has not come to the position yet.
    return bytes.isWhole ? 'changed' : 'short'
  }

  /** Finds the records in the buffer. @returns false if there is none */
  frame(file: KnownFile): boolean {
    const { framer, maxRecord } = this.#layout
    const [buffer, end, before] = [this.#buffer, this.#end, file.tail.length]
    const base = file.byte - before
    this.block.begin(file.path, buffer, base, file.columns)
    let start = before + (file.byte === 0 ? this.#markIn(buffer, before, end) : 0)
    let line = file.line
    for (let next = framer.next(buffer, start, end); next !== -1; next = framer.next(buffer, start, end)) {
      const isLong = framer.contentEnd - start > maxRecord
      if (isLong && this.block.count > 0) break
      if (isLong) this.#tooLong(file, buffer.subarray(start, start + MOST_RAW))
      else this.block.add(start, framer.contentEnd, line + 1)
      line += framer.lines
      start = next
      if (isLong) break
    }
    if (line === file.line && start === before) return false
    this.#move(file, buffer, start, base + start, line)
    return this.block.count > 0 || this.block.bad !== undefined
  }

  /** Makes all that lies behind the position a record. */
  rest(file: KnownFile): void {
    const { framer, maxRecord } = this.#layout
    const [buffer, end, before] = [this.#buffer, this.#end, file.tail.length]
    const base = file.byte - before
    this.block.begin(file.path, buffer, base, file.columns)
    const start = before + (file.byte === 0 ? this.#markIn(buffer, before, end) : 0)
    framer.rest(buffer, start, end)
    if (end - start > maxRecord) this.#tooLong(file, buffer.subarray(start, start + MOST_RAW))
    else if (end > start) this.block.add(start, framer.contentEnd, file.line + 1)
    this.#move(file, buffer, end, base + end, file.line + framer.lines)
  }

  /** Makes the buffer larger. @returns false if it has room for the longest record already */
  grow(): boolean {
    const most = Math.max(CHUNK, this.#layout.maxRecord + 2 * LONGEST_DELIMITER) + MOST_TAIL
    if (this.#buffer.length >= most) return false
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(this.#buffer.length * 4, most))
    return true
  }

  /**
   * Passes over a record for which there is no room.
   *
   * @param isFinal true: it ends where the file ends
   * @returns false if it has not ended
   */
  async passOver(file: KnownFile, bytes: ByteSource, isFinal: boolean): Promise<boolean> {
    const { framer } = this.#layout
    const buffer = this.#buffer
    const first = Buffer.from(buffer.subarray(file.tail.length, file.tail.length + MOST_RAW))
    for (let from = file.byte; ; from += buffer.length - LONGEST_DELIMITER) {
      const end = await bytes.read(buffer, from)
      const next = framer.skip(buffer, 0, end)
      if (next === -1 && end === buffer.length) continue
      if (next === -1 && !isFinal) return false
      this.block.begin(file.path, buffer, 0, file.columns)
      this.#tooLong(file, first)
      const after = next === -1 ? end : next
      this.#move(file, buffer, after, from + after, file.line + framer.lines)
      return true
    }
  }

  /** Reads the names of the columns, if there are any. @returns false if the first row is not there yet */
  async readHeader(file: KnownFile, bytes: ByteSource): Promise<boolean> {
    const { framer, header } = this.#layout
    if (header === undefined || file.columns !== undefined) return true
    const buffer = this.#buffer
    const end = await bytes.read(buffer, 0)
    const start = this.#markIn(buffer, 0, end)
    const next = framer.next(buffer, start, end)
    if (next === -1) return false
    file.columns = header(buffer.subarray(start, framer.contentEnd))
    if (file.byte === 0) this.#move(file, buffer, next, next, framer.lines)
    return true
  }

  #markIn(buffer: Buffer, start: number, end: number): number {
    const { mark } = this.#layout
    if (mark.length === 0 || end - start < mark.length) return 0
    return mark.compare(buffer, start, start + mark.length) === 0 ? mark.length : 0
  }

  #tooLong(file: KnownFile, first: Buffer): void {
    this.block.bad = badRecord(
      placeOf(file.path, file.line + 1, file.byte),
      `a record is longer than maxRecord, ${this.#layout.maxRecord} bytes`,
      'Raise maxRecord, or correct the file. In CSV, a quote may have no end.',
      Buffer.from(first),
    )
  }

  /** Moves a position to `byte`, whose index in the buffer is `end`. */
  #move(file: KnownFile, buffer: Buffer, end: number, byte: number, line: number): void {
    file.byte = byte
    file.line = line
    file.tail = tailOf(buffer, end, byte)
  }
}

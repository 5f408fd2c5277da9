import { readLong } from '../../serde/big-endian.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import { PREFIX_LENGTH } from '../environment.ts'
import type { Retention } from '../segment-retention.ts'

const PRIMARY = 0
const BY_TIME = 1
const SPACE_END = PREFIX_LENGTH + 1
const LONG = 8

/**
 * Rows of window and session stores: `prefix ‖ 0 ‖ segment(8) ‖ key ‖ time(8) ‖ sub`, and, if the store is scanned by
 * time, `prefix ‖ 1 ‖ time(8) ‖ sub ‖ key` without a value. `sub` is a window's sequence number (4, and none in the
 * second form: such stores keep no duplicates) or the start (8) of a session or period, whose time is its end.
 */
export class TimedLayout {
  /** Bytes before `key ‖ time ‖ sub`, which is the changelog key. */
  readonly headerLength = SPACE_END + LONG
  readonly subLength: number
  readonly #prefix: number
  readonly #session: boolean
  readonly #retention: Retention

  constructor(prefix: number, session: boolean, retention: Retention) {
    this.#prefix = prefix
    this.#session = session
    this.#retention = retention
    this.subLength = session ? LONG : 4
  }

  /** Begins a row key; the key's bytes must follow. */
  header(writer: ByteWriter, time: number): ByteWriter {
    return this.segmentHeader(writer, this.#retention.segment(time))
  }

  /** Returns whether a row of the engine is one of this store's, of the first form. */
  isOf(row: Buffer): boolean {
    return row.readUInt16BE(0) === this.#prefix && row.readUInt8(PREFIX_LENGTH) === PRIMARY
  }

  segmentHeader(writer: ByteWriter, segment: number): ByteWriter {
    return writer.int16(this.#prefix).byte(PRIMARY).int64(segment)
  }

  trailer(writer: ByteWriter, time: number, sub: number): ByteWriter {
    writer.int64(time)
    return this.#session ? writer.int64(sub) : writer.int32(sub)
  }

  /** End of the key's bytes in a row key. */
  keyEnd(row: Buffer): number {
    return row.length - LONG - this.subLength
  }

  timeOf(row: Buffer): number {
    return readLong(row, this.keyEnd(row))
  }

  subOf(row: Buffer): number {
    const at = row.length - this.subLength
    return this.#session ? readLong(row, at) : row.readInt32BE(at)
  }

  // ---- by time

  timeBound(writer: ByteWriter, time: number): ByteWriter {
    return writer.int16(this.#prefix).byte(BY_TIME).int64(time)
  }

  timeSpaceEnd(writer: ByteWriter): ByteWriter {
    return writer.int16(this.#prefix).byte(BY_TIME + 1)
  }

  /** Begins a row key of the second form; the key's bytes must follow. */
  timeHeader(writer: ByteWriter, time: number, sub: number): ByteWriter {
    this.timeBound(writer, time)
    return this.#session ? writer.int64(sub) : writer
  }

  timeOfTimeRow(row: Buffer): number {
    return readLong(row, SPACE_END)
  }

  subOfTimeRow(row: Buffer): number {
    return this.#session ? readLong(row, SPACE_END + LONG) : 0
  }

  keyStartOfTimeRow(): number {
    return SPACE_END + LONG + (this.#session ? LONG : 0)
  }
}

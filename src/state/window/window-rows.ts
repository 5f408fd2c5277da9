import { MergedRows, type MergedRange, type RowChange } from '../entries/merged-rows.ts'
import type { Consistency, IdentifiedRows, RowQuery } from '../reads.ts'
import { ByteWriter } from '../rows/byte-writer.ts'
import { WindowRow, type TimedSource } from './window-row.ts'

type WindowsQuery = Extract<RowQuery, { op: 'windows' }>

/** Rows that are none of the answer, passed over at once. */
const PASSED_AT_ONCE = 256

/** The rows of one key, or of all, within an interval of time: a range of row keys for each segment, or for all. */
export class WindowRows extends WindowRow implements IdentifiedRows {
  readonly #query: WindowsQuery
  /** Times of the rows: starts of windows, ends of sessions and periods. */
  readonly #first: number
  readonly #last: number
  /** The ranges to be read, of which the last comes first. */
  readonly #ranges: MergedRows[] = []
  #current: MergedRows | undefined
  isRow = false

  /** @param passed the id of a row: rows up to it, and itself, are left out */
  constructor(source: TimedSource, query: WindowsQuery, consistency: Consistency, passed?: Buffer) {
    super(source)
    this.#query = query
    const { retention, windowSize } = source
    const observed = retention.observedBy(consistency)
    this.#first = Math.max(query.from, retention.firstVisibleAt(observed), 0)
    this.#last = windowSize === undefined ? observed : Math.min(query.to, observed)
    if (this.#first > this.#last || query.from > query.to) return
    const changes = source.changes(query.key, this.#first, this.#last, consistency)
    try {
      this.#open(changes, passed)
    } catch (error) {
      this.close()
      throw error
    }
    if (!query.reverse) this.#ranges.reverse()
  }

  #open(all: readonly RowChange[], id: Buffer | undefined): void {
    const { layout, retention } = this.source
    const { key, reverse } = this.#query
    const writer = new ByteWriter(64)
    const passed = id === undefined ? this.#passed(writer) : writer.bytes(id).byte(0).copyOfRow()
    const changes = passed === undefined ? all : all.filter(({ rowKey }) => !isPassed(rowKey, passed, reverse))
    const firstSegment = retention.segment(this.#first)
    const lastSegment = retention.segment(this.#last)
    if (key === undefined) {
      const lower = layout.segmentHeader(writer.rewind(), firstSegment).copyOfRow()
      const upper = layout.segmentHeader(writer.rewind(), lastSegment + 1).copyOfRow()
      this.#add({ lower, upper, reverse, changes }, passed)
      return
    }
    for (let segment = firstSegment; segment <= lastSegment; segment++) {
      const bound = (time: number): Buffer =>
        layout.segmentHeader(writer.rewind(), segment).bytes(key).int64(time).copyOfRow()
      const [lower, upper] = [bound(this.#first), bound(this.#last + 1)]
      const inSegment = changes.filter(
        ({ rowKey }) => Buffer.compare(rowKey, lower) >= 0 && Buffer.compare(rowKey, upper) < 0,
      )
      this.#add({ lower, upper, reverse, changes: inSegment }, passed)
    }
  }

  /** Adds a range, without what a scan that goes on has passed. */
  #add(range: MergedRange, passed: Buffer | undefined): void {
    const { lower, upper, reverse } = range
    const rest =
      passed === undefined
        ? range
        : reverse
          ? { ...range, upper: Buffer.compare(upper, passed) < 0 ? upper : passed }
          : { ...range, lower: Buffer.compare(lower, passed) > 0 ? lower : passed }
    if (Buffer.compare(rest.lower, rest.upper) < 0) this.#ranges.push(new MergedRows(this.source.engine, rest))
  }

  /** Returns the row key of `after`; forwards, the first one behind it. */
  #passed(writer: ByteWriter): Buffer | undefined {
    const { layout, windowSize } = this.source
    const { after, reverse } = this.#query
    if (after === undefined) return undefined
    const time = windowSize === undefined ? after.end : after.start
    layout.header(writer.rewind(), time).bytes(after.key)
    layout.trailer(writer, time, windowSize === undefined ? after.start : 0)
    return (reverse ? writer : writer.byte(0)).copyOfRow()
  }

  next(): boolean {
    for (;;) {
      this.#current ??= this.#ranges.pop()
      if (this.#current === undefined) return false
      for (let passed = 0; this.#current.next();) {
        this.isRow = this.#isInRange(this.#current.rowKey)
        if (this.isRow || ++passed === PASSED_AT_ONCE) return true
      }
      this.#current.close()
      this.#current = undefined
    }
  }

  /** A longer key may begin with the one that is asked for, and look like a time behind it. */
  #isInRange(rowKey: Buffer): boolean {
    const { layout, windowSize } = this.source
    const { key, to } = this.#query
    if (key !== undefined && layout.keyEnd(rowKey) !== layout.headerLength + key.length) return false
    const time = layout.timeOf(rowKey)
    if (time < this.#first || time > this.#last) return false
    return windowSize !== undefined || layout.subOf(rowKey) <= to
  }

  close(): void {
    this.#current?.close()
    this.#current = undefined
    for (const range of this.#ranges.splice(0)) range.close()
  }

  get id(): Buffer {
    return this.shown.rowKey
  }

  protected get shown(): MergedRows {
    if (this.#current === undefined) throw new TypeError('there is no current row')
    return this.#current
  }
}

function isPassed(rowKey: Buffer, passed: Buffer, reverse: boolean): boolean {
  return reverse ? Buffer.compare(rowKey, passed) >= 0 : Buffer.compare(rowKey, passed) < 0
}

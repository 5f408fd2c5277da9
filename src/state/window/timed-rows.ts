import type { EngineIterator, KeyValueEngine } from '../../engine/engine.ts'
import { ByteWriter } from '../rows/byte-writer.ts'
import type { TimedLayout } from './changelog-key.ts'
import type { TimedOrder, TimedPlace } from './timed-order.ts'
import { NO_BYTES } from '../../platform/no-bytes.ts'

/** Rows of the engine. What it shows belongs to the current row. */
export interface TimedRows extends TimedPlace {
  next(): boolean
  readonly row: Buffer
  /** Smallest time behind the range, once the rows are through; Infinity if there is none, undefined if not known. */
  readonly nextTime: number | undefined
  close(): void
}

/** Follows the rows that are kept by time: windows by (start, key), sessions by (end, start, key). */
export class IndexedRows implements TimedRows {
  time = 0
  sub = 0
  keyBytes: Buffer = NO_BYTES
  nextTime: number | undefined
  readonly #engine: KeyValueEngine
  readonly #layout: TimedLayout
  readonly #iterator: EngineIterator
  readonly #to: number
  readonly #writer = new ByteWriter(256)

  constructor(engine: KeyValueEngine, layout: TimedLayout, from: number, to: number, reverse: boolean) {
    this.#engine = engine
    this.#layout = layout
    this.#to = to
    const writer = this.#writer
    const gte = layout.timeBound(writer.rewind(), from).copyOfRow()
    // Forwards, one row behind the range tells how long nothing new is to be found.
    writer.rewind()
    const lt = (reverse ? layout.timeBound(writer, to + 1) : layout.timeSpaceEnd(writer)).copyOfRow()
    this.#iterator = engine.iterate({ gte, lt, reverse })
  }

  next(): boolean {
    if (!this.#iterator.next()) {
      this.nextTime = Infinity
      return false
    }
    const { key } = this.#iterator
    this.time = this.#layout.timeOfTimeRow(key)
    if (this.time > this.#to) {
      this.nextTime = this.time
      return false
    }
    this.sub = this.#layout.subOfTimeRow(key)
    this.keyBytes = key.subarray(this.#layout.keyStartOfTimeRow())
    return true
  }

  get row(): Buffer {
    const writer = this.#layout.header(this.#writer.rewind(), this.time).bytes(this.keyBytes)
    return this.#engine.get(this.#layout.trailer(writer, this.time, this.sub).row()) ?? NO_BYTES
  }

  close(): void {
    this.#iterator.close()
  }
}

/** Follows the rows as the engine has them, segment by segment, and in each by key and time. */
export class SegmentRows implements TimedRows {
  readonly nextTime = undefined
  time = 0
  readonly #layout: TimedLayout
  readonly #iterator: EngineIterator
  readonly #from: number
  readonly #to: number

  constructor(
    engine: KeyValueEngine,
    layout: TimedLayout,
    firstSegment: number,
    lastSegment: number,
    from: number,
    to: number,
    reverse: boolean,
  ) {
    this.#layout = layout
    this.#from = from
    this.#to = to
    const writer = new ByteWriter(64)
    const gte = layout.segmentHeader(writer.rewind(), firstSegment).copyOfRow()
    const lt = layout.segmentHeader(writer.rewind(), lastSegment + 1).copyOfRow()
    this.#iterator = engine.iterate({ gte, lt, reverse })
  }

  next(): boolean {
    while (this.#iterator.next()) {
      this.time = this.#layout.timeOf(this.#iterator.key)
      if (this.time >= this.#from && this.time <= this.#to) return true
    }
    return false
  }

  get sub(): number {
    return this.#layout.subOf(this.#iterator.key)
  }

  get keyBytes(): Buffer {
    const { key } = this.#iterator
    return key.subarray(this.#layout.headerLength, this.#layout.keyEnd(key))
  }

  get row(): Buffer {
    return this.#iterator.value
  }

  close(): void {
    this.#iterator.close()
  }
}

/** Reads all of some rows, and gives them another order. */
export class CollectedRows implements TimedRows {
  readonly nextTime: number | undefined
  readonly #rows: (TimedPlace & { readonly row: Buffer })[] = []
  #at = -1

  constructor(rows: TimedRows, order: TimedOrder, reverse: boolean) {
    try {
      while (rows.next()) {
        const { time, sub, keyBytes, row } = rows
        this.#rows.push({ time, sub, keyBytes, row })
      }
      this.nextTime = rows.nextTime
    } finally {
      rows.close()
    }
    const sign = reverse ? -1 : 1
    this.#rows.sort((a, b) => sign * order(a, b))
  }

  next(): boolean {
    return ++this.#at < this.#rows.length
  }

  get time(): number {
    return this.#rows[this.#at]?.time ?? -1
  }

  get sub(): number {
    return this.#rows[this.#at]?.sub ?? -1
  }

  get keyBytes(): Buffer {
    return this.#rows[this.#at]?.keyBytes ?? NO_BYTES
  }

  get row(): Buffer {
    return this.#rows[this.#at]?.row ?? NO_BYTES
  }

  close(): void {
    this.#rows.length = 0
  }
}

/** A store of which the engine has nothing. */
export const NO_ROWS: TimedRows = {
  next: () => false,
  time: -1,
  sub: -1,
  keyBytes: NO_BYTES,
  row: NO_BYTES,
  nextTime: Infinity,
  close() {},
}

import type { EngineIterator, KeyValueEngine } from '../engine.ts'
import { ByteWriter } from '../rows/byte-writer.ts'
import type { TimedLayout } from './timed-layout.ts'

/** Order of rows of all keys: windows by (start, key, sequence), sessions by (end, start, key). */
export function compareTimed(
  session: boolean,
  timeA: number,
  subA: number,
  keyA: Buffer,
  timeB: number,
  subB: number,
  keyB: Buffer,
): number {
  if (timeA !== timeB) return timeA - timeB
  if (session) return subA === subB ? Buffer.compare(keyA, keyB) : subA - subB
  const order = Buffer.compare(keyA, keyB)
  return order === 0 ? subA - subB : order
}

/** Rows of the engine in time order. What it shows belongs to the current row. */
export interface TimedRows {
  next(): boolean
  readonly time: number
  readonly sub: number
  readonly keyBytes: Buffer
  readonly row: Buffer
  /** Smallest time behind the range, once the rows are through; Infinity if there is none, undefined if not known. */
  readonly nextTime: number | undefined
  close(): void
}

/** Follows the rows that are kept by time. */
export class IndexedRows implements TimedRows {
  time = 0
  sub = 0
  keyBytes: Buffer = EMPTY
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
    return this.#engine.get(this.#layout.trailer(writer, this.time, this.sub).row()) ?? EMPTY
  }

  close(): void {
    this.#iterator.close()
  }
}

/** Reads all segments in range and sorts what it finds: for queries of stores that are not kept by time. */
export class CollectedRows implements TimedRows {
  readonly nextTime = undefined
  readonly #rows: { readonly time: number; readonly sub: number; readonly keyBytes: Buffer; readonly row: Buffer }[] =
    []
  #at = -1

  constructor(
    engine: KeyValueEngine,
    layout: TimedLayout,
    session: boolean,
    firstSegment: number,
    lastSegment: number,
    from: number,
    to: number,
    reverse: boolean,
  ) {
    const writer = new ByteWriter(64)
    const gte = layout.segmentHeader(writer.rewind(), firstSegment).copyOfRow()
    const lt = layout.segmentHeader(writer.rewind(), lastSegment + 1).copyOfRow()
    const iterator = engine.iterate({ gte, lt })
    try {
      while (iterator.next()) {
        const { key } = iterator
        const time = layout.timeOf(key)
        if (time < from || time > to) continue
        const keyBytes = key.subarray(layout.headerLength, layout.keyEnd(key))
        this.#rows.push({ time, sub: layout.subOf(key), keyBytes, row: iterator.value })
      }
    } finally {
      iterator.close()
    }
    const sign = reverse ? -1 : 1
    this.#rows.sort((a, b) => sign * compareTimed(session, a.time, a.sub, a.keyBytes, b.time, b.sub, b.keyBytes))
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
    return this.#rows[this.#at]?.keyBytes ?? EMPTY
  }

  get row(): Buffer {
    return this.#rows[this.#at]?.row ?? EMPTY
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
  keyBytes: Buffer.alloc(0),
  row: Buffer.alloc(0),
  nextTime: Infinity,
  close() {},
}

const EMPTY = Buffer.alloc(0)

import type { Consistency, RowOp, RowQuery, StoredRows, StoreReads } from '../reads.ts'
import { WatchedTimes } from './watched-times.ts'
import type { TimedSource } from './window-row.ts'
import { WindowRows } from './window-rows.ts'

const OPS: readonly RowOp[] = ['windows']

/** Reads of a window, session or period store. */
export class TimedReads implements StoreReads {
  readonly ops = OPS
  readonly watched?: WatchedTimes
  readonly #source: TimedSource

  constructor(source: TimedSource) {
    this.#source = source
    if (source.watchable !== undefined) this.watched = new WatchedTimes(source, source.watchable)
  }

  observe(): boolean {
    return this.#source.observe()
  }

  open(query: RowQuery, consistency: Consistency): StoredRows {
    if (query.op !== 'windows') throw new TypeError(`a store of windows has no ${query.op}`)
    return new WindowRows(this.#source, query, consistency)
  }
}

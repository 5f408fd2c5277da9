import { NO_BYTES } from '../../platform/no-bytes.ts'
import type { Consistency, RowChanges, RowNow, WatchedStore, WatchQuery } from '../reads.ts'
import { WindowRow, type TimedSource, type WindowBytes } from './window-row.ts'
import { WindowRows } from './window-rows.ts'

/** The rows of a window, session or period store as they are watched: each is known by its row key. */
export class WatchedTimes implements WatchedStore {
  readonly isTimed = true
  readonly changes: RowChanges
  readonly #source: TimedSource

  constructor(source: TimedSource, changes: RowChanges) {
    this.#source = source
    this.changes = changes
  }

  isOf({ from = -Infinity, to = Infinity }: WatchQuery, id: Buffer): boolean {
    const { layout, windowSize } = this.#source
    const time = layout.timeOf(id)
    return time >= from && (windowSize === undefined ? layout.subOf(id) : time) <= to
  }

  open(query: WatchQuery, after: Buffer | undefined, consistency: Consistency): WindowRows {
    const { key, from = 0, to = Infinity } = query
    const ofKey = key === undefined ? {} : { key }
    return new WindowRows(this.#source, { op: 'windows', ...ofKey, from, to, reverse: false }, consistency, after)
  }

  row(id: Buffer, consistency: Consistency): RowNow {
    const row = this.#find(id, consistency)
    const found = new FoundWindow(this.#source, { rowKey: id, row: row ?? NO_BYTES })
    const { key, start, end } = found
    if (row === undefined) return { key, start, end, value: undefined, timestamp: -1 }
    return { key, start, end, value: found.value, timestamp: found.timestamp }
  }

  expiredBefore(consistency: Consistency): number {
    const { retention, windowSize = 0 } = this.#source
    return retention.firstVisibleAt(retention.observedBy(consistency)) + windowSize
  }

  #find(id: Buffer, consistency: Consistency): Buffer | undefined {
    const { engine, layout, retention, seen } = this.#source
    const observed = retention.observedBy(consistency)
    const time = layout.timeOf(id)
    if (time < retention.firstVisibleAt(observed) || time > observed) return undefined
    const row = seen(id, consistency)
    return row === undefined ? engine.get(id) : (row ?? undefined)
  }
}

class FoundWindow extends WindowRow {
  protected readonly shown: WindowBytes

  constructor(source: TimedSource, shown: WindowBytes) {
    super(source)
    this.shown = shown
  }
}

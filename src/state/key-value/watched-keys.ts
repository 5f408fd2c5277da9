import { NO_BYTES } from '../../platform/no-bytes.ts'
import type { Consistency, IdentifiedRows, RowChanges, RowNow, RowQuery, WatchedStore, WatchQuery } from '../reads.ts'

/** The rows of a store of keys as they are watched: each is known by its key. */
export class WatchedKeys implements WatchedStore {
  readonly isTimed = false
  readonly changes: RowChanges
  readonly #open: (query: RowQuery, consistency: Consistency) => IdentifiedRows

  constructor(changes: RowChanges, open: (query: RowQuery, consistency: Consistency) => IdentifiedRows) {
    this.changes = changes
    this.#open = open
  }

  isOf(): boolean {
    return true
  }

  open({ prefix = NO_BYTES }: WatchQuery, after: Buffer | undefined, consistency: Consistency): IdentifiedRows {
    return this.#open({ op: 'prefix', prefix, reverse: false, ...(after === undefined ? {} : { after }) }, consistency)
  }

  row(id: Buffer, consistency: Consistency): RowNow {
    const rows = this.#open({ op: 'get', key: id }, consistency)
    try {
      const place = { key: id, start: -1, end: -1 }
      if (!rows.next() || !rows.isRow) return { ...place, value: undefined, timestamp: -1 }
      return { ...place, value: rows.value, timestamp: rows.timestamp }
    } finally {
      rows.close()
    }
  }

  expiredBefore(): number {
    return -Infinity
  }
}

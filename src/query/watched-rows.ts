import type { Consistency, RowChanges, RowWatcher, StoredRows, StoreReads, WatchQuery } from '../state/reads.ts'
import type { ChangeWriter } from './change-page.ts'

export interface WatchedRowsOptions {
  readonly reads: StoreReads
  readonly changes: RowChanges
  readonly query: WatchQuery
  readonly consistency: Consistency
  /** Called when there is something to read. */
  readonly wake: () => void
  /** Bytes of changed keys that may be left unread. Default 4 MiB. */
  readonly mostChanged?: number
}

const MOST_CHANGED = 4 * 1024 * 1024
/** The approximate memory of a changed key, besides its bytes. */
const KEY_OVERHEAD = 64

/**
 * What one watcher has not read: first the rows that there are, by their keys, then the keys that have changed. Values
 * are read when they are sent, so that a slow reader costs no more than the keys. When these are too many they are
 * forgotten, and the rows that there are come again, from `begin`.
 *
 * No row goes back. Keys up to `#passed` are noted when they change. What changes behind it is read by a scan that is
 * opened again.
 */
export class WatchedRows implements RowWatcher {
  readonly consistency: Consistency
  readonly query: WatchQuery
  readonly #options: WatchedRowsOptions
  /** As latin1 text. */
  readonly #changed = new Set<string>()
  #changedBytes = 0
  #hasBegun = false
  /** True when all rows that there are have been sent. */
  #isCurrent = false
  /** The key of the last row that was sent of those that there are. */
  #passed: Buffer | undefined
  #scan: StoredRows | undefined

  constructor(options: WatchedRowsOptions) {
    this.#options = options
    this.consistency = options.consistency
    this.query = options.query
    options.changes.add(this)
  }

  /** True if there is something to read. */
  get hasNews(): boolean {
    return !this.#isCurrent || this.#changed.size > 0
  }

  changed(key: Buffer): void {
    if (!this.#isCurrent && !this.#isPassed(key)) {
      // The scan would show the row as it was.
      this.#closeScan()
      return
    }
    const text = key.toString('latin1')
    if (this.#changed.has(text)) return
    this.#changed.add(text)
    this.#changedBytes += text.length + KEY_OVERHEAD
    const { mostChanged = MOST_CHANGED, wake } = this.#options
    if (this.#changedBytes > mostChanged) this.#beginAgain()
    wake()
  }

  /** Writes what there is to read until `isFull`. Half of it is for the rows that there are, if some are left. */
  write(page: ChangeWriter, isFull: (share: number) => boolean): void {
    if (!this.#hasBegun) page.mark('begin')
    this.#hasBegun = true
    this.#writeChanged(page, () => isFull(this.#isCurrent ? 1 : 0.5))
    if (this.#isCurrent) return
    this.#writeScanned(page, () => isFull(1))
    if (this.#isCurrent) page.mark('current')
  }

  close(): void {
    this.#options.changes.remove(this)
    this.#forgetChanged()
    this.#closeScan()
  }

  #writeChanged(page: ChangeWriter, isFull: () => boolean): void {
    for (const text of this.#changed) {
      if (isFull()) return
      this.#changed.delete(text)
      this.#changedBytes -= text.length + KEY_OVERHEAD
      this.#writeRow(page, 'change', Buffer.from(text, 'latin1'))
    }
  }

  #writeScanned(page: ChangeWriter, isFull: () => boolean): void {
    const { key } = this.query
    if (key !== undefined) {
      this.#writeRow(page, 'value', key)
      this.#isCurrent = true
      return
    }
    this.#scan ??= this.#openScan()
    const rows = this.#scan
    // One row at least, or changes that come faster than they are written would keep it from its end.
    do {
      if (!rows.next()) {
        this.#closeScan()
        this.#isCurrent = true
        return
      }
      // The engine's key is its own until the next row.
      this.#passed = Buffer.from(rows.key)
      if (rows.isRow) page.add({ kind: 'value', key: rows.key, value: rows.value, timestamp: rows.timestamp })
    } while (!isFull())
  }

  #writeRow(page: ChangeWriter, kind: 'value' | 'change', key: Buffer): void {
    const rows = this.#options.reads.open({ op: 'get', key }, this.consistency)
    try {
      const isThere = rows.next() && rows.isRow
      page.add({ kind, key, value: isThere ? rows.value : undefined, timestamp: isThere ? rows.timestamp : -1 })
    } finally {
      rows.close()
    }
  }

  #openScan(): StoredRows {
    const { reads } = this.#options
    const { prefix = ALL } = this.query
    const after = this.#passed === undefined ? {} : { after: this.#passed }
    return reads.open({ op: 'prefix', prefix, ...after, reverse: false }, this.consistency)
  }

  #isPassed(key: Buffer): boolean {
    if (this.query.key !== undefined) return false
    return this.#passed !== undefined && Buffer.compare(key, this.#passed) <= 0
  }

  #beginAgain(): void {
    this.#forgetChanged()
    this.#closeScan()
    this.#hasBegun = this.#isCurrent = false
    this.#passed = undefined
  }

  #forgetChanged(): void {
    this.#changed.clear()
    this.#changedBytes = 0
  }

  #closeScan(): void {
    this.#scan?.close()
    this.#scan = undefined
  }
}

const ALL = Buffer.alloc(0)

import type { Consistency, IdentifiedRows, RowWatcher, WatchedStore, WatchQuery } from '../state/reads.ts'
import type { ChangeWriter } from './change-page.ts'

export interface WatchedRowsOptions {
  readonly store: WatchedStore
  readonly query: WatchQuery
  readonly consistency: Consistency
  /** Called when there is something to read. */
  readonly wake: () => void
  /** Bytes of the ids of changed rows that may be left unread. Default 4 MiB. */
  readonly mostChanged?: number
}

const MOST_CHANGED = 4 * 1024 * 1024
/** The approximate memory of the id of a changed row, besides its bytes. */
const ID_OVERHEAD = 64

/**
 * What one watcher has not read: first the rows that there are, by their ids, then the ids of those that have changed.
 * Values are read when they are sent, so that a slow reader costs no more than the ids: keys, of windows and sessions
 * with their times. When these are too many they are forgotten, and the rows that there are come again, from `begin`.
 *
 * No row goes back. Rows up to `#passed` are noted when they change. What changes behind it is read by a scan that is
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
  /** The id of the last row that was sent of those that there are. */
  #passed: Buffer | undefined
  #scan: IdentifiedRows | undefined
  /** True: of what was sent something may have expired. */
  #hasSent = false
  /** What the reader knows to have expired, and (if that is more) what it is to know. */
  #expired = -Infinity
  #expiring = -Infinity

  constructor(options: WatchedRowsOptions) {
    this.#options = options
    this.consistency = options.consistency
    this.query = options.query
    options.store.changes.add(this)
  }

  /** True if there is something to read. */
  get hasNews(): boolean {
    return !this.#isCurrent || this.#changed.size > 0
  }

  changed(id: Buffer): void {
    if (!this.#options.store.isOf(this.query, id)) return
    if (!this.#isCurrent && !this.#isPassed(id)) {
      // The scan would show the row as it was.
      this.#closeScan()
      return
    }
    const text = id.toString('latin1')
    if (this.#changed.has(text)) return
    this.#changed.add(text)
    this.#changedBytes += text.length + ID_OVERHEAD
    const { mostChanged = MOST_CHANGED, wake } = this.#options
    if (this.#changedBytes > mostChanged) this.#beginAgain()
    wake()
  }

  /** Looks at what has expired. The next page says so: nobody is woken for it. */
  lookAtTime(): void {
    const { store } = this.#options
    if (this.#hasSent && store.isTimed) this.#expiring = store.expiredBefore(this.consistency)
  }

  /** Writes what there is to read until `isFull`. Half of it is for the rows that there are, if some are left. */
  write(page: ChangeWriter, isFull: (share: number) => boolean): void {
    if (!this.#hasBegun) page.mark('begin')
    this.#hasBegun = true
    if (this.#expiring > this.#expired) page.expired(this.#expiring)
    this.#expired = this.#expiring
    this.#writeChanged(page, () => isFull(this.#isCurrent ? 1 : 0.5))
    if (this.#isCurrent) return
    this.#writeScanned(page, () => isFull(1))
    if (this.#isCurrent) page.mark('current')
  }

  close(): void {
    this.#options.store.changes.remove(this)
    this.#forgetChanged()
    this.#closeScan()
  }

  #writeChanged(page: ChangeWriter, isFull: () => boolean): void {
    for (const text of this.#changed) {
      if (isFull()) return
      this.#changed.delete(text)
      this.#changedBytes -= text.length + ID_OVERHEAD
      this.#writeRow(page, 'change', Buffer.from(text, 'latin1'))
    }
  }

  #writeScanned(page: ChangeWriter, isFull: () => boolean): void {
    const { key } = this.query
    const { store } = this.#options
    if (key !== undefined && !store.isTimed) {
      this.#writeRow(page, 'value', key)
      this.#isCurrent = true
      return
    }
    this.#scan ??= store.open(this.query, this.#passed, this.consistency)
    const rows = this.#scan
    // One row at least, or changes that come faster than they are written would keep it from its end.
    do {
      if (!rows.next()) {
        this.#closeScan()
        this.#isCurrent = true
        return
      }
      // The engine's key is its own until the next row.
      this.#passed = Buffer.from(rows.id)
      // A scan shows what there was when it was opened.
      if (!rows.isRow || rows.end < this.#expired) continue
      this.#hasSent = true
      const { key: rowKey, value, timestamp, start, end } = rows
      page.add('value', { key: rowKey, value, timestamp, ...(store.isTimed ? { start, end } : NO_BOUNDS) })
    } while (!isFull())
  }

  #writeRow(page: ChangeWriter, kind: 'value' | 'change', id: Buffer): void {
    this.#hasSent = true
    page.add(kind, this.#options.store.row(id, this.consistency))
  }

  #isPassed(id: Buffer): boolean {
    return this.#passed !== undefined && Buffer.compare(id, this.#passed) <= 0
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

const NO_BOUNDS = { start: -1, end: -1 }

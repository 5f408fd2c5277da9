import type { RecordCursor, SeeKey } from '../../log/log.ts'
import { readerOf, type ReadValue } from '../../serde/call-serde.ts'
import type { Serde } from '../../serde/serde.ts'
import type { AskedRows, Prefetchable, PrefetchedRows } from '../../state/prefetchable.ts'

/**
 * Records whose rows are read together. Sixteen look-ups in one call cost RocksDB half of what they cost one by one,
 * and more hardly less; as many as these give another thread the time to answer.
 */
const WINDOW = 256
/** Share of a window's records by which used rows must outnumber wasted ones for a window to be worthwhile. */
const WORTHWHILE = 1 / 4

/** The records of a partition that wait, the current one excepted. */
export interface WaitingRecords {
  /** Shows the keys of the next records, as `RecordCursor.peekKeys`; fewer where more cannot be seen yet. */
  peekKeys(count: number, see: SeeKey): void
}

interface Store {
  readonly store: Prefetchable
  /** Asked: rows for the window that follows. */
  asked: AskedRows | undefined
  /** Awaited: rows for the window whose records are being processed. */
  rows: PrefetchedRows | undefined
  /** Answers in succession that were not there in time. After the last of them so many windows are not asked for. */
  late: number
  pause: number
  /** Edition of the store in which prefetching was not worth it; -1 if there is none. */
  restsIn: number
}

/**
 * Reads the rows that a partition's records will ask their task's stores for, before it is their turn. A window of
 * records goes through three steps:
 *
 * 1. Asked: while the window before it is processed, stores get its keys, and may begin to read in another thread.
 * 2. Awaited: when it begins, the rows that have come are taken, or all of them are read in one call.
 * 3. Used: its records find the rows in memory. After the last of them the rows are released, and judged.
 *
 * The rule: a store for which a window was not worthwhile is left alone until its engine is written to the next time,
 * since hardly anything leaves its memory before.
 *
 * Nothing here changes a result. What goes wrong (a key that cannot be read, a disk that fails) goes wrong again,
 * with its place, when it is that record's turn.
 */
export class Prefetch {
  readonly #readKey: ReadValue<unknown>
  readonly #records: WaitingRecords
  readonly #stores: readonly Store[]
  /** Records of the window, and how many of them are left. */
  #size = 0
  #left = 0
  /** Keys of the window that follows, if all of its records are there. */
  #following: readonly unknown[] | undefined

  constructor(keySerde: Serde<unknown>, records: WaitingRecords, stores: readonly Prefetchable[]) {
    this.#readKey = readerOf(keySerde)
    this.#records = records
    this.#stores = stores.map((store) => ({ store, asked: undefined, rows: undefined, late: 0, pause: 0, restsIn: -1 }))
  }

  /** Must be called for every record of the partition, before it is processed. */
  next(cursor: RecordCursor): void {
    if (this.#left === 0) this.#beginWindow(cursor)
    this.#left--
  }

  #beginWindow(cursor: RecordCursor): void {
    for (const store of this.#stores) judge(store, this.#size)
    const stores = this.#stores.filter(({ store, restsIn }) => restsIn !== store.edition)
    const keys = stores.length === 0 ? undefined : (this.#following ?? this.#firstKeys(cursor))
    this.#following = undefined
    this.#size = this.#left = keys?.length ?? WINDOW
    if (keys === undefined || keys.length === 1) return
    for (const store of stores) awaitRows(store, keys)
    if (keys.length < WINDOW) return
    const following = this.#keys(WINDOW - 1, WINDOW)
    if (following.length < WINDOW) return
    for (const store of stores) ask(store, following)
    this.#following = following
  }

  #firstKeys({ buffer, keyStart, keyEnd }: RecordCursor): readonly unknown[] {
    return [this.#key(buffer, keyStart, keyEnd), ...this.#keys(0, WINDOW - 1)]
  }

  /** Keys of so many waiting records, or fewer, after the first `skipped`. */
  #keys(skipped: number, count: number): unknown[] {
    const keys: unknown[] = []
    let seen = 0
    try {
      this.#records.peekKeys(skipped + count, (buffer, start, end) => {
        if (seen++ >= skipped) keys.push(this.#key(buffer, start, end))
      })
    } catch {
      // A batch that cannot be read is met again when it is the turn of that record.
    }
    return keys
  }

  /** Null if it cannot be read. */
  #key(buffer: Buffer, start: number, end: number): unknown {
    try {
      return start < 0 ? null : this.#readKey(buffer, start, end)
    } catch {
      return null
    }
  }
}

/** Applies the rule to a window of so many records that is over. */
function judge(store: Store, records: number): void {
  const { rows } = store
  if (rows === undefined) return
  store.rows = undefined
  const used = rows.release()
  const wasted = rows.size - used
  if (used - wasted >= WORTHWHILE * records) return
  store.restsIn = store.store.edition
  store.asked?.drop()
  store.asked = undefined
}

function awaitRows(store: Store, keys: readonly unknown[]): void {
  const { asked } = store
  store.asked = undefined
  try {
    const rows = asked?.take()
    if (asked !== undefined) store.pause = store.late = rows === undefined ? store.late + 1 : 0
    store.rows = rows ?? store.store.prefetch(keys.filter(isKey))
  } catch {
    // The engine is asked again, row by row.
  }
}

function ask(store: Store, keys: readonly unknown[]): void {
  // Where no core is free for the other thread, rows would be read twice.
  if (store.pause > 0) {
    store.pause--
    return
  }
  try {
    store.asked = store.store.ask(keys.filter(isKey))
  } catch {
    // They are read when the window begins.
  }
}

function isKey(key: unknown): boolean {
  return key !== null
}

import type { PendingRows } from '../engine.ts'
import type { NativeDatabase, RocksdbBinding } from './rocksdb-binding.ts'
import { readerIsPossible, useReader, type RocksdbReader } from './rocksdb-reader.ts'

/** ms of a look-up among many from which on it is worth its way to another thread and back. What lies in memory takes less. */
const WORTH_ASKING = 0.001
/** Fewer are not measured: a call has a price of its own. */
const MEASURED = 16
/** So many more calls must have been slow than fast, or the other way round, until look-ups count as such: some are interrupted. */
const MAJORITY = 16
/** What an answer that is late counts, or none: this thread then finds it slow once more. If half of them are late, asking ends. */
const LATE = -2
/** Calls that must be slow until something is asked for again after the reader could not answer: rows may be too large for it. */
const REST = 1000

/** Look-ups of one database, by this thread or beside it. */
export class RocksdbLookUps {
  readonly #binding: RocksdbBinding
  readonly #database: NativeDatabase
  readonly #handle: bigint
  #reader: RocksdbReader | undefined
  /** Slow calls of late less fast ones, within `MAJORITY`; less than that during a rest. */
  #slow = -MAJORITY
  /** Goes up when rows change: what was asked for before may not be what would be read now. */
  #edition = 0
  #closed = false

  constructor(binding: RocksdbBinding, database: NativeDatabase) {
    this.#binding = binding
    this.#database = database
    this.#handle = binding.db_get_handle(database)
  }

  getMany(keys: readonly Buffer[]): (Buffer | undefined)[] {
    if (keys.length < MEASURED) return this.#binding.db_get_many_sync(this.#database, keys, undefined)
    const begin = performance.now()
    const rows = this.#binding.db_get_many_sync(this.#database, keys, undefined)
    this.#measured((performance.now() - begin) / keys.length)
    return rows
  }

  get areSlow(): boolean {
    return this.#slow > 0 && readerIsPossible()
  }

  /** Undefined if it cannot be done now. */
  begin(keys: readonly Buffer[]): PendingRows | undefined {
    const reader = (this.#reader ??= useReader())
    const slot = reader?.ask(this.#handle, keys) ?? -1
    if (reader !== undefined && slot >= 0) return this.#pending(reader, slot, keys.length)
    this.#count(LATE)
    return undefined
  }

  /** Rows are about to change. */
  outdate(): void {
    this.#edition++
  }

  /** When it resolves, nothing is read any more; may be called once. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#reader?.release(this.#handle)
  }

  #pending(reader: RocksdbReader, slot: number, keys: number): PendingRows {
    const edition = this.#edition
    const drop = (): void => {
      // The slot may be another's by then.
      if (!this.#closed) reader.drop(slot)
    }
    const take = (): (Buffer | undefined)[] | undefined => {
      if (this.#closed) return undefined
      const rows = reader.take(slot)
      if (rows === 'failed') this.#slow = -REST
      else if (rows === 'late') this.#count(LATE)
      else if (keys >= MEASURED) this.#measured(reader.timeOf(slot) / keys)
      return typeof rows === 'string' || edition !== this.#edition ? undefined : rows
    }
    return { take, drop }
  }

  #measured(cost: number): void {
    this.#count(cost < WORTH_ASKING ? -1 : 1)
  }

  #count(slow: number): void {
    // A rest is not cut short by what is fast.
    this.#slow = Math.min(Math.max(this.#slow + slow, Math.min(this.#slow, -MAJORITY)), MAJORITY)
  }
}

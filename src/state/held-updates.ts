import type { RecordContext } from '../record/record-context.ts'
import type { ByteBudget } from './environment.ts'
import { HeldUpdate, type StateEntry } from './state-entry.ts'

/** The entries whose updates a cache holds back, in the order of each entry's latest update. */
export class HeldUpdates<V, E extends StateEntry<unknown, V>> {
  readonly #budget: ByteBudget
  #oldest: E | null = null
  #newest: E | null = null

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  get oldest(): E | null {
    return this.#oldest
  }

  /** Call before the entry changes. */
  hold(entry: E, record: RecordContext, size: number): void {
    let { held } = entry
    if (held === null) {
      entry.held = held = new HeldUpdate<V>(entry, size)
      this.#budget.bytes += size
      this.#append(entry)
    } else if (entry !== this.#newest) {
      this.#unlink(entry)
      this.#append(entry)
    }
    held.topic = record.topic
    held.partition = record.partition
    held.offset = record.offset
    held.timestamp = record.timestamp
    held.headers = record.headers
  }

  /** The entry is being emitted. */
  release(entry: E, held: HeldUpdate<V>): void {
    entry.held = null
    this.#budget.bytes -= held.size
    this.#unlink(entry)
  }

  clear(): void {
    for (let entry = this.#oldest; entry !== null; entry = entry.newer) this.#budget.bytes -= entry.held?.size ?? 0
    this.#oldest = null
    this.#newest = null
  }

  #append(entry: E): void {
    entry.older = this.#newest
    entry.newer = null
    if (this.#newest === null) this.#oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
  }

  #unlink(entry: E): void {
    if (entry.older === null) this.#oldest = entry.newer
    else entry.older.newer = entry.newer
    if (entry.newer === null) this.#newest = entry.older
    else entry.newer.older = entry.older
    entry.older = null
    entry.newer = null
  }
}

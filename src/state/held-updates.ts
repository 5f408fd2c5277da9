import type { RecordContext } from '../record/record-context.ts'
import type { ByteBudget } from './environment.ts'
import { HeldUpdate, type StateEntry } from './state-entry.ts'

/** The updates that a cache holds back, in the order of each entry's latest one. */
export class HeldUpdates<V, E extends StateEntry<unknown, V>> {
  readonly #budget: ByteBudget
  #oldest: HeldUpdate<V, E> | null = null
  #newest: HeldUpdate<V, E> | null = null

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  get oldest(): HeldUpdate<V, E> | null {
    return this.#oldest
  }

  /** Call before the entry changes. */
  hold(entry: E, record: RecordContext, size: number): void {
    let { held } = entry
    if (held === null) {
      entry.held = held = new HeldUpdate<V, E>(entry, size)
      this.#budget.bytes += size
      this.#append(held)
    } else if (held !== this.#newest) {
      this.#unlink(held)
      this.#append(held)
    }
    held.topic = record.topic
    held.partition = record.partition
    held.offset = record.offset
    held.timestamp = record.timestamp
    held.headers = record.headers
  }

  /** The update is being emitted. */
  release(held: HeldUpdate<V, E>): void {
    held.entry.held = null
    this.#budget.bytes -= held.size
    this.#unlink(held)
  }

  clear(): void {
    for (let held = this.#oldest; held !== null; held = held.newer) this.#budget.bytes -= held.size
    this.#oldest = null
    this.#newest = null
  }

  #append(held: HeldUpdate<V, E>): void {
    held.older = this.#newest
    held.newer = null
    if (this.#newest === null) this.#oldest = held
    else this.#newest.newer = held
    this.#newest = held
  }

  #unlink(held: HeldUpdate<V, E>): void {
    if (held.older === null) this.#oldest = held.newer
    else held.older.newer = held.newer
    if (held.newer === null) this.#newest = held.older
    else held.newer.older = held.older
    held.older = null
    held.newer = null
  }
}

import type { StateEntry } from '../entries/state-entry.ts'
import type { PrefetchedRows } from '../prefetchable.ts'

/** Entries that nobody has asked for yet, kept from being evicted. */
export class PrefetchedEntries<K, V> implements PrefetchedRows {
  readonly #entries: StateEntry<K, V>[] = []

  add(entry: StateEntry<K, V>): void {
    entry.referenced = false
    entry.awaited = true
    this.#entries.push(entry)
  }

  get size(): number {
    return this.#entries.length
  }

  release(): number {
    let used = 0
    for (const entry of this.#entries) {
      entry.awaited = false
      if (entry.referenced) used++
    }
    return used
  }
}

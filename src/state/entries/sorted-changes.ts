/**
 * Changed entries in an order, for scans that merge them with the engine's rows. The order is made when first asked for, and
 * kept up as entries are added: nobody who does not scan pays for it.
 */
export class SortedChanges<E> {
  readonly #added: readonly E[]
  readonly #compare: (a: E, b: E) => number
  #sorted: E[] = []
  #taken = 0

  /** `added` is the list to which changed entries are appended; emptied at a commit, `reset` must follow. */
  constructor(added: readonly E[], compare: (a: E, b: E) => number) {
    this.#added = added
    this.#compare = compare
  }

  sorted(): readonly E[] {
    const fresh = this.#added.length - this.#taken
    if (fresh === 0) return this.#sorted
    if (fresh > 32) {
      for (let i = this.#taken; i < this.#added.length; i++) this.#sorted.push(this.#added[i]!)
      this.#sorted.sort(this.#compare)
    } else {
      for (let i = this.#taken; i < this.#added.length; i++) this.#insert(this.#added[i]!)
    }
    this.#taken = this.#added.length
    return this.#sorted
  }

  reset(): void {
    this.#sorted = []
    this.#taken = 0
  }

  #insert(entry: E): void {
    const index = firstIndex(this.#sorted, (other) => this.#compare(other, entry) > 0)
    this.#sorted.splice(index, 0, entry)
  }
}

/** Index of the first element for which `holds` is true; it must be false before it and true behind it. */
export function firstIndex<E>(sorted: readonly E[], holds: (element: E) => boolean): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(sorted[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}

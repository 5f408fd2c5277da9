/**
 * Changed entries in an order, for scans that merge them with the engine's rows. A scan brings the order up to date, so
 * that it costs nothing where nobody scans. Entries need not hold what they are sorted by.
 */
export class SortedChanges<E, S> {
  readonly #added: readonly E[]
  readonly #sortable: (entry: E) => S
  readonly #compare: (a: S, b: S) => number
  #sorted: S[] = []
  #taken = 0

  /**
   * @param added the list to which changed entries are appended; when it is emptied, `reset` must follow
   * @param sortable what stands for an entry in the order
   */
  constructor(added: readonly E[], sortable: (entry: E) => S, compare: (a: S, b: S) => number) {
    this.#added = added
    this.#sortable = sortable
    this.#compare = compare
  }

  sorted(): readonly S[] {
    const fresh = this.#added.length - this.#taken
    if (fresh === 0) return this.#sorted
    if (fresh > 32) {
      for (let i = this.#taken; i < this.#added.length; i++) this.#sorted.push(this.#sortable(this.#added[i]!))
      this.#sorted.sort(this.#compare)
    } else {
      for (let i = this.#taken; i < this.#added.length; i++) this.#insert(this.#sortable(this.#added[i]!))
    }
    this.#taken = this.#added.length
    return this.#sorted
  }

  reset(): void {
    this.#sorted = []
    this.#taken = 0
  }

  #insert(change: S): void {
    const index = firstIndex(this.#sorted, (other) => this.#compare(other, change) > 0)
    this.#sorted.splice(index, 0, change)
  }
}

/** Returns the index of the first element for which `holds` is true. It must be false before and true after it. */
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

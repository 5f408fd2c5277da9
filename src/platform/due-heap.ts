/** Something that falls due. */
export interface Due {
  due: number
  /** Order among entries that are due at the same time: the lowest comes first. */
  readonly sequence: number
}

/**
 * A binary heap by due time. Entries that are due at the same time come in order of `sequence`; with `asInJava`, they
 * come in the order of Java's `PriorityQueue`, which Kafka Streams' punctuation queue uses.
 */
export class DueHeap<T extends Due> {
  readonly #asInJava: boolean
  readonly #heap: T[] = []

  constructor(asInJava: boolean) {
    this.#asInJava = asInJava
  }

  get first(): T | undefined {
    return this.#heap[0]
  }

  add(entry: T): void {
    this.#heap.push(entry)
    this.#rise(this.#heap.length - 1)
  }

  /** Applies `change` to all entries, which may change their due times, and puts them in order again. */
  reorder(change: (entry: T) => void): void {
    for (const entry of this.#heap) change(entry)
    for (let at = (this.#heap.length >>> 1) - 1; at >= 0; at--) this.#sink(at)
  }

  /** Takes the first entry out. */
  take(): T | undefined {
    return this.#takeAt(0)
  }

  /** Removes an entry. Does nothing with `asInJava`, where entries stay until they are due. */
  remove(entry: T): void {
    if (this.#asInJava) return
    const at = this.#heap.indexOf(entry)
    if (at >= 0) this.#takeAt(at)
  }

  #takeAt(at: number): T | undefined {
    const heap = this.#heap
    const taken = heap[at]
    const last = heap.pop()
    if (last === undefined || last === taken) return taken
    heap[at] = last
    this.#sink(at)
    if (heap[at] === last) this.#rise(at)
    return taken
  }

  #rise(from: number): void {
    const heap = this.#heap
    const entry = heap[from]!
    let at = from
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!this.#isBefore(entry, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = entry
  }

  #sink(from: number): void {
    const heap = this.#heap
    const entry = heap[from]!
    let at = from
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && this.#isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!this.#isBefore(heap[child]!, entry)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = entry
  }

  #isBefore(a: T, b: T): boolean {
    return a.due < b.due || (!this.#asInJava && a.due === b.due && a.sequence < b.sequence)
  }
}

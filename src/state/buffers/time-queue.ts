/** Buckets by time, with the earliest at hand. */
export class TimeQueue<B> {
  readonly #buckets = new Map<number, B>()
  /** A binary heap of times. Some may have lost their bucket. */
  #heap: number[] = []

  /** The smallest time that has a bucket; Infinity if none has. */
  get minTime(): number {
    for (;;) {
      const time = this.#heap[0]
      if (time === undefined) return Infinity
      if (this.#buckets.has(time)) return time
      this.#pop()
    }
  }

  get(time: number): B | undefined {
    return this.#buckets.get(time)
  }

  set(time: number, bucket: B): void {
    if (!this.#buckets.has(time)) this.#push(time)
    this.#buckets.set(time, bucket)
  }

  delete(time: number): void {
    this.#buckets.delete(time)
  }

  clear(): void {
    this.#buckets.clear()
    this.#heap = []
  }

  /** Yields the times that have a bucket, smallest first, each once. All of them stay. */
  *times(): Generator<number, void> {
    const passed: number[] = []
    try {
      for (let time = this.minTime; time !== Infinity; time = this.minTime) {
        this.#pop()
        // A time whose bucket was deleted and set again is in the heap twice.
        if (time === passed.at(-1)) continue
        passed.push(time)
        yield time
      }
    } finally {
      for (const time of passed) this.#push(time)
    }
  }

  #push(time: number): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(time)
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (heap[parent]! <= time) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = time
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++
      if (heap[child]! >= last) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}

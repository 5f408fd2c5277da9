import { TimeQueue } from './time-queue.ts'

interface TimeBucket<E> {
  readonly entries: E[]
  /** Entries before this index have been taken. */
  head: number
  sorted: boolean
}

/** Entries by time, then `compare`, taken from the front. */
export class OrderedBuffer<E> {
  readonly #queue = new TimeQueue<TimeBucket<E>>()
  readonly #compare: (a: E, b: E) => number
  #size = 0

  constructor(compare: (a: E, b: E) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#size
  }

  /** Infinity if empty. */
  get minTime(): number {
    return this.#queue.minTime
  }

  add(time: number, entry: E): void {
    this.#size++
    const bucket = this.#queue.get(time)
    if (bucket === undefined) {
      this.#queue.set(time, { entries: [entry], head: 0, sorted: true })
      return
    }
    bucket.entries.push(entry)
    bucket.sorted = false
  }

  /** Returns the first entry, which stays; undefined if there is none. */
  first(): E | undefined {
    const bucket = this.#firstBucket()
    return bucket?.entries[bucket.head]
  }

  shift(): void {
    const bucket = this.#firstBucket()
    if (bucket === undefined) return
    bucket.head++
    this.#size--
    if (bucket.head >= bucket.entries.length) this.#queue.delete(this.#queue.minTime)
  }

  clear(): void {
    this.#queue.clear()
    this.#size = 0
  }

  #firstBucket(): TimeBucket<E> | undefined {
    const bucket = this.#queue.get(this.#queue.minTime)
    if (bucket === undefined || bucket.sorted) return bucket
    bucket.entries.splice(0, bucket.head)
    bucket.entries.sort(this.#compare)
    bucket.head = 0
    bucket.sorted = true
    return bucket
  }
}

import type { ValueCodec } from '../codecs.ts'
import type { SessionCursor, WindowCursor } from '../states.ts'
import type { TimedEntry } from './timed-entry.ts'
import type { TimedOrder } from './timed-order.ts'

/**
 * Entries of one key, as they were when the cursor was opened. Cursors are used again: one is opened for nearly every
 * record of a join.
 */
export class BucketCursor<K, V> implements WindowCursor<K, V>, SessionCursor<K, V> {
  readonly #session: boolean
  readonly #values: ValueCodec<V>
  readonly #release: (cursor: BucketCursor<K, V>) => void
  readonly #entries: TimedEntry<K, V>[] = []
  readonly #live: (V | null)[] = []
  readonly #frozen: (Buffer | null)[] = []
  readonly #timestamps: number[] = []
  #at = 0
  #step = 1
  #open = false

  constructor(session: boolean, values: ValueCodec<V>, release: (cursor: BucketCursor<K, V>) => void) {
    this.#session = session
    this.#values = values
    this.#release = release
  }

  add(entry: TimedEntry<K, V>): void {
    this.#entries.push(entry)
    this.#live.push(entry.current)
    this.#frozen.push(entry.bytes)
    this.#timestamps.push(entry.timestamp)
  }

  /** For entries that were added in another order. */
  sort(order: TimedOrder): void {
    const { length } = this.#entries
    if (length < 2) return
    const entries = this.#entries.toSorted(order)
    this.#entries.length = this.#live.length = this.#frozen.length = this.#timestamps.length = 0
    for (const entry of entries) this.add(entry)
  }

  open(reverse: boolean): this {
    this.#open = true
    this.#step = reverse ? -1 : 1
    this.#at = reverse ? this.#entries.length : -1
    return this
  }

  next(): boolean {
    this.#at += this.#step
    return this.#at >= 0 && this.#at < this.#entries.length
  }

  get key(): K {
    return this.#entry.key
  }

  get start(): number {
    return this.#session ? this.#entry.sub : this.#entry.time
  }

  get end(): number {
    return this.#entry.time
  }

  get timestamp(): number {
    return this.#timestamps[this.#at] ?? -1
  }

  get value(): V {
    const live = this.#live[this.#at] ?? null
    if (live !== null) return live
    const entry = this.#entry
    const frozen = this.#frozen[this.#at] ?? null
    if (frozen === null) throw new TypeError('a deleted entry is never shown')
    const value = entry.bytes === frozen && entry.current !== null ? entry.current : this.#values.decode(frozen)
    // Decoded once for all who look, unless the entry has changed since the cursor was opened.
    if (entry.bytes === frozen) entry.current = value
    this.#live[this.#at] = value
    return value
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#entries.length = 0
    this.#live.length = 0
    this.#frozen.length = 0
    this.#timestamps.length = 0
    this.#release(this)
  }

  get #entry(): TimedEntry<K, V> {
    const entry = this.#entries[this.#at]
    if (entry === undefined) throw new TypeError('the cursor stands at no entry')
    return entry
  }
}

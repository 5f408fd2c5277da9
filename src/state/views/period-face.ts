import type { PeriodState, SessionCursor } from '../states.ts'
import type { OpenIterators } from './store-iterator.ts'
import type { ValueAndTimestamp } from './stores.ts'
import { requireKey } from './user-key.ts'
import { requireTime } from './user-time.ts'
import { WindowsFace } from './windows-face.ts'

/** What reading a state of windows with bounds of their own takes. */
export type ReadablePeriods<K, V> = Pick<PeriodState<K, V>, 'name' | 'findOverlapping' | 'findByEnd' | 'copy'>

/** A store of windows with bounds of their own, for reading: only the operator that makes them knows their ends. */
export class ReadOnlyPeriodFace<K, V> extends WindowsFace<K, V, ReadablePeriods<K, V>, SessionCursor<K, V>> {
  readonly #maxSize: number

  constructor(state: ReadablePeriods<K, V>, maxSize: number, iterators: OpenIterators) {
    super(state, iterators)
    this.#maxSize = maxSize
  }

  override get(key: K, start: number): ValueAndTimestamp<V> | undefined {
    requireKey(key, this.name)
    const time = requireTime(start, 'the start of a window', this.name)
    const cursor = this.find(key, time, time, false)
    try {
      return cursor.next() ? { value: this.state.copy(cursor.value), timestamp: cursor.timestamp } : undefined
    } finally {
      cursor.close()
      this.iterators.wasRead()
    }
  }

  protected override find(key: K, from: number, to: number, reverse: boolean): SessionCursor<K, V> {
    return new StartsWithin(this.state.findOverlapping(key, from + 1, to, reverse), from, to)
  }

  protected override findAll(from: number, to: number, reverse: boolean): SessionCursor<K, V> {
    return new StartsWithin(this.state.findByEnd(from + 1, to + this.#maxSize, reverse), from, to)
  }

  protected override endOf({ end }: SessionCursor<K, V>): number {
    return end
  }
}

/** The windows of a cursor that start in [from, to]. */
class StartsWithin<K, V> implements SessionCursor<K, V> {
  readonly #cursor: SessionCursor<K, V>
  readonly #from: number
  readonly #to: number

  constructor(cursor: SessionCursor<K, V>, from: number, to: number) {
    this.#cursor = cursor
    this.#from = from
    this.#to = to
  }

  next(): boolean {
    while (this.#cursor.next()) {
      if (this.#cursor.start >= this.#from && this.#cursor.start <= this.#to) return true
    }
    return false
  }

  get key(): K {
    return this.#cursor.key
  }

  get start(): number {
    return this.#cursor.start
  }

  get end(): number {
    return this.#cursor.end
  }

  get value(): V {
    return this.#cursor.value
  }

  get timestamp(): number {
    return this.#cursor.timestamp
  }

  close(): void {
    this.#cursor.close()
  }
}

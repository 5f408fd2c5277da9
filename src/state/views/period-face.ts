import type { PeriodState, SessionCursor } from '../states.ts'
import type { OpenIterators } from './store-iterator.ts'
import type { ReadOnlyWindowStore, StoreIterator, ValueAndTimestamp, WindowStoreEntry } from './stores.ts'
import { requireKey } from './user-key.ts'
import { lowerBound, requireTime, upperBound } from './user-time.ts'

/** A store of windows with bounds of their own, for reading: only the operator that makes them knows their ends. */
export class ReadOnlyPeriodFace<K, V> implements ReadOnlyWindowStore<K, V> {
  readonly name: string
  readonly #state: PeriodState<K, V>
  readonly #maxSize: number
  readonly #iterators: OpenIterators

  constructor(state: PeriodState<K, V>, maxSize: number, iterators: OpenIterators) {
    this.name = state.name
    this.#state = state
    this.#maxSize = maxSize
    this.#iterators = iterators
  }

  get(key: K, start: number): ValueAndTimestamp<V> | undefined {
    requireKey(key, this.name)
    const time = requireTime(start, 'the start of a window', this.name)
    const cursor = this.#cursor(key, time, time, false)
    try {
      return cursor.next() ? { value: this.#state.copy(cursor.value), timestamp: cursor.timestamp } : undefined
    } finally {
      cursor.close()
      this.#iterators.wasRead()
    }
  }

  fetch(key: K, from: number, to: number): StoreIterator<WindowStoreEntry<K, V>> {
    return this.#fetchKey(key, from, to, false)
  }

  reverseFetch(key: K, from: number, to: number): StoreIterator<WindowStoreEntry<K, V>> {
    return this.#fetchKey(key, from, to, true)
  }

  fetchAll(from: number, to: number): StoreIterator<WindowStoreEntry<K, V>> {
    return this.#fetchAll(from, to, false)
  }

  reverseFetchAll(from: number, to: number): StoreIterator<WindowStoreEntry<K, V>> {
    return this.#fetchAll(from, to, true)
  }

  all(): StoreIterator<WindowStoreEntry<K, V>> {
    return this.fetchAll(-Infinity, Infinity)
  }

  #fetchKey(key: K, from: number, to: number, reverse: boolean): StoreIterator<WindowStoreEntry<K, V>> {
    requireKey(key, this.name)
    const [first, last] = [lowerBound(from, this.name), upperBound(to, this.name)]
    return this.#iterator(this.#cursor(key, first, last, reverse), key)
  }

  #fetchAll(from: number, to: number, reverse: boolean): StoreIterator<WindowStoreEntry<K, V>> {
    const [first, last] = [lowerBound(from, this.name), upperBound(to, this.name)]
    const cursor = this.#state.findByEnd(first + 1, last + this.#maxSize, reverse)
    return this.#iterator(new StartsWithin(cursor, first, last), undefined)
  }

  #cursor(key: K, from: number, to: number, reverse: boolean): StartsWithin<K, V> {
    return new StartsWithin(this.#state.findOverlapping(key, from + 1, to, reverse), from, to)
  }

  #iterator(cursor: SessionCursor<K, V>, key: K | undefined): StoreIterator<WindowStoreEntry<K, V>> {
    return this.#iterators.add(cursor, this.name, (at: SessionCursor<K, V>) => ({
      key: key ?? at.key,
      start: at.start,
      end: at.end,
      value: this.#state.copy(at.value),
      timestamp: at.timestamp,
    }))
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

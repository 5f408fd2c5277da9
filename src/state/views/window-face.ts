import type { RecordContext } from '../../record/record-context.ts'
import type { WindowCursor, WindowState } from '../states.ts'
import type { OpenIterators } from './store-iterator.ts'
import type { ReadOnlyWindowStore, StoreIterator, ValueAndTimestamp, WindowStore, WindowStoreEntry } from './stores.ts'
import { requireKey } from './user-key.ts'
import { lowerBound, requireTime, upperBound } from './user-time.ts'
import type { WriteCheck } from './write-check.ts'

export class ReadOnlyWindowFace<K, V> implements ReadOnlyWindowStore<K, V> {
  readonly name: string
  protected readonly state: WindowState<K, V>
  readonly #windowSize: number
  readonly #iterators: OpenIterators

  constructor(state: WindowState<K, V>, windowSize: number, iterators: OpenIterators) {
    this.name = state.name
    this.state = state
    this.#windowSize = windowSize
    this.#iterators = iterators
  }

  get(key: K, start: number): ValueAndTimestamp<V> | undefined {
    requireKey(key, this.name)
    const entry = this.state.get(key, requireTime(start, 'the start of a window', this.name))
    const shown = entry === undefined ? undefined : { value: this.state.copy(entry.value), timestamp: entry.timestamp }
    this.#iterators.wasRead()
    return shown
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
    return this.fetchAll(0, Infinity)
  }

  #fetchKey(key: K, from: number, to: number, reverse: boolean): StoreIterator<WindowStoreEntry<K, V>> {
    requireKey(key, this.name)
    const [first, last] = [lowerBound(from, this.name), upperBound(to, this.name)]
    return this.#iterator(this.state.fetch(key, first, last, reverse), key)
  }

  #fetchAll(from: number, to: number, reverse: boolean): StoreIterator<WindowStoreEntry<K, V>> {
    const [first, last] = [lowerBound(from, this.name), upperBound(to, this.name)]
    return this.#iterator(this.state.fetchAll(first, last, reverse), undefined)
  }

  #iterator(cursor: WindowCursor<K, V>, key: K | undefined): StoreIterator<WindowStoreEntry<K, V>> {
    return this.#iterators.add(cursor, this.name, (at: WindowCursor<K, V>) => ({
      key: key ?? at.key,
      start: at.start,
      end: at.start + this.#windowSize,
      value: this.state.copy(at.value),
      timestamp: at.timestamp,
    }))
  }
}

export class WindowFace<K, V> extends ReadOnlyWindowFace<K, V> implements WindowStore<K, V> {
  readonly #record: RecordContext
  readonly #checkWrite: WriteCheck

  constructor(
    state: WindowState<K, V>,
    windowSize: number,
    iterators: OpenIterators,
    record: RecordContext,
    checkWrite: WriteCheck,
  ) {
    super(state, windowSize, iterators)
    this.#record = record
    this.#checkWrite = checkWrite
  }

  put(key: K, value: V | null, start: number, timestamp: number = this.#record.timestamp): void {
    this.#checkWrite('put()', key, value)
    requireKey(key, this.name)
    const time = requireTime(timestamp, 'the timestamp of put()', this.name)
    this.state.put(key, requireTime(start, 'the start of a window', this.name), value ?? null, time)
  }
}

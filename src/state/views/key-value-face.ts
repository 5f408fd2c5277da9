import type { Entry, EntryCursor, KeyValueState } from '../states.ts'
import { StoreFace } from './store-face.ts'
import type { OpenIterators } from './store-iterator.ts'
import type {
  KeyValueStore,
  KeyValueStoreEntry,
  ReadOnlyKeyValueStore,
  StoreIterator,
  TimestampedKeyValueStore,
  ValueAndTimestamp,
} from './stores.ts'
import { requireKey } from './user-key.ts'
import { requireTime } from './user-time.ts'
import type { WriteCheck } from './write-check.ts'

/** What reading a key-value state takes. */
export type ReadableKeyValues<K, V> = Pick<KeyValueState<K, V>, 'name' | 'get' | 'range' | 'prefix' | 'copy'>

/** A key-value state as users may read it. `T` is what they see of a value. */
abstract class KeyValueFace<K, V, T, State extends ReadableKeyValues<K, V>>
  extends StoreFace<State>
  implements ReadOnlyKeyValueStore<K, T>
{
  protected abstract shown(entry: Entry<V>): T

  get(key: K): T | undefined {
    requireKey(key, this.name)
    const entry = this.state.get(key)
    const shown = entry === undefined ? undefined : this.shown(entry)
    this.iterators.wasRead()
    return shown
  }

  range(from?: K, to?: K): StoreIterator<KeyValueStoreEntry<K, T>> {
    return this.#range(from, to, false)
  }

  reverseRange(from?: K, to?: K): StoreIterator<KeyValueStoreEntry<K, T>> {
    return this.#range(from, to, true)
  }

  all(): StoreIterator<KeyValueStoreEntry<K, T>> {
    return this.range()
  }

  reverseAll(): StoreIterator<KeyValueStoreEntry<K, T>> {
    return this.reverseRange()
  }

  prefixScan(prefix: string | Uint8Array): StoreIterator<KeyValueStoreEntry<K, T>> {
    return this.#iterator(this.state.prefix(Buffer.from(prefix)))
  }

  approximateNumEntries(): number {
    const cursor = this.state.range(undefined, undefined, false)
    try {
      let count = 0
      while (cursor.next()) count++
      return count
    } finally {
      cursor.close()
    }
  }

  #range(from: K | undefined, to: K | undefined, reverse: boolean): StoreIterator<KeyValueStoreEntry<K, T>> {
    if (from !== undefined) requireKey(from, this.name)
    if (to !== undefined) requireKey(to, this.name)
    return this.#iterator(this.state.range(from, to, reverse))
  }

  #iterator(cursor: EntryCursor<K, V>): StoreIterator<KeyValueStoreEntry<K, T>> {
    return this.iterators.add(cursor, this.name, (at: EntryCursor<K, V>) => ({ key: at.key, value: this.shown(at) }))
  }
}

export class ReadOnlyPlainFace<
  K,
  V,
  State extends ReadableKeyValues<K, V> = ReadableKeyValues<K, V>,
> extends KeyValueFace<K, V, V, State> {
  protected shown(entry: Entry<V>): V {
    return this.state.copy(entry.value)
  }
}

export class PlainFace<K, V> extends ReadOnlyPlainFace<K, V, KeyValueState<K, V>> implements KeyValueStore<K, V> {
  readonly #checkWrite: WriteCheck

  constructor(state: KeyValueState<K, V>, iterators: OpenIterators, checkWrite: WriteCheck) {
    super(state, iterators)
    this.#checkWrite = checkWrite
  }

  put(key: K, value: V | null): void {
    this.#checkWrite('put()', key, value)
    requireKey(key, this.name)
    this.state.put(key, value ?? null, -1)
  }

  putIfAbsent(key: K, value: V): V | undefined {
    this.#checkWrite('putIfAbsent()', key, value)
    const existing = this.get(key)
    if (existing === undefined) this.put(key, value)
    return existing
  }

  putAll(entries: Iterable<KeyValueStoreEntry<K, V | null>>): void {
    this.#checkWrite('putAll()', null, null)
    for (const { key, value } of entries) this.put(key, value)
  }

  delete(key: K): V | undefined {
    this.#checkWrite('delete()', key, null)
    const existing = this.get(key)
    this.put(key, null)
    return existing
  }
}

export class ReadOnlyTimestampedFace<
  K,
  V,
  State extends ReadableKeyValues<K, V> = ReadableKeyValues<K, V>,
> extends KeyValueFace<K, V, ValueAndTimestamp<V>, State> {
  protected shown(entry: Entry<V>): ValueAndTimestamp<V> {
    return { value: this.state.copy(entry.value), timestamp: entry.timestamp }
  }
}

export class TimestampedFace<K, V>
  extends ReadOnlyTimestampedFace<K, V, KeyValueState<K, V>>
  implements TimestampedKeyValueStore<K, V>
{
  readonly #checkWrite: WriteCheck

  constructor(state: KeyValueState<K, V>, iterators: OpenIterators, checkWrite: WriteCheck) {
    super(state, iterators)
    this.#checkWrite = checkWrite
  }

  put(key: K, value: V | null, timestamp: number): void {
    this.#checkWrite('put()', key, value)
    requireKey(key, this.name)
    this.state.put(key, value ?? null, requireTime(timestamp, 'the timestamp of put()', this.name))
  }

  putIfAbsent(key: K, value: V, timestamp: number): ValueAndTimestamp<V> | undefined {
    this.#checkWrite('putIfAbsent()', key, value)
    const existing = this.get(key)
    if (existing === undefined) this.put(key, value, timestamp)
    return existing
  }

  delete(key: K): ValueAndTimestamp<V> | undefined {
    this.#checkWrite('delete()', key, null)
    const existing = this.get(key)
    if (existing !== undefined) this.put(key, null, existing.timestamp)
    return existing
  }
}

import type { TimedState, WindowCursor } from '../states.ts'
import { StoreFace } from './store-face.ts'
import type { ReadOnlyWindowStore, StoreIterator, ValueAndTimestamp, WindowStoreEntry } from './stores.ts'
import { requireKey } from './user-key.ts'
import { lowerBound, upperBound } from './user-time.ts'

/** A store of windows, for reading: how rows are found is left to the kinds of windows. */
export abstract class WindowsFace<
  K,
  V,
  State extends Pick<TimedState<V>, 'name' | 'copy'>,
  Cursor extends WindowCursor<K, V>,
>
  extends StoreFace<State>
  implements ReadOnlyWindowStore<K, V>
{
  abstract get(key: K, start: number): ValueAndTimestamp<V> | undefined

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

  /** One key's windows that start in [from, to]. */
  protected abstract find(key: K, from: number, to: number, reverse: boolean): Cursor
  /** All keys' windows that start in [from, to]. */
  protected abstract findAll(from: number, to: number, reverse: boolean): Cursor
  protected abstract endOf(window: Cursor): number

  #fetchKey(key: K, from: number, to: number, reverse: boolean): StoreIterator<WindowStoreEntry<K, V>> {
    requireKey(key, this.name)
    return this.#iterator(this.find(key, lowerBound(from, this.name), upperBound(to, this.name), reverse), key)
  }

  #fetchAll(from: number, to: number, reverse: boolean): StoreIterator<WindowStoreEntry<K, V>> {
    return this.#iterator(this.findAll(lowerBound(from, this.name), upperBound(to, this.name), reverse), undefined)
  }

  #iterator(cursor: Cursor, key: K | undefined): StoreIterator<WindowStoreEntry<K, V>> {
    return this.iterators.add(cursor, this.name, (at: Cursor) => ({
      key: key ?? at.key,
      start: at.start,
      end: this.endOf(at),
      value: this.state.copy(at.value),
      timestamp: at.timestamp,
    }))
  }
}

import type { SessionCursor, SessionState } from '../states.ts'
import { StoreFace } from './store-face.ts'
import type { OpenIterators } from './store-iterator.ts'
import type { ReadOnlySessionStore, SessionStore, SessionStoreEntry, StoreIterator } from './stores.ts'
import { requireKey } from './user-key.ts'
import { lowerBound, requireTime, upperBound } from './user-time.ts'
import type { WriteCheck } from './write-check.ts'

/** What reading a session state takes. */
export type ReadableSessions<K, V> = Pick<SessionState<K, V>, 'name' | 'get' | 'findSessions' | 'findByEnd' | 'copy'>

export class ReadOnlySessionFace<K, V, State extends ReadableSessions<K, V> = ReadableSessions<K, V>>
  extends StoreFace<State>
  implements ReadOnlySessionStore<K, V>
{
  get(key: K, start: number, end: number): V | undefined {
    requireKey(key, this.name)
    const value = this.state.get(key, ...boundsOf(start, end, this.name))
    const shown = value === undefined ? undefined : this.state.copy(value)
    this.iterators.wasRead()
    return shown
  }

  fetch(key: K): StoreIterator<SessionStoreEntry<K, V>> {
    return this.findSessions(key, 0, Infinity)
  }

  findSessions(key: K, earliestEnd: number, latestStart: number): StoreIterator<SessionStoreEntry<K, V>> {
    requireKey(key, this.name)
    return this.#find(key, earliestEnd, latestStart, false)
  }

  reverseFindSessions(key: K, earliestEnd: number, latestStart: number): StoreIterator<SessionStoreEntry<K, V>> {
    requireKey(key, this.name)
    return this.#find(key, earliestEnd, latestStart, true)
  }

  findByEnd(from: number, to: number): StoreIterator<SessionStoreEntry<K, V>> {
    const [first, last] = [lowerBound(from, this.name), upperBound(to, this.name)]
    return this.#iterator(this.state.findByEnd(first, last, false), undefined)
  }

  #find(key: K, earliestEnd: number, latestStart: number, reverse: boolean): StoreIterator<SessionStoreEntry<K, V>> {
    const [first, last] = [lowerBound(earliestEnd, this.name), upperBound(latestStart, this.name)]
    return this.#iterator(this.state.findSessions(key, first, last, reverse), key)
  }

  #iterator(cursor: SessionCursor<K, V>, key: K | undefined): StoreIterator<SessionStoreEntry<K, V>> {
    return this.iterators.add(cursor, this.name, (at: SessionCursor<K, V>) => ({
      key: key ?? at.key,
      start: at.start,
      end: at.end,
      value: this.state.copy(at.value),
    }))
  }
}

export class SessionFace<K, V> extends ReadOnlySessionFace<K, V, SessionState<K, V>> implements SessionStore<K, V> {
  readonly #checkWrite: WriteCheck

  constructor(state: SessionState<K, V>, iterators: OpenIterators, checkWrite: WriteCheck) {
    super(state, iterators)
    this.#checkWrite = checkWrite
  }

  put(key: K, value: V | null, start: number, end: number): void {
    this.#checkWrite('put()', key, value)
    requireKey(key, this.name)
    this.state.put(key, ...boundsOf(start, end, this.name), value ?? null)
  }

  remove(key: K, start: number, end: number): void {
    this.put(key, null, start, end)
  }
}

function boundsOf(start: number, end: number, store: string): [start: number, end: number] {
  return [requireTime(start, 'the start of a session', store), requireTime(end, 'the end of a session', store)]
}

import type { VersionedState } from '../states.ts'
import { StoreFace } from './store-face.ts'
import type { OpenIterators } from './store-iterator.ts'
import type { ReadOnlyVersionedKeyValueStore, VersionedKeyValueStore, VersionedRecord } from './stores.ts'
import { requireKey } from './user-key.ts'
import { requireTime, upperBound } from './user-time.ts'
import type { WriteCheck } from './write-check.ts'

/** What reading a versioned state takes. */
export type ReadableVersions<K, V> = Pick<VersionedState<K, V>, 'name' | 'get' | 'getAsOf'>

export class ReadOnlyVersionedFace<K, V, State extends ReadableVersions<K, V> = ReadableVersions<K, V>>
  extends StoreFace<State>
  implements ReadOnlyVersionedKeyValueStore<K, V>
{
  get(key: K, asOf?: number): VersionedRecord<V> | undefined {
    requireKey(key, this.name)
    // No copy: a versioned state decodes objects again at every call.
    const entry = asOf === undefined ? this.state.get(key) : this.state.getAsOf(key, upperBound(asOf, this.name))
    this.iterators.wasRead()
    if (entry === undefined) return undefined
    const { value, timestamp, validTo } = entry
    return { value, timestamp, validTo: validTo === Infinity ? undefined : validTo }
  }
}

export class VersionedFace<K, V>
  extends ReadOnlyVersionedFace<K, V, VersionedState<K, V>>
  implements VersionedKeyValueStore<K, V>
{
  readonly #checkWrite: WriteCheck

  constructor(state: VersionedState<K, V>, iterators: OpenIterators, checkWrite: WriteCheck) {
    super(state, iterators)
    this.#checkWrite = checkWrite
  }

  put(key: K, value: V | null, timestamp: number): 'latest' | 'historical' | 'rejected' {
    this.#checkWrite('put()', key, value)
    requireKey(key, this.name)
    return this.state.put(key, value ?? null, requireTime(timestamp, 'the timestamp of put()', this.name))
  }

  delete(key: K, timestamp: number): VersionedRecord<V> | undefined {
    const time = requireTime(timestamp, 'the timestamp of delete()', this.name)
    const existing = this.get(key, time)
    return this.put(key, null, time) === 'rejected' ? undefined : existing
  }
}

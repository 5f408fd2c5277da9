import type { KeyCodec, MapKey } from '../codecs.ts'
import { EvictionHand } from '../entries/eviction-hand.ts'
import type { ByteBudget } from '../environment.ts'
import { Bucket } from './timed-entry.ts'

const BUCKET_OVERHEAD = 240

/** The buckets of a store by their keys. Those that nobody uses can go, as long as the engine has what is in them. */
export class Buckets<K, V> {
  readonly #keys: KeyCodec<K>
  readonly #resident: ByteBudget
  readonly #byKey = new Map<MapKey<K>, Bucket<K, V>>()
  readonly #hand = new EvictionHand(this.#byKey, (bucket) => this.#goes(bucket))
  /** The bucket used last: a put mostly follows a look-up of the same key. */
  #last: Bucket<K, V> | null = null

  /** @param resident bytes of all entries, their buckets included */
  constructor(keys: KeyCodec<K>, resident: ByteBudget) {
    this.#keys = keys
    this.#resident = resident
  }

  get size(): number {
    return this.#byKey.size
  }

  all(): Iterable<Bucket<K, V>> {
    return this.#byKey.values()
  }

  find(key: K): Bucket<K, V> | undefined {
    if (!this.#keys.primitive) return this.#byKey.get(this.#keys.mapKey(key))
    if (this.#last !== null && this.#last.key === key) return this.#last
    const bucket = this.#byKey.get(key)
    if (bucket !== undefined) this.#last = bucket
    return bucket
  }

  /** Returns the bucket of a serialized key. */
  ofBytes(key: Buffer): Bucket<K, V> | undefined {
    return this.#byKey.get(this.#keys.mapKeyOf(key))
  }

  /** Adds the bucket of a key that has none. */
  add(key: K): Bucket<K, V> {
    const bucket = new Bucket<K, V>(key, this.#keys.mapKey(key), this.#keys)
    this.#resident.bytes += BUCKET_OVERHEAD
    this.#byKey.set(bucket.mapKey, bucket)
    this.#last = bucket
    return bucket
  }

  /** Forgets buckets of about this many bytes, least recently used first. */
  evict(bytes: number): void {
    this.#hand.evict(this.#resident, bytes)
  }

  clear(): void {
    for (const bucket of this.#byKey.values()) this.#release(bucket)
    this.#byKey.clear()
  }

  #goes(bucket: Bucket<K, V>): boolean {
    if (bucket.referenced) {
      bucket.referenced = false
      return false
    }
    if (bucket.entries.some((entry) => entry.dirty || entry.held !== null)) return false
    this.#release(bucket)
    return true
  }

  #release(bucket: Bucket<K, V>): void {
    if (this.#last === bucket) this.#last = null
    for (const { size } of bucket.entries) this.#resident.bytes -= size
    this.#resident.bytes -= BUCKET_OVERHEAD
  }
}

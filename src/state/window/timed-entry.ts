import type { KeyCodec, MapKey } from '../codecs.ts'
import { firstIndex } from '../entries/sorted-changes.ts'
import { StateEntry } from '../entries/state-entry.ts'
import type { TimedPlace } from './timed-order.ts'

/** A key's entry at a time: a window (time: start, sub: sequence number) or a session (time: end, sub: start). */
export class TimedEntry<K, V> extends StateEntry<K, V> implements TimedPlace {
  readonly bucket: Bucket<K, V>
  readonly time: number
  readonly sub: number
  /** True if the engine has a row for it. */
  stored = false

  constructor(bucket: Bucket<K, V>, time: number, sub: number, known: boolean) {
    super(bucket.key, bucket.mapKey, known)
    this.bucket = bucket
    this.time = time
    this.sub = sub
    if (!known) this.seen = true
  }

  get keyBytes(): Buffer {
    return this.bucket.keyBytes
  }
}

/** The entries of one key, by (time, sub). Within the loaded interval they are all that the store has. */
export class Bucket<K, V> {
  readonly key: K
  readonly mapKey: MapKey<K>
  readonly entries: TimedEntry<K, V>[] = []
  loadedFrom = Infinity
  loadedTo = -Infinity
  referenced = true
  readonly #keys: KeyCodec<K>
  #keyBytes: Buffer | null = null

  constructor(key: K, mapKey: MapKey<K>, keys: KeyCodec<K>) {
    this.key = key
    this.mapKey = mapKey
    this.#keys = keys
  }

  /** Made when keys are to be compared. */
  get keyBytes(): Buffer {
    return (this.#keyBytes ??= this.#keys.encode(this.key))
  }

  covers(time: number): boolean {
    return time >= this.loadedFrom && time <= this.loadedTo
  }

  find(time: number, sub: number): TimedEntry<K, V> | undefined {
    const { entries } = this
    // The entry looked for is mostly the newest.
    const last = entries[entries.length - 1]
    if (last === undefined) return undefined
    if (last.time === time && last.sub === sub) return last
    if (last.time < time) return undefined
    const entry = entries[this.#indexOf(time, sub)]
    return entry !== undefined && entry.time === time && entry.sub === sub ? entry : undefined
  }

  insert(entry: TimedEntry<K, V>): void {
    const { entries } = this
    const last = entries[entries.length - 1]
    if (last === undefined || last.time < entry.time || (last.time === entry.time && last.sub < entry.sub)) {
      entries.push(entry)
    } else entries.splice(this.#indexOf(entry.time, entry.sub), 0, entry)
  }

  remove(entry: TimedEntry<K, V>): void {
    const index = this.#indexOf(entry.time, entry.sub)
    if (this.entries[index] === entry) this.entries.splice(index, 1)
  }

  /** Index of the first entry with a time of at least this. */
  firstAt(time: number): number {
    const { entries } = this
    const last = entries[entries.length - 1]
    if (last === undefined || last.time < time) return entries.length
    return firstIndex(entries, (entry) => entry.time >= time)
  }

  #indexOf(time: number, sub: number): number {
    return firstIndex(this.entries, (entry) => entry.time > time || (entry.time === time && entry.sub >= sub))
  }
}

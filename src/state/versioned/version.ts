import type { MapKey } from '../codecs.ts'
import { firstIndex } from '../entries/sorted-changes.ts'
import { NOT_STAGED } from '../entries/state-entry.ts'

/** One version of a key's value; a tombstone has neither `current` nor `bytes`. Objects are kept as bytes only. */
export class Version<V> {
  readonly from: number
  current: V | null = null
  bytes: Buffer | null = null
  /** The segment in which the engine has its row as a past version; -1 if it has none. */
  storedSegment = -1
  /** True if the engine has it, perhaps with another value. */
  stored = false
  /** The number of its row among those that are logged and wait for the engine. */
  row = NOT_STAGED
  /** True if a commit has to log it. */
  unlogged = false
  /** True if nobody needs to know of another change before the next log: the store, or those who watch it. */
  noted = false
  /** True if a commit has to write its row: its value is new, or the end of its validity. */
  unwritten = false
  /** The bytes that it counts for in its history. */
  size = 0

  constructor(from: number) {
    this.from = from
  }

  get tombstone(): boolean {
    return this.current === null && this.bytes === null
  }
}

/** One key's versions in memory: the latest, and past ones: all if `complete`, else those put since it was read. */
export class History<K, V> {
  readonly key: K
  readonly mapKey: MapKey<K>
  latest: Version<V> | undefined
  /** Oldest first. */
  readonly past: Version<V>[] = []
  complete = false
  referenced = true
  /** The number of versions that a commit has to write. */
  changes = 0
  rowKey: Buffer | null = null
  size = 0

  constructor(key: K, mapKey: MapKey<K>) {
    this.key = key
    this.mapKey = mapKey
  }

  /** Returns the time until which a version is valid, exclusive; Infinity for the latest. */
  validTo(version: Version<V>): number {
    if (version === this.latest) return Infinity
    const next = this.past[this.#indexOf(version.from) + 1] ?? this.latest
    return next?.from ?? Infinity
  }

  /** Returns the past version valid at this time. */
  pastAt(time: number): Version<V> | undefined {
    return this.past[firstIndex(this.past, (version) => version.from > time) - 1]
  }

  pastFrom(from: number): Version<V> | undefined {
    const version = this.past[this.#indexOf(from)]
    return version?.from === from ? version : undefined
  }

  /** Inserts a past version, and returns the one before it. */
  insertPast(version: Version<V>): Version<V> | undefined {
    const index = this.#indexOf(version.from)
    this.past.splice(index, 0, version)
    return this.past[index - 1]
  }

  #indexOf(from: number): number {
    return firstIndex(this.past, (version) => version.from >= from)
  }
}

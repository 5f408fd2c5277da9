import type { MapKey } from '../codecs.ts'
import type { Entry } from '../states.ts'
import { NO_HEADERS } from '../../record/headers.ts'

/** An update that is not emitted yet: the record that wrote it last, and the entry as it was last emitted. */
export class HeldUpdate<V, E extends StateEntry<unknown, V>> {
  /** Null: the object is not in use. */
  entry: E | null = null
  /** Neighbours in the order of the latest held update. */
  older: HeldUpdate<V, E> | null = null
  newer: HeldUpdate<V, E> | null = null
  topic: string | null = null
  partition = -1
  offset = -1
  timestamp = -1
  headers = NO_HEADERS
  /** False if only the engine knows what was emitted last. */
  known = false
  existed = false
  oldValue: V | null = null
  oldBytes: Buffer | null = null
  /** True if an earlier change of the entry was emitted and is not logged yet. */
  unlogged = false
  size = 0

  begin(entry: E, size: number): void {
    const { current } = entry
    this.entry = entry
    this.known = entry.known
    this.existed = entry.present
    // A live object may have been changed by the aggregator already; its bytes have not.
    this.oldValue = typeof current === 'object' ? null : current
    this.oldBytes = entry.bytes
    this.unlogged = entry.unlogged
    this.size = size
  }

  /** Drops all references. */
  end(): void {
    this.entry = null
    this.headers = NO_HEADERS
    this.oldValue = null
    this.oldBytes = null
  }
}

const KNOWN = 1
const DIRTY = 2
const UNLOGGED = 4
const REFERENCED = 8
const AWAITED = 16
const NOTED = 32
const SEEN = 64
const TRACED = 128

export const NOT_STAGED = -1

/**
 * An entry over the engine. It is absent (neither `current` nor `bytes`), live (`current`), or frozen (`bytes` only). A
 * live entry may have `bytes` too: its value as it was last put or emitted.
 */
export class StateEntry<K, V> implements Entry<V> {
  readonly key: K
  readonly mapKey: MapKey<K>
  current: V | null = null
  bytes: Buffer | null = null
  timestamp = -1
  /** The timestamp of its changelog record, in stores whose rows have none. */
  logTime = -1
  /** Eight booleans in one field, because there may be millions of entries. */
  #marks = REFERENCED
  /** The number of its row among those that wait for the engine. */
  row = NOT_STAGED
  /** Its approximate memory, bytes. */
  size = 0
  held: HeldUpdate<V, this> | null = null

  constructor(key: K, mapKey: MapKey<K>, known: boolean) {
    this.key = key
    this.mapKey = mapKey
    this.known = known
  }

  /** False if the entry was put without a look at what the engine, or the last flush, had of it. */
  get known(): boolean {
    return (this.#marks & KNOWN) !== 0
  }

  set known(is: boolean) {
    this.#mark(KNOWN, is)
  }

  /** True if the entry is newer than its row in the engine. */
  get dirty(): boolean {
    return (this.#marks & DIRTY) !== 0
  }

  set dirty(is: boolean) {
    this.#mark(DIRTY, is)
  }

  /** True if the entry changed since changes were last logged. */
  get unlogged(): boolean {
    return (this.#marks & UNLOGGED) !== 0
  }

  set unlogged(is: boolean) {
    this.#mark(UNLOGGED | NOTED, is)
  }

  /** True if nobody needs to know of another change before the next log: the store, or those who watch it. */
  get noted(): boolean {
    return (this.#marks & NOTED) !== 0
  }

  set noted(is: boolean) {
    this.#mark(NOTED, is)
  }

  /** Set by use, cleared when eviction passes. */
  get referenced(): boolean {
    return (this.#marks & REFERENCED) !== 0
  }

  set referenced(is: boolean) {
    this.#mark(REFERENCED, is)
  }

  /** True if the entry was read because it will be asked for soon. */
  get awaited(): boolean {
    return (this.#marks & AWAITED) !== 0
  }

  set awaited(is: boolean) {
    this.#mark(AWAITED, is)
  }

  /** True if the engine may have had a row when the entry was made, or a reader has seen one that it lacked. */
  get seen(): boolean {
    return (this.#marks & SEEN) !== 0
  }

  set seen(is: boolean) {
    this.#mark(SEEN, is)
  }

  /** True if a traced record wrote it last. */
  get traced(): boolean {
    return (this.#marks & TRACED) !== 0
  }

  set traced(is: boolean) {
    this.#mark(TRACED, is)
  }

  #mark(mark: number, is: boolean): void {
    this.#marks = is ? this.#marks | mark : this.#marks & ~mark
  }

  get value(): V {
    if (this.current === null) throw new TypeError('the entry is frozen or absent')
    return this.current
  }

  get present(): boolean {
    return this.current !== null || this.bytes !== null
  }
}

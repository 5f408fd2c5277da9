import type { MapKey } from '../codecs.ts'
import type { Entry } from '../states.ts'
import { NO_HEADERS } from '../../record/headers.ts'

/** An update that has not been emitted: the record that wrote it last, and what the entry was when last emitted. */
export class HeldUpdate<V, E extends StateEntry<unknown, V>> {
  /** Null: this is no update at present. */
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
  /** True if an earlier change of the entry has been emitted and not been logged yet. */
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

  /** Lets go of what it speaks of. */
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

export const NOT_STAGED = -1

/**
 * An entry over the engine. It is absent (neither `current` nor `bytes`), live (`current`), or frozen (`bytes` only). A live
 * entry may have `bytes` too: its value as it was last put or emitted.
 */
export class StateEntry<K, V> implements Entry<V> {
  readonly key: K
  readonly mapKey: MapKey<K>
  current: V | null = null
  bytes: Buffer | null = null
  timestamp = -1
  /** Timestamp of its changelog record, in stores whose rows have none. */
  logTime = -1
  /** Five answers in one field: there may be millions of entries. */
  #marks = REFERENCED
  /** Number of its row among those that wait for the engine. */
  row = NOT_STAGED
  /** Memory it holds, about. */
  size = 0
  held: HeldUpdate<V, this> | null = null

  constructor(key: K, mapKey: MapKey<K>, known: boolean) {
    this.key = key
    this.mapKey = mapKey
    this.known = known
  }

  /** True if the entry is as the engine, or the last flush, had it or newer; false if it was put unseen. */
  get known(): boolean {
    return (this.#marks & KNOWN) !== 0
  }

  set known(is: boolean) {
    this.#mark(KNOWN, is)
  }

  /** True if it is newer than its row in the engine. */
  get dirty(): boolean {
    return (this.#marks & DIRTY) !== 0
  }

  set dirty(is: boolean) {
    this.#mark(DIRTY, is)
  }

  /** True if it changed since changes were last logged. */
  get unlogged(): boolean {
    return (this.#marks & UNLOGGED) !== 0
  }

  set unlogged(is: boolean) {
    this.#mark(UNLOGGED, is)
  }

  /** Set by use, cleared by the eviction that passes by. */
  get referenced(): boolean {
    return (this.#marks & REFERENCED) !== 0
  }

  set referenced(is: boolean) {
    this.#mark(REFERENCED, is)
  }

  /** It was read because it is about to be asked for. */
  get awaited(): boolean {
    return (this.#marks & AWAITED) !== 0
  }

  set awaited(is: boolean) {
    this.#mark(AWAITED, is)
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

import { Headers } from '../record/headers.ts'
import type { MapKey } from './codecs.ts'
import type { Entry } from './states.ts'

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
  /** Timestamp of its changelog record. */
  logTime = -1
  /** True if the entry is as the engine, or the last flush, had it or newer; false if it was put unseen. */
  known: boolean
  /** True if a commit has to write it. */
  dirty = false
  /** Set by use, cleared by the eviction that passes by. */
  referenced = true
  /** Memory it holds, about. */
  size = 0
  held: HeldUpdate<V> | null = null
  /** Neighbours in the order of the latest held update. */
  older: this | null = null
  newer: this | null = null

  constructor(key: K, mapKey: MapKey<K>, known: boolean) {
    this.key = key
    this.mapKey = mapKey
    this.known = known
  }

  get value(): V {
    if (this.current === null) throw new TypeError('the entry is frozen or absent')
    return this.current
  }

  get present(): boolean {
    return this.current !== null || this.bytes !== null
  }
}

/** An update that has not been emitted: the record that wrote it last, and what the entry was when last emitted. */
export class HeldUpdate<V> {
  topic: string | null = null
  partition = -1
  offset = -1
  timestamp = -1
  headers = NO_HEADERS
  /** False if only the engine knows what was emitted last. */
  readonly known: boolean
  readonly existed: boolean
  readonly oldValue: V | null
  readonly oldBytes: Buffer | null
  readonly size: number

  constructor(entry: StateEntry<unknown, V>, size: number) {
    const { current } = entry
    this.known = entry.known
    this.existed = entry.present
    // A live object may have been changed by the aggregator already; its bytes have not.
    this.oldValue = typeof current === 'object' ? null : current
    this.oldBytes = entry.bytes
    this.size = size
  }
}

const NO_HEADERS = new Headers()

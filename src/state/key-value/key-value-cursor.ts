import { readLong } from '../../serde/big-endian.ts'
import type { KeyCodec, ValueCodec } from '../codecs.ts'
import type { EngineIterator, KeyValueEngine } from '../../engine/engine.ts'
import type { EntryCursor } from '../states.ts'

/** A changed entry as it was when the cursor was opened. */
export interface ChangedRow<K, V> {
  readonly rowKey: Buffer
  readonly key: K
  readonly current: V | null
  readonly bytes: Buffer | null
  readonly timestamp: number
}

/** Where things are in a row. */
export interface RowForm {
  readonly keyOffset: number
  readonly valueOffset: number
  /** True if the value begins with a timestamp. */
  readonly timestamped: boolean
  /** True for rows that are there only to tell that there is nothing. */
  isTombstone(row: Buffer): boolean
}

export interface KeyValueScan<K, V> {
  readonly engine: KeyValueEngine
  /** Row keys, the upper one exclusive. */
  readonly lower: Buffer
  readonly upper: Buffer
  readonly reverse: boolean
  /** Changed entries in range, in the direction of the scan. */
  readonly changes: readonly ChangedRow<K, V>[]
  readonly keys: KeyCodec<K>
  readonly values: ValueCodec<V>
  readonly form: RowForm
}

/** Merges the engine's rows with changed entries, which win; sees both as they were when it was opened. */
export class KeyValueCursor<K, V> implements EntryCursor<K, V> {
  readonly #scan: KeyValueScan<K, V>
  readonly #iterator: EngineIterator
  #nextChange = 0
  /** The engine stands at a row that has not been shown. */
  #ahead = false
  #ended = false
  #change: ChangedRow<K, V> | null = null

  constructor(scan: KeyValueScan<K, V>) {
    this.#scan = scan
    const { lower, upper, reverse } = scan
    this.#iterator = scan.engine.iterate({ gte: lower, lt: upper, reverse })
  }

  next(): boolean {
    for (;;) {
      if (!this.#ahead) this.#advance()
      const change = this.#scan.changes[this.#nextChange]
      if (change === undefined) {
        this.#change = null
        if (!this.#ahead) return false
        this.#ahead = false
        return true
      }
      const order = this.#ahead ? this.#compare(change.rowKey, this.#iterator.key) : -1
      if (order > 0) {
        this.#change = null
        this.#ahead = false
        return true
      }
      this.#nextChange++
      if (order === 0) this.#ahead = false
      if (change.current === null && change.bytes === null) continue
      this.#change = change
      return true
    }
  }

  get key(): K {
    if (this.#change !== null && typeof this.#change.key !== 'object') return this.#change.key
    const key = this.#change === null ? this.#iterator.key : this.#change.rowKey
    return this.#scan.keys.read(key, this.#scan.form.keyOffset, key.length)
  }

  get value(): V {
    if (this.#change === null) {
      const row = this.#iterator.value
      return this.#scan.values.read(row, this.#scan.form.valueOffset, row.length)
    }
    const { current, bytes } = this.#change
    if (current !== null) return current
    if (bytes === null) throw new TypeError('a deleted entry is never shown')
    return this.#scan.values.decode(bytes)
  }

  get timestamp(): number {
    if (this.#change !== null) return this.#change.timestamp
    return this.#scan.form.timestamped ? readLong(this.#iterator.value, 0) : -1
  }

  close(): void {
    this.#ended = true
    this.#ahead = false
    this.#nextChange = this.#scan.changes.length
    this.#iterator.close()
  }

  #advance(): void {
    while (!this.#ended) {
      if (!this.#iterator.next()) this.#ended = true
      else if (!this.#scan.form.isTombstone(this.#iterator.value)) {
        this.#ahead = true
        return
      }
    }
  }

  #compare(a: Buffer, b: Buffer): number {
    return this.#scan.reverse ? Buffer.compare(b, a) : Buffer.compare(a, b)
  }
}

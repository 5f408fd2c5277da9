import type { KeyCodec, ValueCodec } from '../codecs.ts'
import { readLong } from '../../serde/big-endian.ts'
import type { SessionCursor, WindowCursor } from '../states.ts'
import type { TimedEntry } from './timed-entry.ts'
import type { TimedOrder, TimedPlace } from './timed-order.ts'
import type { TimedRows } from './timed-rows.ts'

/** A changed entry as it was when the cursor was opened. */
interface ChangedTimedRow<K, V> extends TimedPlace {
  readonly key: K
  readonly current: V | null
  readonly bytes: Buffer | null
  readonly timestamp: number
}

export interface TimedScanOptions<K, V> {
  readonly rows: TimedRows
  /** The order of the rows, and of what is shown. */
  readonly order: TimedOrder
  /** Changed entries in range. */
  readonly changes: readonly TimedEntry<K, V>[]
  /** True: they are in another order. */
  readonly unordered: boolean
  readonly keys: KeyCodec<K>
  readonly values: ValueCodec<V>
  readonly session: boolean
  readonly timestamped: boolean
  readonly reverse: boolean
  /** Called at the end of the scan with the smallest time behind its range, if the engine knows. */
  readonly ended: (nextTime: number) => void
}

/** All keys' entries in order: the engine's rows merged with changed entries, which win. */
export class TimedScanCursor<K, V> implements WindowCursor<K, V>, SessionCursor<K, V> {
  readonly #options: TimedScanOptions<K, V>
  readonly #changes: ChangedTimedRow<K, V>[]
  readonly #sign: number
  #nextChange = 0
  #change: ChangedTimedRow<K, V> | null = null
  #ahead = false
  #ended = false
  #closed = false

  constructor(options: TimedScanOptions<K, V>) {
    this.#options = options
    this.#sign = options.reverse ? -1 : 1
    this.#changes = options.changes.map((entry) => ({
      key: entry.key,
      keyBytes: entry.keyBytes,
      time: entry.time,
      sub: entry.sub,
      current: entry.current,
      bytes: entry.bytes,
      timestamp: entry.timestamp,
    }))
    if (options.unordered) this.#changes.sort(options.order)
    if (options.reverse) this.#changes.reverse()
  }

  next(): boolean {
    if (this.#closed) return false
    const { rows } = this.#options
    for (;;) {
      if (!this.#ahead && !this.#ended) {
        this.#ahead = rows.next()
        this.#ended = !this.#ahead
      }
      const change = this.#changes[this.#nextChange]
      if (change === undefined) {
        this.#change = null
        if (this.#ahead) {
          this.#ahead = false
          return true
        }
        if (rows.nextTime !== undefined) this.#options.ended(rows.nextTime)
        return false
      }
      const order = this.#ahead ? this.#compare(change) : -1
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
    const { keyBytes } = this.#change ?? this.#options.rows
    return this.#options.keys.read(keyBytes, 0, keyBytes.length)
  }

  get start(): number {
    return this.#options.session ? this.#sub : this.end
  }

  get end(): number {
    return this.#change === null ? this.#options.rows.time : this.#change.time
  }

  get value(): V {
    const { values, rows, timestamped } = this.#options
    if (this.#change === null) {
      const { row } = rows
      return values.read(row, timestamped ? 8 : 0, row.length)
    }
    const { current, bytes } = this.#change
    if (current !== null) return current
    if (bytes === null) throw new TypeError('a deleted entry is never shown')
    return values.decode(bytes)
  }

  get timestamp(): number {
    if (this.#change !== null) return this.#change.timestamp
    return this.#options.timestamped ? readLong(this.#options.rows.row, 0) : -1
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#options.rows.close()
  }

  get #sub(): number {
    return this.#change === null ? this.#options.rows.sub : this.#change.sub
  }

  #compare(change: ChangedTimedRow<K, V>): number {
    const { rows, order } = this.#options
    return this.#sign * order(change, rows)
  }
}

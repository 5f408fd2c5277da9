import type { Serde } from '../../serde/serde.ts'
import type { StoreSpecBase } from '../../topology/store-spec.ts'
import { KeyCodec, ValueCodec } from '../codecs.ts'
import { ListedRows } from '../listed-rows.ts'
import type { RowQuery, StoredRow, StoredRows, StoreReads } from '../reads.ts'
import { ByteWriter } from '../rows/byte-writer.ts'
import type { Entry, SessionCursor, VersionedEntry } from '../states.ts'
import type { ReadableKeyValues } from './key-value-face.ts'
import type { ReadablePeriods } from './period-face.ts'
import type { ReadableSessions } from './session-face.ts'
import type { ReadableVersions } from './versioned-face.ts'
import type { ReadableWindows } from './window-face.ts'

/*
 * States as they are read from outside of their task: the latest rows, each decoded for its reader. They leave nothing
 * behind in the memory of the task, whoever reads however much.
 */

type RowFilter = (row: StoredRow) => boolean
type RowOrder = (a: StoredRow, b: StoredRow) => number
type WindowsQuery = Extract<RowQuery, { op: 'windows' }>

const every: RowFilter = () => true
const byStart: RowOrder = (a, b) => a.start - b.start || Buffer.compare(a.key, b.key)
const byEnd: RowOrder = (a, b) => a.end - b.end || byStart(a, b)

/** What the states of all kinds have in common. */
abstract class LatestState<K, V> {
  readonly name: string
  readonly #reads: StoreReads
  readonly #keys: KeyCodec<K>
  readonly #values: ValueCodec<V>

  constructor({ name, keySerde, valueSerde }: StoreSpecBase, reads: StoreReads) {
    const scratch = new ByteWriter(256)
    this.name = name
    this.#reads = reads
    this.#keys = new KeyCodec(keySerde as Serde<K>, name, scratch)
    this.#values = new ValueCodec(valueSerde as Serde<V>, name, scratch)
  }

  /** Values are decoded for their reader alone. */
  copy(value: V): V {
    return value
  }

  protected bytes(key: K): Buffer {
    return this.#keys.encode(key)
  }

  protected open(query: RowQuery, isWanted = every): LatestCursor<K, V> {
    return this.#cursor(this.#reads.open(query, 'latest'), isWanted)
  }

  /** Opens the rows of all keys, which the engine has by segments of time, in another order. */
  protected openSorted(query: WindowsQuery, order: RowOrder, isWanted = every): LatestCursor<K, V> {
    const found: StoredRow[] = []
    const rows = this.#reads.open(query, 'latest')
    try {
      while (rows.next()) if (rows.isRow && isWanted(rows)) found.push(copied(rows))
    } finally {
      rows.close()
    }
    const sign = query.reverse ? -1 : 1
    return this.#cursor(new ListedRows(found.sort((a, b) => sign * order(a, b))), every)
  }

  /** Returns the first row of a query. */
  protected first(query: RowQuery): (Entry<V> & { readonly end: number }) | undefined {
    const cursor = this.open(query)
    try {
      if (!cursor.next()) return undefined
      const { value, timestamp, end } = cursor
      return { value, timestamp, end }
    } finally {
      cursor.close()
    }
  }

  #cursor(rows: StoredRows, isWanted: RowFilter): LatestCursor<K, V> {
    return new LatestCursor(rows, isWanted, this.#keys, this.#values)
  }
}

export class LatestKeyValues<K, V> extends LatestState<K, V> implements ReadableKeyValues<K, V> {
  get(key: K): Entry<V> | undefined {
    return this.first({ op: 'get', key: this.bytes(key) })
  }

  range(from: K | undefined, to: K | undefined, reverse: boolean): LatestCursor<K, V> {
    return this.open({
      op: 'range',
      ...(from === undefined ? {} : { from: this.bytes(from) }),
      ...(to === undefined ? {} : { to: this.bytes(to) }),
      reverse,
    })
  }

  prefix(prefix: Buffer): LatestCursor<K, V> {
    return this.open({ op: 'prefix', prefix, reverse: false })
  }
}

export class LatestVersions<K, V> extends LatestState<K, V> implements ReadableVersions<K, V> {
  get(key: K): VersionedEntry<V> | undefined {
    return this.#version({ op: 'get', key: this.bytes(key) })
  }

  getAsOf(key: K, asOf: number): VersionedEntry<V> | undefined {
    return this.#version({ op: 'versions', key: this.bytes(key), from: asOf, to: asOf, reverse: false })
  }

  #version(query: RowQuery): VersionedEntry<V> | undefined {
    const found = this.first(query)
    return found === undefined ? undefined : { value: found.value, timestamp: found.timestamp, validTo: found.end }
  }
}

export class LatestWindows<K, V> extends LatestState<K, V> implements ReadableWindows<K, V> {
  get(key: K, start: number): Entry<V> | undefined {
    return this.first({ op: 'windows', key: this.bytes(key), from: start, to: start, reverse: false })
  }

  fetch(key: K, from: number, to: number, reverse: boolean): LatestCursor<K, V> {
    return this.open({ op: 'windows', key: this.bytes(key), from, to, reverse })
  }

  fetchAll(from: number, to: number, reverse: boolean): LatestCursor<K, V> {
    return this.openSorted({ op: 'windows', from, to, reverse }, byStart)
  }
}

/** Windows that have both bounds in their rows: sessions and periods. */
abstract class LatestSpans<K, V> extends LatestState<K, V> {
  protected overlapping(key: K, earliestEnd: number, latestStart: number, reverse: boolean): LatestCursor<K, V> {
    const from = Math.min(earliestEnd, latestStart)
    const query = { op: 'windows', key: this.bytes(key), from, to: latestStart, reverse } as const
    return this.open(query, ({ end }) => end >= earliestEnd)
  }

  protected endingWithin(from: number, to: number, reverse: boolean): LatestCursor<K, V> {
    return this.openSorted({ op: 'windows', from, to, reverse }, byEnd, ({ end }) => end <= to)
  }
}

export class LatestSessions<K, V> extends LatestSpans<K, V> implements ReadableSessions<K, V> {
  get(key: K, start: number, end: number): V | undefined {
    const cursor = this.open({ op: 'windows', key: this.bytes(key), from: end, to: end, reverse: false })
    try {
      while (cursor.next() && cursor.end === end) if (cursor.start === start) return cursor.value
      return undefined
    } finally {
      cursor.close()
    }
  }

  findSessions(key: K, earliestEnd: number, latestStart: number, reverse: boolean): LatestCursor<K, V> {
    return this.overlapping(key, earliestEnd, latestStart, reverse)
  }

  findByEnd(from: number, to: number): LatestCursor<K, V> {
    return this.endingWithin(from, to, false)
  }
}

export class LatestPeriods<K, V> extends LatestSpans<K, V> implements ReadablePeriods<K, V> {
  findOverlapping(key: K, earliestEnd: number, latestStart: number, reverse: boolean): LatestCursor<K, V> {
    return this.overlapping(key, earliestEnd, latestStart, reverse)
  }

  findByEnd(from: number, to: number, reverse: boolean): LatestCursor<K, V> {
    return this.endingWithin(from, to, reverse)
  }
}

/** Rows that are decoded when they are looked at. */
class LatestCursor<K, V> implements SessionCursor<K, V> {
  readonly #rows: StoredRows
  readonly #isWanted: RowFilter
  readonly #keys: KeyCodec<K>
  readonly #values: ValueCodec<V>

  constructor(rows: StoredRows, isWanted: RowFilter, keys: KeyCodec<K>, values: ValueCodec<V>) {
    this.#rows = rows
    this.#isWanted = isWanted
    this.#keys = keys
    this.#values = values
  }

  next(): boolean {
    while (this.#rows.next()) if (this.#rows.isRow && this.#isWanted(this.#rows)) return true
    return false
  }

  // What is decoded may share memory with its bytes, which are the store's.
  get key(): K {
    const { key } = this.#rows
    return this.#keys.read(Buffer.from(key), 0, key.length)
  }

  get value(): V {
    return this.#values.decode(Buffer.from(this.#rows.value))
  }

  get timestamp(): number {
    return this.#rows.timestamp
  }

  get start(): number {
    return this.#rows.start
  }

  get end(): number {
    return this.#rows.end
  }

  close(): void {
    this.#rows.close()
  }
}

function copied({ key, value, timestamp, start, end }: StoredRow): StoredRow {
  return { key: Buffer.from(key), value: Buffer.from(value), timestamp, start, end }
}

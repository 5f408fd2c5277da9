import type { KeyValueEngine } from '../../engine/engine.ts'
import { readLong } from '../../serde/big-endian.ts'
import { MergedRows, type RowChange } from '../entries/merged-rows.ts'
import type { Consistency, IdentifiedRows, RowChanges, RowOp, RowQuery, StoreReads } from '../reads.ts'
import { prefixBounds, rangeBounds } from '../rows/row-bounds.ts'
import { WatchedKeys } from './watched-keys.ts'

/** Rows `header ‖ key` as one reader sees them. */
export interface KeyedRows {
  readonly engine: KeyValueEngine
  readonly header: Buffer
  /** Returns the row of a key; null if it is deleted, undefined if the engine has it. */
  seen(key: Buffer): Buffer | null | undefined
  /** Returns what the engine lacks of a range, in the order of row keys. The upper bound is exclusive. */
  changes(lower: Buffer, upper: Buffer): readonly RowChange[]
}

/** What the reads of a key-value store need of it. */
export interface KeyValueSource {
  readonly timestamped: boolean
  readonly changes: RowChanges
  observe(): boolean
  rows(consistency: Consistency): KeyedRows
}

const OPS: readonly RowOp[] = ['get', 'range', 'prefix']

/** Reads of a key-value store. */
export class KeyValueReads implements StoreReads {
  readonly ops = OPS
  readonly watched: WatchedKeys
  readonly #source: KeyValueSource

  constructor(source: KeyValueSource) {
    this.#source = source
    this.watched = new WatchedKeys(source.changes, (query, consistency) => this.open(query, consistency))
  }

  observe(): boolean {
    return this.#source.observe()
  }

  open(query: RowQuery, consistency: Consistency): IdentifiedRows {
    const rows = this.#source.rows(consistency)
    return new KeyValueRows(openKeyed(rows, query), rows.header.length, this.#source.timestamped)
  }
}

/** Rows by their keys in the engine. */
export interface KeyedCursor {
  next(): boolean
  readonly rowKey: Buffer
  readonly row: Buffer
  close(): void
}

export function openKeyed(rows: KeyedRows, query: RowQuery): KeyedCursor {
  const { engine, header } = rows
  switch (query.op) {
    case 'get': {
      const rowKey = Buffer.concat([header, query.key])
      const seen = rows.seen(query.key)
      return new OneRow(rowKey, seen === undefined ? engine.get(rowKey) : (seen ?? undefined))
    }
    case 'range':
    case 'prefix': {
      const bounds =
        query.op === 'prefix'
          ? prefixBounds(header, query.prefix, query.after)
          : rangeBounds(header, query.from, query.to)
      if (Buffer.compare(bounds.lower, bounds.upper) >= 0) return new OneRow(bounds.lower, undefined)
      const changes = rows.changes(bounds.lower, bounds.upper)
      return new MergedRows(engine, { ...bounds, reverse: query.reverse, changes })
    }
    default:
      throw new TypeError(`a store of keys has no ${query.op}`)
  }
}

class OneRow implements KeyedCursor {
  readonly rowKey: Buffer
  readonly row: Buffer
  #left: boolean

  constructor(rowKey: Buffer, row: Buffer | undefined) {
    this.rowKey = rowKey
    this.row = row ?? rowKey
    this.#left = row !== undefined
  }

  next(): boolean {
    const was = this.#left
    this.#left = false
    return was
  }

  close(): void {
    this.#left = false
  }
}

class KeyValueRows implements IdentifiedRows {
  readonly isRow = true
  readonly start = -1
  readonly end = -1
  readonly #cursor: KeyedCursor
  readonly #keyOffset: number
  readonly #timestamped: boolean

  constructor(cursor: KeyedCursor, keyOffset: number, timestamped: boolean) {
    this.#cursor = cursor
    this.#keyOffset = keyOffset
    this.#timestamped = timestamped
  }

  next(): boolean {
    return this.#cursor.next()
  }

  get id(): Buffer {
    return this.key
  }

  get key(): Buffer {
    return this.#cursor.rowKey.subarray(this.#keyOffset)
  }

  get value(): Buffer {
    return this.#cursor.row.subarray(this.#timestamped ? 8 : 0)
  }

  get timestamp(): number {
    return this.#timestamped ? readLong(this.#cursor.row, 0) : -1
  }

  close(): void {
    this.#cursor.close()
  }
}

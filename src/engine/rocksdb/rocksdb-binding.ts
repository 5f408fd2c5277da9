import { createRequire } from 'node:module'
import { engineUnavailable } from '../files/engine-failure.ts'

declare const handle: unique symbol
/** Opaque native objects. */
export interface NativeDatabase {
  readonly [handle]: 'database'
}
export interface NativeBatch {
  readonly [handle]: 'batch'
}
export interface NativeIterator {
  readonly [handle]: 'iterator'
}
export interface NativeColumn {
  readonly [handle]: 'column'
}

/** Undefined: the default column. A call that names it costs twice as much. */
export type ColumnOption = { readonly column: NativeColumn } | undefined

export interface NativeRange {
  readonly column: NativeColumn
  readonly gte: Buffer | undefined
  readonly lt: Buffer | undefined
  readonly reverse: boolean
  readonly keys: boolean
  readonly values: boolean
  readonly limit: number
  /** A call of `iterator_nextv_sync` stops after the row that exceeds this. */
  readonly highWaterMarkBytes: number
  readonly keyEncoding: 'buffer'
  readonly valueEncoding: 'buffer'
  readonly fillCache: boolean
}

/**
 * The native functions of `@nxtedition/rocksdb` that are used. They are called directly because the JavaScript around
 * them has synchronous forms of only some, and keeps a reference to every iterator and batch until the database is
 * closed. They do not check that the objects given are open: the caller must.
 */
export interface RocksdbBinding {
  /** A handle from another thread gives the database that it has open, for as long as it is open there. */
  db_init(location: string | bigint): NativeDatabase
  db_get_handle(database: NativeDatabase): bigint
  /** Empty if there is no such property. */
  db_get_property(database: NativeDatabase, name: string): string
  db_open(
    database: NativeDatabase,
    options: object,
    callback: (error: Error | null | undefined, columns: Readonly<Record<string, NativeColumn>>) => void,
  ): void
  db_close(database: NativeDatabase, callback: (error: Error | null | undefined) => void): void
  db_get_many_sync(database: NativeDatabase, keys: readonly Buffer[], options: ColumnOption): (Buffer | undefined)[]
  /** Deletes a range by one range tombstone. */
  db_clear(
    database: NativeDatabase,
    range: { readonly column: NativeColumn; readonly gte: Buffer; readonly lt: Buffer },
  ): void
  batch_init(): NativeBatch
  batch_put(batch: NativeBatch, key: Buffer, value: Buffer, options: ColumnOption): void
  batch_del(batch: NativeBatch, key: Buffer, options: ColumnOption): void
  batch_clear(batch: NativeBatch): void
  batch_write(database: NativeDatabase, batch: NativeBatch, options: { readonly sync: boolean }): void
  /** The iterator sees the database as it is at this call. */
  iterator_init(database: NativeDatabase, range: NativeRange): NativeIterator
  /** Returns rows as key, value, key, value …, and `finished` when the range is exhausted. */
  iterator_nextv_sync(iterator: NativeIterator, count: number): { readonly rows: Buffer[]; readonly finished: boolean }
  iterator_close(iterator: NativeIterator): void
}

const FUNCTIONS: readonly (keyof RocksdbBinding)[] = [
  'db_init',
  'db_get_handle',
  'db_get_property',
  'db_open',
  'db_close',
  'db_get_many_sync',
  'db_clear',
  'batch_init',
  'batch_put',
  'batch_del',
  'batch_clear',
  'batch_write',
  'iterator_init',
  'iterator_nextv_sync',
  'iterator_close',
]

let loaded: RocksdbBinding | undefined

/** @throws MR_ENGINE_UNAVAILABLE if there is no binary for this platform */
export function loadRocksdbBinding(): RocksdbBinding {
  if (loaded !== undefined) return loaded
  let binding: unknown
  try {
    binding = createRequire(import.meta.url)('@nxtedition/rocksdb/binding.js')
  } catch (cause) {
    throw engineUnavailable('rocksdb', cause)
  }
  if (!isRocksdbBinding(binding)) throw engineUnavailable('rocksdb', new Error('the binding lacks functions'))
  return (loaded = binding)
}

function isRocksdbBinding(value: unknown): value is RocksdbBinding {
  if (typeof value !== 'object' || value === null) return false
  const functions = new Map<string, unknown>(Object.entries(value))
  return FUNCTIONS.every((name) => typeof functions.get(name) === 'function')
}

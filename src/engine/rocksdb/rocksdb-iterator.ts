import { engineFailure } from '../files/engine-failure.ts'
import type { EngineIterator, EngineRange } from '../engine.ts'
import type { NativeColumn, NativeDatabase, NativeIterator, RocksdbBinding } from './rocksdb-binding.ts'
import { NO_BYTES } from '../../platform/no-bytes.ts'

const FIRST_ROWS = 4
const MOST_ROWS = 1024
const READ_BYTES = 256 * 1024

export function openNativeIterator(
  binding: RocksdbBinding,
  database: NativeDatabase,
  column: NativeColumn,
  range: EngineRange,
  values = true,
): NativeIterator {
  return binding.iterator_init(database, {
    column,
    gte: range.gte,
    lt: range.lt,
    reverse: range.reverse ?? false,
    keys: true,
    values,
    limit: -1,
    highWaterMarkBytes: READ_BYTES,
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    fillCache: true,
  })
}

/** An iterator that fetches growing blocks: a short range costs little and a long one few calls. */
export class RocksdbIterator implements EngineIterator {
  key: Buffer = NO_BYTES
  value: Buffer = NO_BYTES
  readonly #binding: RocksdbBinding
  readonly #native: NativeIterator
  readonly #directory: string
  readonly #onClose: () => void
  #rows: Buffer[] = []
  #at = 0
  #count: number
  /** The number of rows that may still be fetched; negative: all. */
  #left: number
  #finished = false
  #closed = false

  constructor(binding: RocksdbBinding, native: NativeIterator, directory: string, onClose: () => void, limit = -1) {
    this.#left = limit
    this.#count = limit > 0 ? Math.min(limit, FIRST_ROWS) : FIRST_ROWS
    this.#directory = directory
    this.#binding = binding
    this.#native = native
    this.#onClose = onClose
  }

  next(): boolean {
    while (this.#at === this.#rows.length) {
      if (this.#finished || this.#closed || this.#left === 0) return false
      const { rows, finished } = this.#fetch()
      this.#rows = rows
      this.#at = 0
      if (this.#left > 0) this.#left -= rows.length / 2
      this.#finished = finished
      this.#count = Math.min(this.#count * 2, MOST_ROWS, this.#left > 0 ? this.#left : MOST_ROWS)
    }
    this.key = this.#rows[this.#at]!
    this.value = this.#rows[this.#at + 1]!
    this.#at += 2
    return true
  }

  #fetch(): ReturnType<RocksdbBinding['iterator_nextv_sync']> {
    try {
      return this.#binding.iterator_nextv_sync(this.#native, this.#count)
    } catch (cause) {
      throw engineFailure('rocksdb', this.#directory, cause)
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#rows = []
    this.#at = 0
    this.#binding.iterator_close(this.#native)
    this.#onClose()
  }
}

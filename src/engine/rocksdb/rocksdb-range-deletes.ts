import type { EngineRange } from '../engine.ts'
import type { WriteBatch } from '../write-batch.ts'
import type { NativeBatch, NativeColumn, NativeDatabase, RocksdbBinding } from './rocksdb-binding.ts'
import { openNativeIterator } from './rocksdb-iterator.ts'
import { NO_BYTES } from '../../platform/no-bytes.ts'

/** Up to this many keys are deleted one by one: many range tombstones make every read slower. */
const POINT_DELETES = 64

type RangeDelete = ReturnType<WriteBatch['range']>

/**
 * Range deletes as part of a batch, for a binding whose batches have none. The batch holds a note of a long range, in a
 * column of its own. A range tombstone deletes the range right after the batch, and the next batch deletes the note. If
 * the process dies in between, the next opening finds the note and deletes the range: nothing was written to it since.
 */
export class RangeDeletes {
  readonly #binding: RocksdbBinding
  readonly #database: NativeDatabase
  readonly #main: { readonly column: NativeColumn }
  readonly #notes: { readonly column: NativeColumn }
  /** Notes that the batch adds. */
  #noted: Buffer[] = []
  /** Notes that are written, and whose ranges are still there. */
  #due: Buffer[] = []
  #carriedOut: Buffer[] = []

  constructor(binding: RocksdbBinding, database: NativeDatabase, main: NativeColumn, notes: NativeColumn) {
    this.#binding = binding
    this.#database = database
    this.#main = { column: main }
    this.#notes = { column: notes }
  }

  /** Adds to the batch the range delete at `index` of the writes. */
  add(batch: NativeBatch, writes: WriteBatch, index: number): void {
    const range = writes.range(index)
    if (range.gte.compare(range.lt) >= 0) return
    this.#deleteEarlierPuts(batch, writes, index, range)
    if (isWrittenLater(writes, index, range) || !this.#isLong(range)) this.#deleteKeys(batch, range)
    else {
      const note = encodeRange(this.#noted.length, range)
      this.#binding.batch_put(batch, note, NO_BYTES, this.#notes)
      this.#noted.push(note)
    }
  }

  /** Adds to the batch the deletes of the notes whose ranges are gone. */
  forgetDone(batch: NativeBatch): void {
    for (const note of this.#carriedOut) this.#binding.batch_del(batch, note, this.#notes)
  }

  /** Deletes the noted ranges. Call it when the batch has been written. */
  carryOut(): void {
    this.#due = this.#noted
    this.#noted = []
    this.#carriedOut = []
    this.finish()
  }

  /** Deletes what a `carryOut` that failed has left. Call it before a batch: its puts must not be deleted with that. */
  finish(): void {
    for (const note of this.#due) this.#binding.db_clear(this.#database, { ...this.#main, ...decodeRange(note) })
    this.#carriedOut.push(...this.#due)
    this.#due = []
  }

  /** Forgets the ranges noted for a batch that could not be written. */
  cancel(): void {
    this.#noted = []
  }

  /** Deletes the ranges that a process noted and did not live to delete. */
  redo(): void {
    this.#forEachKey(this.#notes.column, {}, (note) => this.#due.push(note))
    this.finish()
  }

  #isLong(range: RangeDelete): boolean {
    const iterator = openNativeIterator(this.#binding, this.#database, this.#main.column, range, false)
    try {
      return this.#binding.iterator_nextv_sync(iterator, POINT_DELETES + 1).rows.length > 2 * POINT_DELETES
    } finally {
      this.#binding.iterator_close(iterator)
    }
  }

  #deleteKeys(batch: NativeBatch, range: RangeDelete): void {
    this.#forEachKey(this.#main.column, range, (key) => this.#binding.batch_del(batch, key, this.#main))
  }

  #forEachKey(column: NativeColumn, range: EngineRange, see: (key: Buffer) => void): void {
    const iterator = openNativeIterator(this.#binding, this.#database, column, range, false)
    try {
      let isFinished = false
      while (!isFinished) {
        const { rows, finished } = this.#binding.iterator_nextv_sync(iterator, 1024)
        for (let i = 0; i < rows.length; i += 2) see(rows[i]!)
        isFinished = finished
      }
    } finally {
      this.#binding.iterator_close(iterator)
    }
  }

  #deleteEarlierPuts(batch: NativeBatch, writes: WriteBatch, index: number, range: RangeDelete): void {
    for (let i = 0; i < index; i++) {
      if (isPutWithin(writes, i, range)) this.#binding.batch_del(batch, writes.key(i), this.#main)
    }
  }
}

/** True: the range must be gone before later writes of the batch, which takes deletes within it. */
function isWrittenLater(writes: WriteBatch, index: number, range: RangeDelete): boolean {
  for (let i = index + 1; i < writes.length; i++) if (isPutWithin(writes, i, range)) return true
  return false
}

function isPutWithin(writes: WriteBatch, index: number, { gte, lt }: RangeDelete): boolean {
  if (writes.kind(index) !== 'put') return false
  const key = writes.key(index)
  return key.compare(gte) >= 0 && key.compare(lt) < 0
}

/** Encodes a note: `number u32 | length of gte u32 | gte | lt`. */
function encodeRange(number: number, range: RangeDelete): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(number, 0)
  head.writeUInt32BE(range.gte.length, 4)
  return Buffer.concat([head, range.gte, range.lt])
}

function decodeRange(note: Buffer): { readonly gte: Buffer; readonly lt: Buffer } {
  const end = 8 + note.readUInt32BE(4)
  return { gte: note.subarray(8, end), lt: note.subarray(end) }
}

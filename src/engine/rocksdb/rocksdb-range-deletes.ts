import type { WriteBatch } from '../write-batch.ts'
import type { NativeBatch, NativeColumn, NativeDatabase, RocksdbBinding } from './rocksdb-binding.ts'
import { openNativeIterator } from './rocksdb-iterator.ts'

/** Up to this many keys are deleted one by one: many range tombstones make every read slower. */
const POINT_DELETES = 64

type RangeDelete = ReturnType<WriteBatch['range']>

/**
 * Range deletes as part of a batch, for a binding whose batches have none. A long range is noted in the batch, in a column
 * of its own, and deleted right behind it by a range tombstone; the note goes with the next batch. A process that dies in
 * between finds the note at the next opening and deletes the range then: nothing has been written to it since.
 */
export class RangeDeletes {
  readonly #binding: RocksdbBinding
  readonly #database: NativeDatabase
  readonly #main: { readonly column: NativeColumn }
  readonly #notes: { readonly column: NativeColumn }
  #pending: RangeDelete[] = []
  #noted: Buffer[] = []
  #carriedOut: Buffer[] = []

  constructor(binding: RocksdbBinding, database: NativeDatabase, main: NativeColumn, notes: NativeColumn) {
    this.#binding = binding
    this.#database = database
    this.#main = { column: main }
    this.#notes = { column: notes }
  }

  /** Adds the range delete that is number `index` of the writes to the batch. */
  add(batch: NativeBatch, writes: WriteBatch, index: number): void {
    const range = writes.range(index)
    if (range.gte.compare(range.lt) >= 0) return
    this.#deleteEarlierPuts(batch, writes, index, range)
    if (isWrittenLater(writes, index, range) || !this.#isLong(range)) this.#deleteKeys(batch, range)
    else {
      const note = encodeRange(this.#noted.length, range)
      this.#binding.batch_put(batch, note, NOTHING, this.#notes)
      this.#pending.push(range)
      this.#noted.push(note)
    }
  }

  /** Adds to the batch that the ranges of earlier batches are gone. */
  forgetDone(batch: NativeBatch): void {
    for (const note of this.#carriedOut) this.#binding.batch_del(batch, note, this.#notes)
  }

  /** The batch has been written. */
  carryOut(): void {
    for (const { gte, lt } of this.#pending) this.#binding.db_clear(this.#database, { ...this.#main, gte, lt })
    this.#carriedOut = this.#noted
    this.#pending = []
    this.#noted = []
  }

  /** The batch has not been written. */
  cancel(): void {
    this.#pending = []
    this.#noted = []
  }

  /** Carries out what a process noted and did not live to do. */
  redo(): void {
    const iterator = openNativeIterator(this.#binding, this.#database, this.#notes.column, {}, false)
    try {
      const { rows } = this.#binding.iterator_nextv_sync(iterator, 1_000_000)
      for (let i = 0; i < rows.length; i += 2) {
        this.#binding.db_clear(this.#database, { ...this.#main, ...decodeRange(rows[i]!) })
        this.#carriedOut.push(rows[i]!)
      }
    } finally {
      this.#binding.iterator_close(iterator)
    }
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
    const iterator = openNativeIterator(this.#binding, this.#database, this.#main.column, range, false)
    try {
      let isFinished = false
      while (!isFinished) {
        const { rows, finished } = this.#binding.iterator_nextv_sync(iterator, 1024)
        for (let i = 0; i < rows.length; i += 2) this.#binding.batch_del(batch, rows[i]!, this.#main)
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

/** Then the range must be gone before what follows, which only deletes within the batch can do. */
function isWrittenLater(writes: WriteBatch, index: number, range: RangeDelete): boolean {
  for (let i = index + 1; i < writes.length; i++) if (isPutWithin(writes, i, range)) return true
  return false
}

function isPutWithin(writes: WriteBatch, index: number, { gte, lt }: RangeDelete): boolean {
  if (writes.kind(index) !== 'put') return false
  const key = writes.key(index)
  return key.compare(gte) >= 0 && key.compare(lt) < 0
}

/** `number u32 | length of gte u32 | gte | lt`. */
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

const NOTHING = Buffer.alloc(0)

import { keyOrder } from './key-order.ts'
import { DELETED, RowList } from './row-list.ts'
import type { ShortView } from './short-view.ts'
import { NO_BYTES } from '../platform/no-bytes.ts'

export type WriteKind = 'put' | 'delete' | 'deleteRange'

/** Kinds of rows, as `DELETED`, other than a key to put with the value that follows it. */
const PUT_APART = -2
const DELETE_RANGE = -3

/**
 * Writes that take effect together, in the order in which they were added. Bytes are not copied: they must stay
 * unchanged until the engine has been given the batch. A write is no object: views of its bytes are made on demand.
 */
export class WriteBatch {
  readonly #rows = new RowList()
  /** Values that do not follow their keys, and upper bounds of ranges. */
  readonly #apart = new Map<number, Buffer>()

  #edition = 0

  /** A number that changes each time the batch is cleared. */
  get edition(): number {
    return this.#edition
  }

  get length(): number {
    return this.#rows.length
  }

  put(key: Buffer, value: Buffer): void {
    this.#addApart(key, value, PUT_APART)
  }

  /** Puts rows whose values follow their keys, and deletes rows that are `DELETED`, nearly in the order of keys. */
  addRows(rows: RowList): void {
    for (const row of keyOrder(rows)) {
      this.#rows.add(rows.buffer(row), rows.start(row), rows.keyEnd(row), rows.end(row))
    }
  }

  delete(key: Buffer): void {
    this.#rows.add(key, 0, key.length, DELETED)
  }

  /** Deletes every key in [gte, lt). */
  deleteRange(gte: Buffer, lt: Buffer): void {
    this.#addApart(gte, lt, DELETE_RANGE)
  }

  kind(index: number): WriteKind {
    const end = this.#rows.end(index)
    if (end === DELETED) return 'delete'
    return end === DELETE_RANGE ? 'deleteRange' : 'put'
  }

  /** Returns the key of a put or a delete. */
  key(index: number, view?: ShortView): Buffer {
    const rows = this.#rows
    return viewOf(rows.buffer(index), rows.start(index), rows.keyEnd(index), view)
  }

  /** Returns the value of a put. */
  value(index: number, view?: ShortView): Buffer {
    const rows = this.#rows
    const end = rows.end(index)
    return end < 0 ? (this.#apart.get(index) ?? NO_BYTES) : viewOf(rows.buffer(index), rows.keyEnd(index), end, view)
  }

  range(index: number): { readonly gte: Buffer; readonly lt: Buffer } {
    return { gte: this.key(index), lt: this.value(index) }
  }

  /** Copies the writes with their bytes. */
  copy(): WriteBatch {
    const copy = new WriteBatch()
    for (let i = 0; i < this.length; i++) {
      const key = Buffer.from(this.key(i))
      const kind = this.kind(i)
      if (kind === 'delete') copy.delete(key)
      else if (kind === 'put') copy.put(key, Buffer.from(this.value(i)))
      else copy.deleteRange(key, Buffer.from(this.value(i)))
    }
    return copy
  }

  clear(): void {
    this.#edition++
    this.#rows.clear()
    this.#apart.clear()
  }

  #addApart(first: Buffer, second: Buffer, what: number): void {
    this.#apart.set(this.#rows.add(first, 0, first.length, what), second)
  }
}

function viewOf(buffer: Buffer, start: number, end: number, view: ShortView | undefined): Buffer {
  return view === undefined ? buffer.subarray(start, end) : view.of(buffer, start, end)
}

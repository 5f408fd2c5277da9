import { ByteWriter } from './byte-writer.ts'
import { DELETED, RowList } from '../../engine/row-list.ts'
import type { WriteBatch } from '../../engine/write-batch.ts'

const MAX_ROWS = 8192
const MAX_BYTES = 4 * 1024 * 1024
const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/**
 * Rows for the engine, of which only the last of each key counts. Until it is compacted a changelog holds many records
 * of a key; of those that are replayed together, the engine gets the last one.
 *
 * A row is written as `begin`, its key, `endKey`, its value, and `put`; or as `begin`, its key, and `delete`.
 */
export class LatestRows {
  readonly #writer = new ByteWriter()
  readonly #rows = new RowList()
  #hashes = new Int32Array(1024)
  /** Row numbers plus 1 by hash, at the next free place; 0: free. At most half full. */
  #table = new Int32Array(2048)
  #keyLength = 0
  #bytes = 0

  get length(): number {
    return this.#rows.length
  }

  /** True if the rows should be written before more are added. */
  get isFull(): boolean {
    return this.#rows.length >= MAX_ROWS || this.#bytes >= MAX_BYTES
  }

  /** Returns copies of the keys of all rows. */
  keys(): Buffer[] {
    const rows = this.#rows
    return Array.from({ length: rows.length }, (_, row) =>
      Buffer.from(rows.buffer(row).subarray(rows.start(row), rows.keyEnd(row))),
    )
  }

  begin(): ByteWriter {
    return this.#writer.beginRow()
  }

  endKey(): ByteWriter {
    this.#keyLength = this.#writer.position - this.#writer.rowStart
    return this.#writer
  }

  put(): void {
    this.#end(this.#writer.position)
  }

  delete(): void {
    this.endKey()
    this.#end(DELETED)
  }

  /** Moves the rows to a batch, which is valid until `release`. */
  moveTo(batch: WriteBatch): void {
    if (this.#rows.length === 0) return
    batch.addRows(this.#rows)
    this.#rows.clear()
    this.#table.fill(0)
  }

  /** Frees the bytes of the rows that were moved, and drops the others. */
  release(): void {
    if (this.#bytes === 0) return
    this.#rows.clear()
    this.#table.fill(0)
    this.#writer.rewind()
    this.#bytes = 0
  }

  #end(end: number): void {
    if (this.#rows.length === this.#hashes.length) this.#grow()
    const { buffer, rowStart, position } = this.#writer
    const keyEnd = rowStart + this.#keyLength
    const hash = hashOf(buffer, rowStart, keyEnd)
    const mask = this.#table.length - 1
    let at = hash & mask
    for (let entry = this.#table[at]!; entry !== 0; entry = this.#table[at]!) {
      if (this.#hashes[entry - 1] === hash && this.#hasKey(entry - 1, buffer, rowStart, keyEnd)) {
        this.#replace(entry - 1, rowStart, keyEnd, end)
        return
      }
      at = (at + 1) & mask
    }
    const row = this.#rows.add(buffer, rowStart, keyEnd, end)
    this.#bytes += position - rowStart
    this.#hashes[row] = hash
    this.#table[at] = row + 1
  }

  #hasKey(row: number, buffer: Buffer, start: number, keyEnd: number): boolean {
    const rows = this.#rows
    const other = rows.buffer(row)
    const otherStart = rows.start(row)
    if (rows.keyEnd(row) - otherStart !== keyEnd - start) return false
    for (let i = 0; i < keyEnd - start; i++) if (other[otherStart + i] !== buffer[start + i]) return false
    return true
  }

  /** Overwrites an old row of the same length, as most are: replaying takes no more memory than its result then. */
  #replace(row: number, start: number, keyEnd: number, end: number): void {
    const rows = this.#rows
    const writer = this.#writer
    const { buffer } = writer
    if (end !== DELETED && rows.end(row) - rows.start(row) === end - start) {
      buffer.copy(rows.buffer(row), rows.keyEnd(row), keyEnd, end)
      writer.position = start
      return
    }
    rows.replace(row, buffer, start, keyEnd, end)
    this.#bytes += writer.position - start
  }

  #grow(): void {
    const hashes = new Int32Array(this.#hashes.length * 2)
    hashes.set(this.#hashes)
    this.#hashes = hashes
    this.#table = new Int32Array(this.#table.length * 2)
    const mask = this.#table.length - 1
    for (let row = 0; row < this.#rows.length; row++) {
      let at = hashes[row]! & mask
      while (this.#table[at] !== 0) at = (at + 1) & mask
      this.#table[at] = row + 1
    }
  }
}

/** FNV-1a. */
function hashOf(buffer: Buffer, start: number, end: number): number {
  let hash = FNV_OFFSET
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ buffer[i]!, FNV_PRIME)
  return hash ^ (hash >>> 15)
}

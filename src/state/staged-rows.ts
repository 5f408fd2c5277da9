import type { WriteBatch } from './write-batch.ts'
import { RowList } from './row-list.ts'

/** In place of the end of a row: it is to be deleted. */
export const DELETED = -1

/** The rows of a store as they were when last logged, until the engine has them. Bytes of logged rows never move. */
export class StagedRows {
  readonly #rows = new RowList()

  get size(): number {
    return this.#rows.length
  }

  /**
   * The number of the new row.
   *
   * @param end of the value behind the key; -1: the row is to be deleted
   */
  add(buffer: Buffer, start: number, keyEnd: number, end: number): number {
    return this.#rows.add(buffer, start, keyEnd, end)
  }

  /** The row has become another. */
  replace(row: number, buffer: Buffer, start: number, keyEnd: number, end: number): void {
    this.#rows.replace(row, buffer, start, keyEnd, end)
  }

  addTo(batch: WriteBatch): void {
    addRows(this.#rows, batch)
  }

  clear(): void {
    this.#rows.clear()
  }
}

/** Adds what is to be put and to be deleted. */
export function addRows(rows: RowList, batch: WriteBatch): void {
  for (let row = 0; row < rows.length; row++) {
    const end = rows.end(row)
    if (end === DELETED) batch.deleteRow(rows.buffer(row), rows.start(row), rows.keyEnd(row))
    else batch.putRow(rows.buffer(row), rows.start(row), rows.keyEnd(row), end)
  }
}

import type { StoredRow, StoredRows } from './reads.ts'

/** Rows that were all read at the opening. */
export class ListedRows implements StoredRows {
  readonly isRow = true
  readonly #rows: readonly StoredRow[]
  #at = -1

  constructor(rows: readonly StoredRow[]) {
    this.#rows = rows
  }

  next(): boolean {
    return ++this.#at < this.#rows.length
  }

  get key(): Buffer {
    return this.#row.key
  }

  get value(): Buffer {
    return this.#row.value
  }

  get timestamp(): number {
    return this.#row.timestamp
  }

  get start(): number {
    return this.#row.start
  }

  get end(): number {
    return this.#row.end
  }

  close(): void {
    this.#at = this.#rows.length
  }

  get #row(): StoredRow {
    const row = this.#rows[this.#at]
    if (row === undefined) throw new TypeError('there is no current row')
    return row
  }
}

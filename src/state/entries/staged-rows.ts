import { DELETED, RowList } from '../../engine/row-list.ts'
import type { Consistency } from '../reads.ts'
import { NOT_STAGED } from './state-entry.ts'

/** The approximate memory of a row that a commit has replaced, besides its bytes. */
const REPLACED_OVERHEAD = 64

/**
 * The logged rows that the engine lacks, each with the number by which its entry knows it. For readers it also has what
 * they were before the commit under way: its outcome is not known yet.
 */
export class StagedRows {
  readonly rows = new RowList()
  /** Rows from this number on are new with the commit under way; Infinity: there is none. */
  #firstNew = Infinity
  /** By number: the place in `#before` of what the commit under way has replaced. */
  readonly #replaced = new Map<number, number>()
  readonly #before = new RowList()
  /** True: readers want to know what a commit replaces. */
  #isObserved = false
  /** True: what the commit under way replaces is kept, from its first row on. */
  #keeps = false

  /** The approximate memory of what is kept for readers, bytes. */
  get keptBytes(): number {
    return this.#replaced.size * REPLACED_OVERHEAD
  }

  /** A commit begins, unless it has begun. */
  beginCommit(): void {
    if (this.#firstNew !== Infinity) return
    this.#firstNew = this.rows.length
    this.#keeps = this.#isObserved
  }

  /** The commit under way has succeeded. */
  committed(): void {
    this.#firstNew = Infinity
    if (this.#replaced.size === 0) return
    this.#replaced.clear()
    this.#before.clear()
  }

  /** Returns false while only the outcome of the commit under way could tell what is committed. */
  observe(): boolean {
    this.#isObserved = true
    return this.#keeps || this.#firstNew === Infinity
  }

  /** Adds or replaces a row, and returns its number. */
  stage(row: number, buffer: Buffer, start: number, keyEnd: number, end: number): number {
    if (row === NOT_STAGED) return this.rows.add(buffer, start, keyEnd, end)
    if (this.#keeps && row < this.#firstNew && !this.#replaced.has(row)) this.#keep(row)
    this.rows.replace(row, buffer, start, keyEnd, end)
    return row
  }

  /** Returns a copy of the value of a row; null if it is deleted, undefined if the engine has what is seen. */
  seen(row: number, consistency: Consistency): Buffer | null | undefined {
    if (row === NOT_STAGED) return undefined
    if (consistency === 'latest') return valueOf(this.rows, row)
    if (row >= this.#firstNew) return undefined
    const replaced = this.#replaced.get(row)
    return replaced === undefined ? valueOf(this.rows, row) : valueOf(this.#before, replaced)
  }

  /** Returns false if the row is deleted, or not staged. */
  has(row: number): boolean {
    return row !== NOT_STAGED && this.rows.end(row) !== DELETED
  }

  clear(): void {
    this.rows.clear()
    this.#firstNew = Infinity
    this.#keeps = false
    this.#replaced.clear()
    this.#before.clear()
  }

  #keep(row: number): void {
    const { rows } = this
    this.#replaced.set(row, this.#before.add(rows.buffer(row), rows.start(row), rows.keyEnd(row), rows.end(row)))
  }
}

/** Scans go on when the engine has got the rows, and their memory is used again. */
function valueOf(rows: RowList, row: number): Buffer | null {
  const end = rows.end(row)
  return end === DELETED ? null : Buffer.from(rows.buffer(row).subarray(rows.keyEnd(row), end))
}

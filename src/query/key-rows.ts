import type { Consistency, StoredRows, StoreReads } from '../state/reads.ts'

/** The rows of some keys, as they are when the first of them is read: nothing runs between two keys of one page. */
export class KeyRows implements StoredRows {
  readonly #reads: StoreReads
  readonly #keys: readonly Buffer[]
  readonly #consistency: Consistency
  #at = 0
  #row: StoredRows | undefined

  constructor(reads: StoreReads, keys: readonly Buffer[], consistency: Consistency) {
    this.#reads = reads
    this.#keys = keys
    this.#consistency = consistency
  }

  get isRow(): boolean {
    return this.#row?.isRow === true
  }

  get key(): Buffer {
    return this.#current.key
  }

  get value(): Buffer {
    return this.#current.value
  }

  get timestamp(): number {
    return this.#current.timestamp
  }

  get start(): number {
    return this.#current.start
  }

  get end(): number {
    return this.#current.end
  }

  /** Each key is a step, whether it has a row or not: its caller looks at the clock. */
  next(): boolean {
    this.close()
    const key = this.#keys[this.#at++]
    if (key === undefined) return false
    const row = this.#reads.open({ op: 'get', key }, this.#consistency)
    if (row.next()) this.#row = row
    else row.close()
    return true
  }

  close(): void {
    this.#row?.close()
    this.#row = undefined
  }

  get #current(): StoredRows {
    if (this.#row === undefined) throw new Error('there is no current row')
    return this.#row
  }
}

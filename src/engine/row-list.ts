const FIELDS = 4

/** In place of the end of a row: its key is to be deleted. */
export const DELETED = -1

/**
 * Rows in buffers, by number: where a key begins and ends, and where the value behind it ends. There may be a hundred thousand, all
 * alive until a commit is over: as objects they would outlive the young generation, each time.
 */
export class RowList {
  readonly #buffers: Buffer[] = []
  /** Of each row: number of its buffer, start, end of the key, end. */
  #fields = new Int32Array(64 * FIELDS)
  #length = 0

  get length(): number {
    return this.#length
  }

  /**
   * The number of the new row.
   *
   * @param end of the value behind the key, or `DELETED`
   */
  add(buffer: Buffer, start: number, keyEnd: number, end: number): number {
    if ((this.#length + 1) * FIELDS > this.#fields.length) this.#grow()
    this.replace(this.#length, buffer, start, keyEnd, end)
    return this.#length++
  }

  /** The row has become another. */
  replace(row: number, buffer: Buffer, start: number, keyEnd: number, end: number): void {
    const fields = this.#fields
    const at = row * FIELDS
    fields[at] = this.#numberOf(buffer)
    fields[at + 1] = start
    fields[at + 2] = keyEnd
    fields[at + 3] = end
  }

  buffer(row: number): Buffer {
    return this.#buffers[this.#fields[row * FIELDS]!]!
  }

  start(row: number): number {
    return this.#fields[row * FIELDS + 1]!
  }

  keyEnd(row: number): number {
    return this.#fields[row * FIELDS + 2]!
  }

  end(row: number): number {
    return this.#fields[row * FIELDS + 3]!
  }

  clear(): void {
    this.#buffers.length = 0
    this.#length = 0
  }

  /** Rows of a commit lie one behind the other: mostly it is the buffer of the row before. */
  #numberOf(buffer: Buffer): number {
    const last = this.#buffers.length - 1
    return last >= 0 && this.#buffers[last] === buffer ? last : this.#buffers.push(buffer) - 1
  }

  #grow(): void {
    const fields = new Int32Array(this.#fields.length * 2)
    fields.set(this.#fields)
    this.#fields = fields
  }
}

const FIELDS = 4

/** Stands for the end of a row whose key is to be deleted. */
export const DELETED = -1

/**
 * Rows in buffers, by number: the start and the end of a key, and the end of the value that follows it. There may be a
 * hundred thousand, all alive until a commit is over: objects would outlive the young generation each time.
 */
export class RowList {
  readonly #buffers: Buffer[] = []
  /** Fields of each row: number of its buffer, start, end of the key, end of the value. */
  #fields = new Int32Array(64 * FIELDS)
  #length = 0

  get length(): number {
    return this.#length
  }

  /**
   * Adds a row and returns its number.
   *
   * @param end the end of the value that follows the key, or `DELETED`
   */
  add(buffer: Buffer, start: number, keyEnd: number, end: number): number {
    if ((this.#length + 1) * FIELDS > this.#fields.length) this.#grow()
    this.replace(this.#length, buffer, start, keyEnd, end)
    return this.#length++
  }

  /** Replaces a row. */
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

  /** Returns the number of a buffer. Rows of a commit follow one another: mostly it is the buffer of the row before. */
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

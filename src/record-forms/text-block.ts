/** Bytes of output that are collected, so that many records are one write. */
export class TextBlock {
  #buffer: Buffer
  #length = 0

  /** @param size bytes to begin with; it grows as needed */
  constructor(size = 128 * 1024) {
    this.#buffer = Buffer.allocUnsafe(size)
  }

  get length(): number {
    return this.#length
  }

  /** The bytes so far, valid until the next change. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  copy(source: Buffer, start: number, end: number): void {
    this.#reserve(end - start)
    this.#length += source.copy(this.#buffer, this.#length, start, end)
  }

  text(text: string): void {
    // A UTF-16 unit has at most three bytes in UTF-8.
    this.#reserve(text.length * 3)
    this.#length += this.#buffer.write(text, this.#length, 'utf8')
  }

  /** Forgets what came after the first `length` bytes. */
  cut(length: number): void {
    this.#length = length
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

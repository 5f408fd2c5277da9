/** The bytes of a page, for which there is more room whenever it is needed. */
export abstract class PageBuffer {
  protected buffer: Buffer
  #length = 0

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafeSlow(size)
  }

  get length(): number {
    return this.#length
  }

  /** Returns what was written. Nothing may be added afterwards. */
  finish(): Buffer {
    return this.buffer.subarray(0, this.#length)
  }

  /** Makes room for so many bytes at the end. Returns where they begin. */
  protected extend(length: number): number {
    const start = this.#length
    this.#length += length
    if (this.#length > this.buffer.length) {
      const next = Buffer.allocUnsafeSlow(Math.max(2 * this.buffer.length, this.#length))
      this.buffer.copy(next, 0, 0, start)
      this.buffer = next
    }
    return start
  }
}

/** Bytes up to which copying is cheaper than making a view that the collector has to clear away. */
const SHORT = 256

/** Shows a range of a buffer to a callee that keeps nothing of it; the view is valid until the next one is asked for. */
export class ShortView {
  readonly #bytes = Buffer.allocUnsafeSlow(SHORT)
  /** By length. */
  readonly #views: Buffer[] = []

  of(buffer: Buffer, start: number, end: number): Buffer {
    const length = end - start
    if (length >= SHORT) return buffer.subarray(start, end)
    buffer.copy(this.#bytes, 0, start, end)
    return (this.#views[length] ??= this.#bytes.subarray(0, length))
  }
}

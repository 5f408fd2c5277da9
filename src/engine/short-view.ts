import { copyBytes } from '../platform/copy-bytes.ts'

/** Bytes below which views are kept, and below which a copy is cheaper than a view that has to be garbage-collected. */
const SHORT = 256

/** Views of the start of a buffer. Short ones are made once for each length. */
export class HeadViews {
  readonly #buffer: Buffer
  readonly #short: Buffer[] = []

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  of(length: number): Buffer {
    if (length >= SHORT) return this.#buffer.subarray(0, length)
    return (this.#short[length] ??= this.#buffer.subarray(0, length))
  }
}

/** Shows a range of a buffer to a callee that keeps nothing of it. The view is valid until the next call. */
export class ShortView {
  readonly #bytes = Buffer.allocUnsafeSlow(SHORT)
  readonly #views = new HeadViews(this.#bytes)

  of(buffer: Buffer, start: number, end: number): Buffer {
    const length = end - start
    if (length >= SHORT) return buffer.subarray(start, end)
    copyBytes(buffer, start, end, this.#bytes, 0)
    return this.#views.of(length)
  }

  /** Returns a view as `of` does, for a buffer that may be overwritten meanwhile. */
  copyOf(buffer: Buffer, start: number, end: number): Buffer {
    return end - start < SHORT ? this.of(buffer, start, end) : Buffer.from(buffer.subarray(start, end))
  }
}

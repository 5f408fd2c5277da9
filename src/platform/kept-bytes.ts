/** Small enough that what is kept of a slab never holds much that is not; large enough to cost little to make. */
const SLAB = 8 * 1024
const EMPTY = Buffer.alloc(0)

/**
 * Memory for bytes that a store keeps for long, such as those of its entries. Node's own pool would mix them with what is soon forgotten, in
 * pieces of 64 KiB, and one entry would hold such a piece: with keys that come and go that was many times what the entries need.
 */
export class KeptBytes {
  #slab = EMPTY
  #used = 0

  /** These bytes, as a copy that may be kept. */
  of(source: Buffer, start: number, end: number): Buffer {
    const length = end - start
    if (length > SLAB / 4) {
      const alone = Buffer.allocUnsafeSlow(length)
      source.copy(alone, 0, start, end)
      return alone
    }
    if (this.#used + length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB)
      this.#used = 0
    }
    const kept = this.#slab.subarray(this.#used, (this.#used += length))
    source.copy(kept, 0, start, end)
    return kept
  }
}

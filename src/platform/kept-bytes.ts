import { NO_BYTES } from './no-bytes.ts'

/** Bytes of a slab: few enough that a kept piece never holds much unused memory, enough that slabs are seldom made. */
const SLAB = 8 * 1024

/**
 * Memory for bytes that a store keeps for long, such as those of its entries. Node's own pool would mix them with
 * short-lived bytes in pieces of 64 KiB, and one entry would hold such a piece: with keys that come and go, memory grew
 * to many times what the entries need.
 */
export class KeptBytes {
  #slab = NO_BYTES
  #used = 0

  /** Returns a copy of these bytes that may be kept. */
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

const SEED = 104729

/*
 * 64-bit arithmetic on pairs of 32-bit halves: a BigInt per step would be garbage on a hot path. `high` and `low` hold
 * the result of the latest operation.
 */
let high = 0
let low = 0

/**
 * Computes the 128-bit MurmurHash3 (x64 variant, seed 104729) that Kafka Streams puts into the subscriptions of
 * foreign-key joins, as 16 bytes: both 64-bit halves big-endian.
 *
 * @example
 * ```ts
 * murmur3(Buffer.from('foobar')).toString('hex')
 * ```
 */
export function murmur3(bytes: Uint8Array): Buffer {
  const length = bytes.length
  let h1High = 0
  let h1Low = SEED
  let h2High = 0
  let h2Low = SEED

  let at = 0
  for (; at + 16 <= length; at += 16) {
    mixFirst(word(bytes, at + 4), word(bytes, at))
    rotateLeft(h1High ^ high, h1Low ^ low, 27)
    add(high, low, h2High, h2Low)
    multiplyBy5Add(high, low, 0x52dce729)
    h1High = high
    h1Low = low

    mixSecond(word(bytes, at + 12), word(bytes, at + 8))
    rotateLeft(h2High ^ high, h2Low ^ low, 31)
    add(high, low, h1High, h1Low)
    multiplyBy5Add(high, low, 0x38495ab5)
    h2High = high
    h2Low = low
  }

  if (length - at > 8) {
    mixSecond(wordTo(bytes, at + 12, length), wordTo(bytes, at + 8, length))
    h2High ^= high
    h2Low ^= low
  }
  if (length > at) {
    mixFirst(wordTo(bytes, at + 4, length), wordTo(bytes, at, length))
    h1High ^= high
    h1Low ^= low
  }

  h1Low ^= length
  h2Low ^= length
  add(h1High, h1Low, h2High, h2Low)
  h1High = high
  h1Low = low
  add(h2High, h2Low, h1High, h1Low)
  h2High = high
  h2Low = low
  finish(h1High, h1Low)
  h1High = high
  h1Low = low
  finish(h2High, h2Low)
  h2High = high
  h2Low = low
  add(h1High, h1Low, h2High, h2Low)
  h1High = high
  h1Low = low
  add(h2High, h2Low, h1High, h1Low)

  const hash = Buffer.allocUnsafe(16)
  hash.writeInt32BE(h1High | 0, 0)
  hash.writeInt32BE(h1Low | 0, 4)
  hash.writeInt32BE(high | 0, 8)
  hash.writeInt32BE(low | 0, 12)
  return hash
}

/** Reads four bytes, little-endian. */
function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** Reads four bytes, little-endian; those from `end` on count as 0. */
function wordTo(bytes: Uint8Array, at: number, end: number): number {
  let result = 0
  for (let i = Math.min(at + 3, end - 1); i >= at; i--) result |= bytes[i]! << (8 * (i - at))
  return result
}

/** Mixes k1: times c1, rotated by 31, times c2. */
function mixFirst(kHigh: number, kLow: number): void {
  multiply(kHigh, kLow, 0x87c37b91, 0x114253d5)
  rotateLeft(high, low, 31)
  multiply(high, low, 0x4cf5ad43, 0x2745937f)
}

/** Mixes k2: times c2, rotated by 33, times c1. */
function mixSecond(kHigh: number, kLow: number): void {
  multiply(kHigh, kLow, 0x4cf5ad43, 0x2745937f)
  rotateLeft(high, low, 33)
  multiply(high, low, 0x87c37b91, 0x114253d5)
}

function finish(hHigh: number, hLow: number): void {
  shiftXor33(hHigh, hLow)
  multiply(high, low, 0xff51afd7, 0xed558ccd)
  shiftXor33(high, low)
  multiply(high, low, 0xc4ceb9fe, 0x1a85ec53)
  shiftXor33(high, low)
}

/** Computes h ^ (h >>> 33). */
function shiftXor33(hHigh: number, hLow: number): void {
  high = hHigh
  low = hLow ^ (hHigh >>> 1)
}

function add(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
  const sum = (aLow >>> 0) + (bLow >>> 0)
  low = sum | 0
  high = (aHigh + bHigh + (sum > 0xffffffff ? 1 : 0)) | 0
}

function multiplyBy5Add(aHigh: number, aLow: number, addend: number): void {
  multiply(aHigh, aLow, 0, 5)
  add(high, low, 0, addend)
}

/** Computes the low 64 bits of the product. */
function multiply(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
  const a0 = aLow & 0xffff
  const a1 = aLow >>> 16
  const b0 = bLow & 0xffff
  const b1 = bLow >>> 16
  const product00 = a0 * b0
  // At most 0xfffe0001 + 0xffff: below 2^32, and the sums stay exact below 2^53.
  const middle = a1 * b0 + (product00 >>> 16)
  const middle2 = a0 * b1 + (middle & 0xffff)
  const carry = a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(middle2 / 0x10000)
  low = ((middle2 & 0xffff) << 16) | (product00 & 0xffff)
  high = (carry + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) | 0
}

function rotateLeft(aHigh: number, aLow: number, by: number): void {
  const swapped = by >= 32
  const h = swapped ? aLow : aHigh
  const l = swapped ? aHigh : aLow
  const bits = swapped ? by - 32 : by
  high = bits === 0 ? h : (h << bits) | (l >>> (32 - bits))
  low = bits === 0 ? l : (l << bits) | (h >>> (32 - bits))
}

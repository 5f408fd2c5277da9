import { expect, test } from 'vitest'
import { murmur3 } from '../../src/record/murmur3.ts'

/** Bytes and hash as computed by Kafka Streams' `Murmur3.hash128`. */
const KNOWN: readonly (readonly [string, string])[] = [
  ['', '9d2764a018e329428c3cf3b035938518'],
  ['99', '9b95363c0237f3080bced6ca800ff584'],
  ['1834', 'e66d01ac80c91954bdb342ae63339f60'],
  ['5a94c9', '24c724ad764c5b4cced30aafbb33365e'],
  ['94aa2150847891d75da8ddddc46434af', 'b1b99e4222a0a52d52899b945692643d'],
  ['eb50781ae04364f9b3a3f3707eab79470b', '9ddcdffef8746ddfcad3923d6d097f43'],
  ['b66c499800da641a22a420ee9989ec985901', '292eca9eaa5eb67e53bd5ba21db09396'],
  ['2662199f0e33af179c6689465024424cc8942db5b9cfdf14d380620108d6bbd2b5', 'ec9cee5f18303b6549a880bf1983e1ac'],
]

test.each(KNOWN)('the hash of %s is the one Kafka Streams sends', (bytes, hash) => {
  expect(murmur3(Buffer.from(bytes, 'hex')).toString('hex')).toBe(hash)
})

test('agrees with the definition in 64-bit arithmetic for every length and sign of byte', () => {
  for (let length = 0; length < 70; length++) {
    const bytes = Buffer.from(Array.from({ length }, (_, i) => (i * 151 + length * 31) & 0xff))
    expect(murmur3(bytes).toString('hex'), `length ${length}`).toBe(reference(bytes))
  }
})

const MASK = (1n << 64n) - 1n
const C1 = 0x87c37b91114253d5n
const C2 = 0x4cf5ad432745937fn

function rotate(value: bigint, by: bigint): bigint {
  return ((value << by) | (value >> (64n - by))) & MASK
}

function finish(value: bigint): bigint {
  let h = value ^ (value >> 33n)
  h = (h * 0xff51afd7ed558ccdn) & MASK
  h ^= h >> 33n
  h = (h * 0xc4ceb9fe1a85ec53n) & MASK
  return h ^ (h >> 33n)
}

function reference(bytes: Buffer): string {
  const blocks = Math.floor(bytes.length / 16)
  let h1 = 104729n
  let h2 = 104729n
  const mix1 = (k: bigint): bigint => (rotate((k * C1) & MASK, 31n) * C2) & MASK
  const mix2 = (k: bigint): bigint => (rotate((k * C2) & MASK, 33n) * C1) & MASK
  for (let i = 0; i < blocks; i++) {
    h1 = (((rotate(h1 ^ mix1(bytes.readBigUInt64LE(i * 16)), 27n) + h2) & MASK) * 5n + 0x52dce729n) & MASK
    h2 = (((rotate(h2 ^ mix2(bytes.readBigUInt64LE(i * 16 + 8)), 31n) + h1) & MASK) * 5n + 0x38495ab5n) & MASK
  }
  const tail = Buffer.alloc(16)
  bytes.copy(tail, 0, blocks * 16)
  h2 ^= mix2(tail.readBigUInt64LE(8))
  h1 ^= mix1(tail.readBigUInt64LE(0))
  h1 ^= BigInt(bytes.length)
  h2 ^= BigInt(bytes.length)
  h1 = (h1 + h2) & MASK
  h2 = (h2 + h1) & MASK
  h1 = finish(h1)
  h2 = finish(h2)
  h1 = (h1 + h2) & MASK
  h2 = (h2 + h1) & MASK
  return h1.toString(16).padStart(16, '0') + h2.toString(16).padStart(16, '0')
}

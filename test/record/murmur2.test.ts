import { expect, test } from 'vitest'
import { murmur2, partitionForKey } from '../../src/record/murmur2.ts'

test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('hashes %s as Java does', (text, hash) => {
  const bytes = Buffer.from(text)
  expect(murmur2(bytes, 0, bytes.length)).toBe(hash)
})

test('hashes only the given range', () => {
  const bytes = Buffer.from('xxfoobaryy')
  expect(murmur2(bytes, 2, 8)).toBe(-790332482)
})

test('spreads keys over partitions as the Java producer does', () => {
  const partitions = Array.from({ length: 12 }, (_, index) => {
    const key = Buffer.from(`key-${index}`)
    return partitionForKey(key, 0, key.length, 3)
  })
  expect(partitions.join('')).toBe('102202211021')
})

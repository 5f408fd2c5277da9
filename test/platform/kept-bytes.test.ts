import { expect, test } from 'vitest'
import { KeptBytes } from '../../src/platform/kept-bytes.ts'

test('bytes that are kept are a copy, and hold little more memory than their own, whatever their size', () => {
  const kept = new KeptBytes()
  const source = Buffer.from('some bytes that are overwritten')
  const copies = Array.from({ length: 2000 }, (_, i) => kept.of(source, i % 7, 10 + (i % 20)))
  const expected = copies.map((_, i) => source.toString('utf8', i % 7, 10 + (i % 20)))
  source.fill(0)
  expect(copies.map((copy) => copy.toString('utf8'))).toEqual(expected)
  for (const copy of copies) expect(copy.buffer.byteLength).toBeLessThanOrEqual(8192)
  const used = copies.reduce((sum, copy) => sum + copy.length, 0)
  const held = new Set(copies.map((copy) => copy.buffer)).size * 8192
  expect(held).toBeLessThan(used + 2 * 8192)
  expect(kept.of(Buffer.alloc(100_000, 1), 0, 100_000).buffer.byteLength).toBe(100_000)
})

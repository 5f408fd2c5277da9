import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyOrder } from '../../src/engine/key-order.ts'
import { RowList } from '../../src/engine/row-list.ts'

function rowsOf(keys: readonly Uint8Array[]): RowList {
  const rows = new RowList()
  // A value follows each key, and must not be taken for a part of it.
  for (const [i, key] of keys.entries()) rows.add(Buffer.from([...key, 255 - i]), 0, key.length, key.length + 1)
  return rows
}

const keysOf = (keys: readonly Uint8Array[]): string[] => [...keyOrder(rowsOf(keys))].map((row) => hex(keys[row]!))
const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')

describe('the order of rows for the engine', () => {
  it('is the order of their keys, as far as keys differ in the bytes behind those they have in common', () => {
    const short = fc.uint8Array({ maxLength: 5 })
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 20 }),
        fc.uniqueArray(short, { selector: hex, maxLength: 200 }),
        (head, ends) => {
          // If one key is another key followed by zeros, either may be first.
          const keys = ends.filter((end) => end.at(-1) !== 0).map((end) => Uint8Array.of(...head, ...end))
          expect(keysOf(keys)).toEqual(keys.map(hex).sort())
        },
      ),
    )
  })

  it('has every row once, and rows of the same key as they were', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 300 }), (keys) => {
        const order = [...keyOrder(rowsOf(keys))]
        expect(order.toSorted((a, b) => a - b)).toEqual(keys.map((_, i) => i))
        const seen = new Map<string, number>()
        for (const row of order) {
          const key = hex(keys[row]!)
          expect(row).toBeGreaterThan(seen.get(key) ?? -1)
          seen.set(key, row)
        }
      }),
    )
  })
})

import { describe, expect, test } from 'vitest'
import { KeyTable } from '../../../src/state/entries/key-table.ts'
import { Random } from '../support/random.ts'

interface Row {
  readonly mapKey: unknown
  readonly bytes: number
  referenced: boolean
}

const rowOf = (mapKey: unknown): Row => ({ mapKey, bytes: 10, referenced: false })

function tableOf(keys: readonly unknown[]): KeyTable<Row> {
  const table = new KeyTable<Row>()
  for (const key of keys) table.add(rowOf(key))
  return table
}

const keysOf = (table: KeyTable<Row>): unknown[] => Array.from(table, ({ mapKey }) => mapKey)

describe('entries by key', () => {
  test.each<readonly [string, (i: number) => unknown]>([
    ['texts that begin alike', (i) => `account-${i}`],
    ['texts of any script', (i) => String.fromCodePoint(0x1f600 + i)],
    ['whole numbers', (i) => i - 100],
    ['numbers that only a float holds', (i) => i / 7 + 2 ** 40],
    ['numbers that differ in their last bits only', (i) => 2n ** 62n + BigInt(i)],
    ['numbers beyond 64 bits', (i) => 2n ** 70n * BigInt(i)],
  ])('are as those of a Map, whatever is added and removed: %s', (_, keyOf) => {
    const random = new Random(7)
    const table = new KeyTable<Row>()
    const model = new Map<unknown, Row>()
    for (let step = 0; step < 20_000; step++) {
      // Grows to some hundreds of entries, and shrinks to few again.
      const grows = Math.floor(step / 2_500) % 2 === 0
      const key = keyOf(random.below(500))
      const known = model.get(key)
      expect(table.find(key)).toBe(known)
      if (known === undefined && (grows || random.below(10) === 0)) {
        const row = rowOf(key)
        table.add(row)
        model.set(key, row)
      } else if (known !== undefined && (!grows || random.below(4) === 0)) {
        table.remove(known)
        model.delete(key)
      }
      expect(table.size).toBe(model.size)
    }
    expect(new Set(table)).toEqual(new Set(model.values()))
  })

  test('are told apart as a Map tells keys apart', () => {
    const table = tableOf([Number.NaN, 0, '0', 0n, true, false, ''])
    expect(table.find(Number.NaN)?.mapKey).toBeNaN()
    expect(table.find(-0)?.mapKey).toBe(0)
    for (const key of ['0', 0n, true, false, '']) expect(table.find(key)?.mapKey).toBe(key)
    expect(table.find(1)).toBeUndefined()
    expect(table.find('NaN')).toBeUndefined()
  })

  test('another entry of the same key is not removed in its place', () => {
    const table = tableOf(['a'])
    table.remove(rowOf('a'))
    expect(table.size).toBe(1)
    table.remove(table.find('a')!)
    table.remove(rowOf('a'))
    expect(table.size).toBe(0)
  })

  test('are gone after a clear, and may come again', () => {
    const table = tableOf(Array.from({ length: 1_000 }, (_, i) => i))
    table.clear()
    expect([table.size, table.find(5), keysOf(table)]).toEqual([0, undefined, []])
    table.add(rowOf(5))
    expect(table.find(5)?.mapKey).toBe(5)
  })
})

describe('a sweep', () => {
  function swept(table: KeyTable<Row>, down: number, mayGo: (row: Row) => boolean = () => true): unknown[] {
    const resident = { bytes: table.size * 10 }
    const gone: unknown[] = []
    table.sweep(resident, down, (row) => {
      if (!mayGo(row)) return false
      if (row.referenced) {
        row.referenced = false
        return false
      }
      resident.bytes -= row.bytes
      gone.push(row.mapKey)
      return true
    })
    return gone
  }

  test('goes on where the last one ended, so that what came in last goes last', () => {
    const table = tableOf(['a', 'b', 'c', 'd'])
    expect(swept(table, 20)).toEqual(['a', 'b'])
    table.add(rowOf('e'))
    table.add(rowOf('f'))
    expect(swept(table, 20)).toEqual(['c', 'd'])
    expect(keysOf(table).toSorted()).toEqual(['e', 'f'])
  })

  test('spares once what has been used since the last one', () => {
    const table = tableOf(['a', 'b', 'c'])
    table.find('a')!.referenced = true
    expect(swept(table, 20)).toEqual(['b'])
    expect(swept(table, 10)).toEqual(['c'])
    expect(swept(table, 0)).toEqual(['a'])
  })

  test('ends when nothing more may go', () => {
    const table = tableOf(['a', 'b', 'c'])
    for (const row of table) row.referenced = true
    expect(swept(table, 0, ({ mapKey }) => mapKey === 'b')).toEqual(['b'])
    expect(swept(table, 0, () => false)).toEqual([])
    expect(swept(tableOf([]), -1)).toEqual([])
  })

  test('passes all of many, also while the table shrinks below it', () => {
    const keys = Array.from({ length: 5_000 }, (_, i) => `key-${i}`)
    const table = tableOf(keys)
    const odd = ({ mapKey }: Row): boolean => Number(String(mapKey).slice(4)) % 50 !== 0
    expect(swept(table, 0, odd)).toHaveLength(4_900)
    expect(table.size).toBe(100)
    for (const key of keys) expect(table.find(key) === undefined).toBe(odd(rowOf(key)))
  })
})

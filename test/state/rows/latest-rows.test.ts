import { describe, expect, it } from 'vitest'
import { LatestRows } from '../../../src/state/rows/latest-rows.ts'
import { WriteBatch } from '../../../src/engine/write-batch.ts'

/** What the batch puts (a value) and deletes (null). */
function written(rows: LatestRows): Map<string, string | null> {
  const batch = new WriteBatch()
  rows.moveTo(batch)
  const found = new Map<string, string | null>()
  for (let i = 0; i < batch.length; i++) {
    const key = batch.key(i).toString()
    expect(found.has(key), `${key} is there once`).toBe(false)
    found.set(key, batch.kind(i) === 'delete' ? null : batch.value(i).toString())
  }
  return found
}

function put(rows: LatestRows, key: string, value: string | null): void {
  rows.begin().latin1(key)
  if (value === null) rows.delete()
  else {
    rows.endKey().latin1(value)
    rows.put()
  }
}

describe('rows of a replayed changelog', () => {
  it('are the last of each key, whatever came before', () => {
    const rows = new LatestRows()
    const expected = new Map<string, string | null>()
    let seed = 1
    const random = (below: number): number => (seed = (seed * 48_271) % 0x7fff_ffff) % below
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 20_000; i++) {
        const key = `key ${random(5000)}`
        const value = random(10) === 0 ? null : String(random(1e9)).repeat(1 + random(3))
        put(rows, key, value)
        expected.set(key, value)
      }
      expect(rows.length).toBe(expected.size)
      expect(written(rows)).toEqual(expected)
      expected.clear()
      if (round === 1) rows.release()
    }
  })

  it('tell apart keys of which one begins with the other, and the empty one', () => {
    const rows = new LatestRows()
    put(rows, 'a', '1')
    put(rows, '', '0')
    put(rows, 'ab', '2')
    put(rows, 'a', 'longer')
    put(rows, 'ab', null)
    put(rows, '', '')
    expect(written(rows)).toEqual(
      new Map([
        ['a', 'longer'],
        ['', ''],
        ['ab', null],
      ]),
    )
  })

  it('take no more room however often a key changes, as long as its value stays as long', () => {
    const rows = new LatestRows()
    for (let i = 0; i < 500_000; i++) put(rows, `k${i % 100}`, String(1_000_000 + i))
    expect(rows.isFull).toBe(false)
    expect(rows.length).toBe(100)
    expect(written(rows).get('k99')).toBe('1499999')
  })

  it('are full after many keys, and after many bytes', () => {
    const many = new LatestRows()
    for (let i = 0; !many.isFull; i++) put(many, `k${i}`, 'v')
    expect(many.length).toBeGreaterThan(1000)
    const large = new LatestRows()
    for (let i = 0; !large.isFull; i++) put(large, 'k', 'v'.repeat(100_000 + i))
    expect(large.length).toBe(1)
    expect(written(large).get('k')!.length).toBeGreaterThan(100_000)
  })

  it('are gone when they are dropped', () => {
    const rows = new LatestRows()
    put(rows, 'dropped', '1')
    put(rows, 'dropped', '2')
    rows.release()
    put(rows, 'kept', '3')
    expect(written(rows)).toEqual(new Map([['kept', '3']]))
  })
})

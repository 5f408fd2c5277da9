import { expect, test } from 'vitest'
import { EvictionHand } from '../../../src/state/entries/eviction-hand.ts'

interface Row {
  readonly mapKey: string
  referenced: boolean
}

/** Ten bytes a row. */
function handOver(keys: readonly string[], mayGo: (row: Row) => boolean = () => true) {
  const rows = new Map<string, Row>()
  const put = (mapKey: string): unknown => rows.set(mapKey, { mapKey, referenced: false })
  for (const key of keys) put(key)
  const resident = {
    get bytes(): number {
      return 10 * rows.size
    },
  }
  const hand = new EvictionHand<Row>(rows, (row) => {
    if (!mayGo(row) || row.referenced) {
      row.referenced = false
      return false
    }
    return true
  })
  return { rows, put, evict: (bytes: number) => hand.evict(resident, bytes), left: () => [...rows.keys()] }
}

test('it goes on where it stopped, so that what came in last goes last', () => {
  const { put, evict, left } = handOver(['a', 'b', 'c', 'd'])
  evict(20)
  expect(left()).toEqual(['c', 'd'])
  put('e')
  put('f')
  evict(20)
  expect(left()).toEqual(['e', 'f'])
})

test('what has been used since it passed is spared once', () => {
  const { rows, evict, left } = handOver(['a', 'b', 'c'])
  rows.get('a')!.referenced = true
  evict(10)
  expect(left()).toEqual(['a', 'c'])
  evict(20)
  expect(left()).toEqual([])
})

test('it ends when nothing more may go', () => {
  const { evict, left } = handOver(['a', 'b', 'c'], ({ mapKey }) => mapKey === 'b')
  evict(30)
  expect(left()).toEqual(['a', 'c'])
  evict(30)
  expect(left()).toEqual(['a', 'c'])
})

import { describe, expect, test } from 'vitest'
import { endOfRecordSet, readRecordSet } from '../../../src/kafka/records/record-set.ts'
import { batchOf, marker, valuesOf } from './batches.ts'

const place = { topic: 'payments', partition: 0 }

function transaction(values: string[], producerId: number, baseOffset: number): Buffer {
  return batchOf(values, { producerId, baseOffset, transactional: true })
}

describe('only committed records are shown', () => {
  test('every aborted transaction of a producer is left out, not just the last of the response', () => {
    const set = Buffer.concat([
      transaction(['a0', 'a1'], 7, 0),
      marker('abort', 7, 2),
      transaction(['c0'], 7, 3),
      marker('commit', 7, 4),
      transaction(['a2'], 7, 5),
      marker('abort', 7, 6),
      transaction(['c1'], 7, 7),
      marker('commit', 7, 8),
    ])
    const aborted = [
      { producerId: 7, firstOffset: 5 },
      { producerId: 7, firstOffset: 0 },
    ]
    const cursors = readRecordSet(place, set, 0, aborted)
    expect(valuesOf(cursors)).toEqual(['c0', 'c1'])
    expect(cursors.map(({ endOffset }) => endOffset)).toEqual([7, 9])
  })

  test('an aborted transaction whose marker comes in a later response', () => {
    const first = transaction(['a0', 'a1'], 7, 10)
    const second = Buffer.concat([
      transaction(['a2'], 7, 12),
      marker('abort', 7, 13),
      transaction(['c0'], 7, 14),
      marker('commit', 7, 15),
    ])
    const aborted = [{ producerId: 7, firstOffset: 10 }]
    expect(valuesOf(readRecordSet(place, first, 10, aborted))).toEqual([])
    expect(valuesOf(readRecordSet(place, second, 12, aborted))).toEqual(['c0'])
  })

  test('producers that interleave are told apart', () => {
    const set = Buffer.concat([
      transaction(['a0'], 1, 0),
      transaction(['c0'], 2, 1),
      batchOf(['plain'], { baseOffset: 2 }),
      transaction(['a1'], 1, 3),
      marker('commit', 2, 4),
      marker('abort', 1, 5),
    ])
    const cursors = readRecordSet(place, set, 0, [{ producerId: 1, firstOffset: 0 }])
    expect(valuesOf(cursors)).toEqual(['c0', 'plain'])
    expect(cursors.at(-1)!.endOffset).toBe(6)
  })

  test('records of an aborting producer outside of a transaction are kept', () => {
    const set = Buffer.concat([
      batchOf(['plain'], { producerId: 1, baseOffset: 0 }),
      transaction(['a0'], 1, 1),
      marker('abort', 1, 2),
    ])
    expect(valuesOf(readRecordSet(place, set, 0, [{ producerId: 1, firstOffset: 0 }]))).toEqual(['plain'])
  })
})

describe('the position moves past what is not shown', () => {
  test('control records after data extend its cursor', () => {
    const set = Buffer.concat([transaction(['c0'], 7, 0), marker('commit', 7, 1)])
    expect(readRecordSet(place, set, 0, []).map(({ endOffset, remaining }) => [endOffset, remaining])).toEqual([[2, 1]])
  })

  test('where there is nothing else there is no cursor, and the record set says where it ends', () => {
    const set = Buffer.concat([transaction(['a'], 7, 3), marker('abort', 7, 4)])
    expect(readRecordSet(place, set, 3, [{ producerId: 7, firstOffset: 3 }])).toEqual([])
    expect(endOfRecordSet(set)).toBe(5)
  })

  test('control records that are no transaction markers are skipped too', () => {
    expect(valuesOf(readRecordSet(place, batchOf(['internal'], { attributes: 0x20 }), 0, []))).toEqual([])
  })
})

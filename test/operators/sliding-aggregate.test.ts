import { describe, expect, test } from 'vitest'
import type { Folding } from '../../src/topology/operator-spec.ts'
import { sliding } from '../../src/windowing/windows.ts'
import { FakeWindow, openCursors } from './support/fake-states.ts'
import { Harness } from './support/harness.ts'

const concat: Folding = { kind: 'reduce', reducer: (aggregate, value) => `${aggregate}${value}` }

function windowed(
  difference: number,
  grace: number,
  options: { folding?: Folding; emitOnClose?: boolean; sendOldValues?: boolean; compatible?: boolean } = {},
) {
  const spec = {
    op: 'slidingAggregate',
    store: 's',
    windows: sliding(difference, { grace }),
    folding: options.folding ?? concat,
    emitOnClose: options.emitOnClose ?? false,
    sendOldValues: options.sendOldValues ?? false,
  } as const
  return new Harness({ n: [spec, 'out'] }, [new FakeWindow('s', { retention: 2 * difference + grace })], options)
}

describe('sliding windows', () => {
  test('one window for every set of records that are close to each other', () => {
    const harness = windowed(10, 50)
    expect(harness.pipe('n', 'a', 'A', 20)).toEqual(['a[10,20]=A@20'])
    expect(harness.pipe('n', 'a', 'B', 25)).toEqual(['a[21,31]=B@25', 'a[15,25]=AB@25'])
    expect(harness.pipe('n', 'a', 'C', 31)).toEqual(['a[21,31]=BC@31', 'a[26,36]=C@31'])
    expect(harness.pipe('n', 'a', 'D', 22)).toEqual([
      'a[21,31]=BCD@31',
      'a[15,25]=ABD@25',
      'a[12,22]=AD@22',
      'a[23,33]=BC@31',
    ])
    expect(harness.pipe('n', 'a', 'E', 20)).toEqual(['a[15,25]=ABDE@25', 'a[12,22]=ADE@22', 'a[10,20]=AE@20'])
    expect(openCursors()).toBe(0)
  })

  test('records before the first full window share the window [0, difference]', () => {
    const harness = windowed(10, 50)
    expect(harness.pipe('n', 'a', 'A', 3)).toEqual(['a[0,10]=A@3'])
    expect(harness.pipe('n', 'a', 'B', 5)).toEqual(['a[4,14]=B@5', 'a[0,10]=AB@5'])
    expect(harness.pipe('n', 'a', 'C', 12)).toEqual(['a[4,14]=BC@12', 'a[6,16]=C@12', 'a[2,12]=ABC@12'])
    expect(harness.pipe('n', 'a', 'D', 4)).toEqual([
      'a[2,12]=ABCD@12',
      'a[4,14]=BCD@12',
      'a[5,15]=BC@12',
      'a[0,10]=ABD@5',
    ])
  })

  test('a record whose own window is closed still updates the open ones', () => {
    const harness = windowed(10, 0)
    expect(harness.pipe('n', 'a', 'A', 20)).toEqual(['a[10,20]=A@20'])
    expect(harness.pipe('n', 'a', 'B', 30)).toEqual(['a[21,31]=B@30', 'a[20,30]=AB@30'])
    expect(harness.pipe('n', 'a', 'C', 20)).toEqual(['a[20,30]=ABC@30'])
    expect(harness.drops).toEqual(['late'])
    expect(harness.pipe('n', 'a', 'D', 19)).toEqual([])
    expect(harness.drops).toEqual(['late', 'late'])
  })

  test('null keys and null values are dropped', () => {
    const harness = windowed(10, 0)
    expect([...harness.pipe('n', null, 'A', 20), ...harness.pipe('n', 'a', null, 20)]).toEqual([])
    expect(harness.drops).toEqual(['null-key', 'null-value'])
  })

  test('a difference of 0 makes a window of each timestamp', () => {
    const harness = windowed(0, 10)
    expect(harness.pipe('n', 'a', 'A', 5)).toEqual(['a[5,5]=A@5'])
    expect(harness.pipe('n', 'a', 'B', 5)).toEqual(['a[5,5]=AB@5'])
    expect(harness.pipe('n', 'a', 'C', 6)).toEqual(['a[6,6]=C@6'])
  })

  test('windows made of each other do not share an aggregate that is changed in place', () => {
    const folding: Folding = {
      kind: 'aggregate',
      initializer: (): unknown[] => [],
      aggregator: (list, value) => {
        if (Array.isArray(list)) list.push(value)
        return list
      },
    }
    const harness = windowed(10, 50, { folding })
    harness.pipe('n', 'a', 'A', 20)
    expect(harness.pipe('n', 'a', 'B', 25)).toEqual(['a[21,31]=["B"]@25', 'a[15,25]=["A","B"]@25'])
    harness.pipe('n', 'a', 'C', 31)
    expect(harness.pipe('n', 'a', 'D', 22)).toEqual([
      'a[21,31]=["B","C","D"]@31',
      'a[15,25]=["A","B","D"]@25',
      'a[12,22]=["A","D"]@22',
      'a[23,33]=["B","C"]@31',
    ])
    expect(harness.pipe('n', 'a', 'E', 20)).toEqual([
      'a[15,25]=["A","B","D","E"]@25',
      'a[12,22]=["A","D","E"]@22',
      'a[10,20]=["A","E"]@20',
    ])
  })

  test('a new window has no old value; Kafka Streams gives what it was seeded with', () => {
    const feed = (compatible: boolean): string[] => {
      const harness = windowed(10, 50, { sendOldValues: true, compatible })
      harness.pipe('n', 'a', 'A', 20)
      return harness.pipe('n', 'a', 'B', 25)
    }
    expect(feed(false)).toEqual(['a[21,31]=B@25', 'a[15,25]=AB@25'])
    expect(feed(true)).toEqual(['a[21,31]=B@25', 'a[15,25]=AB<A@25'])
  })

  test('results on close: every window once, after its end and grace, also when stream time jumps', () => {
    const harness = windowed(10, 0, { emitOnClose: true })
    expect(harness.pipe('n', 'a', 'A', 20)).toEqual([])
    expect(harness.pipe('n', 'a', 'B', 25)).toEqual(['a[10,20]=A@20'])
    expect(harness.pipe('n', 'a', 'C', 1000)).toEqual(['a[15,25]=AB@25', 'a[21,31]=B@25'])
    expect(harness.pipe('n', 'a', 'D', 1001)).toEqual(['a[990,1000]=C@1000'])
  })
})

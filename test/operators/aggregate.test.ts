import { describe, expect, test } from 'vitest'
import type { Folding } from '../../src/topology/operator-spec.ts'
import { Headers } from '../../src/record/headers.ts'
import { FakeKeyValue, FakeVersioned } from './support/fake-states.ts'
import { Harness } from './support/harness.ts'
import type { HarnessOptions } from './support/harness.ts'

const reduce: Folding = {
  kind: 'reduce',
  reducer: (aggregate, value) => (value === 'del' ? null : `${aggregate}${value}`),
}
const aggregate: Folding = {
  kind: 'aggregate',
  initializer: () => 'I',
  aggregator: (sum, value) => (value === 'del' ? null : `${sum}${value}`),
}
/** Changes the aggregate in place and returns it. */
const mutating: Folding = {
  kind: 'aggregate',
  initializer: (): unknown[] => [],
  aggregator: (list, value) => {
    if (value === 'throw') {
      if (Array.isArray(list)) list.push('half done')
      throw new Error('user error')
    }
    if (Array.isArray(list)) list.push(value)
    return list
  },
}

function grouped(folding: Folding, options: HarnessOptions & { sendOldValues?: boolean; cached?: boolean } = {}) {
  const store = new FakeKeyValue('s', options.cached)
  const spec = { op: 'aggregate', store: 's', folding, sendOldValues: options.sendOldValues ?? false } as const
  return new Harness({ n: [spec, 'out'] }, [store], options)
}

describe('aggregations of streams', () => {
  test('count: null keys and values are dropped, results are stamped with the greatest timestamp', () => {
    const harness = grouped({ kind: 'count' })
    expect(harness.pipe('n', 'a', 'x', 10)).toEqual(['a=1@10'])
    expect(harness.pipe('n', 'a', 'y', 5)).toEqual(['a=2@10'])
    expect(harness.pipe('n', 'a', null, 20)).toEqual([])
    expect(harness.pipe('n', null, 'z', 21)).toEqual([])
    expect(harness.pipe('n', 'a', 'w', 30)).toEqual(['a=3@30'])
    expect(harness.drops).toEqual(['null-value', 'null-key'])
  })

  test('reduce: the first value is the aggregate; a null result deletes, timestamp included', () => {
    const harness = grouped(reduce)
    expect(harness.pipe('n', 'a', 'x', 10)).toEqual(['a=x@10'])
    expect(harness.pipe('n', 'a', 'y', 5)).toEqual(['a=xy@10'])
    expect(harness.pipe('n', 'a', 'del', 20)).toEqual(['a=∅@20'])
    expect(harness.pipe('n', 'a', 'z', 7)).toEqual(['a=z@7'])
  })

  test('aggregate: starts from the initializer again after a deletion', () => {
    const harness = grouped(aggregate)
    expect(harness.pipe('n', 'a', 'x', 10)).toEqual(['a=Ix@10'])
    expect(harness.pipe('n', 'a', 'del', 20)).toEqual(['a=∅@20'])
    expect(harness.pipe('n', 'a', 'z', 7)).toEqual(['a=Iz@7'])
  })

  test('results carry the headers of the record that caused them', () => {
    expect(grouped({ kind: 'count' }).pipe('n', 'a', 'x', 1, new Headers().add('h', '1'))).toEqual(['a=1@1 h=h'])
  })

  test('old values are those before the update, even if the aggregator changes its argument', () => {
    const harness = grouped(mutating, { sendOldValues: true })
    expect(harness.pipe('n', 'a', 1, 1)).toEqual(['a=[1]@1'])
    expect(harness.pipe('n', 'a', 2, 2)).toEqual(['a=[1,2]<[1]@2'])
    expect(harness.pipe('n', 'a', 3, 3)).toEqual(['a=[1,2,3]<[1,2]@3'])
  })

  test('compatible: a key without old value has the initial one, as in Kafka Streams', () => {
    expect(grouped({ kind: 'count' }, { sendOldValues: true, compatible: true }).pipe('n', 'a', 'x', 1)).toEqual([
      'a=1<0@1',
    ])
    expect(grouped(reduce, { sendOldValues: true, compatible: true }).pipe('n', 'a', 'x', 1)).toEqual(['a=x@1'])
    expect(grouped({ kind: 'count' }, { sendOldValues: true }).pipe('n', 'a', 'x', 1)).toEqual(['a=1@1'])
  })

  test('an aggregator that throws half way leaves the aggregate as it was, if processing may go on', () => {
    const harness = grouped(mutating, { mayContinue: true })
    harness.pipe('n', 'a', 1, 1)
    expect(() => harness.pipe('n', 'a', 'throw', 2)).toThrow('user error')
    expect(harness.pipe('n', 'a', 3, 3)).toEqual(['a=[1,3]@3'])
  })

  test('a reduced value is not shared with the record it came from', () => {
    const first = { n: 1 }
    const harness = grouped({ kind: 'reduce', reducer: (sum) => sum })
    harness.pipe('n', 'a', first, 1)
    first.n = 99
    expect(harness.pipe('n', 'a', { n: 2 }, 2)).toEqual(['a={"n":1}@2'])
  })

  test('with a cache, nothing is forwarded until it is flushed, and then once a key', () => {
    const harness = grouped({ kind: 'count' }, { cached: true, sendOldValues: true })
    expect([
      ...harness.pipe('n', 'a', 'x', 5),
      ...harness.pipe('n', 'a', 'x', 3),
      ...harness.pipe('n', 'b', 'x', 4),
    ]).toEqual([])
    expect(harness.flush()).toEqual(['a=2@5', 'b=1@4'])
    harness.pipe('n', 'a', 'x', 9)
    expect(harness.flush()).toEqual(['a=3<2@9'])
  })

  test('in a versioned store updates are marked if a later one exists, and rejected ones go nowhere', () => {
    const drops: string[] = []
    const store = new FakeVersioned('s', 100, () => drops.push('rejected'))
    const spec = { op: 'tableSource', store: 's', versioned: true, sendOldValues: true } as const
    const harness = new Harness({ n: [spec, 'out'] }, [store])
    expect(harness.pipe('n', 'k', 'a10', 10)).toEqual(['k=a10@10'])
    expect(harness.pipe('n', 'k', 'a5', 5)).toEqual(['k=a5<a10!@5'])
    expect(harness.pipe('n', 'j', 'x', 200)).toEqual(['j=x@200'])
    expect(harness.pipe('n', 'k', 'y', 99)).toEqual([])
    expect(harness.pipe('n', 'k', 'z', 100)).toEqual(['k=z<a10@100'])
    expect(drops).toEqual(['rejected'])
  })
})

import { describe, expect, test } from 'vitest'
import { Change } from '../../src/record/change.ts'
import type { OperatorSpec } from '../../src/topology/operator-spec.ts'
import { FakeKeyValue, FakeVersioned } from './support/fake-states.ts'
import { Harness } from './support/harness.ts'

const source = { op: 'tableSource', store: null, versioned: false, sendOldValues: false } as const
const stored = { op: 'tableSource', store: 'in', versioned: false, sendOldValues: true } as const
const longerThanOne = (value: unknown): boolean => String(value).length > 1

function feed(harness: Harness, ...records: readonly (readonly [unknown, unknown, number])[]): string[][] {
  return records.map(([key, value, timestamp]) => harness.pipe('t', key, value, timestamp))
}

describe('table sources', () => {
  const records = [
    ['a', null, 1],
    ['a', 'x', 10],
    ['a', 'y', 5],
    [null, 'q', 6],
  ] as const

  test('take upserts in the order in which they come, whatever their timestamps', () => {
    const harness = new Harness({ t: [stored, 's'], s: [{ op: 'tableToStream' }, 'out'] }, [new FakeKeyValue('in')])
    expect(feed(harness, ...records)).toEqual([['a=∅@1'], ['a=x@10'], ['a=y@5'], []])
    expect(harness.drops).toEqual(['null-key'])
  })

  test('send old values if asked', () => {
    const harness = new Harness({ t: [stored, 'out'] }, [new FakeKeyValue('in')])
    expect(feed(harness, ...records)).toEqual([['a=∅@1'], ['a=x@10'], ['a=y<x@5'], []])
    const without = new Harness({ t: [{ ...stored, sendOldValues: false }, 'out'] }, [new FakeKeyValue('in')])
    expect(feed(without, ...records)).toEqual([['a=∅@1'], ['a=x@10'], ['a=y@5'], []])
  })

  test('a global table keeps its rows and counts null keys', () => {
    const store = new FakeKeyValue('g')
    const harness = new Harness({ t: [{ op: 'globalTableSource', store: 'g' }] }, [store])
    feed(harness, ['a', 'x', 1], ['b', 'y', 2], ['a', null, 3], [null, 'z', 4])
    expect([...store.rows.values()].map(({ value }) => value)).toEqual(['y'])
    expect(harness.drops).toEqual(['null-key'])
  })
})

describe('table filter', () => {
  const records = [
    ['a', 'x', 1],
    ['a', 'xx', 2],
    ['a', 'y', 3],
    ['a', 'z', 4],
    ['a', null, 5],
  ] as const
  const filter = {
    op: 'tableFilter',
    predicate: longerThanOne,
    not: false,
    store: null,
    versioned: false,
    sendOldValues: false,
    parentSendsOldValues: false,
  } as const

  test('sends tombstones for all it rejects where it does not know what was before', () => {
    const harness = new Harness({ t: [source, 'f'], f: [filter, 'out'] })
    expect(feed(harness, ...records)).toEqual([['a=∅@1'], ['a=xx@2'], ['a=∅@3'], ['a=∅@4'], ['a=∅@5']])
    const own = new Harness({ t: [source, 'f'], f: [{ ...filter, store: 'own' }, 'out'] }, [new FakeKeyValue('own')])
    expect(feed(own, ...records)).toEqual([['a=∅@1'], ['a=xx@2'], ['a=∅@3'], ['a=∅@4'], ['a=∅@5']])
  })

  test('omits useless tombstones where the old value is known', () => {
    const informed = { ...filter, parentSendsOldValues: true }
    const harness = new Harness({ t: [stored, 'f'], f: [informed, 's'], s: [{ op: 'tableToStream' }, 'out'] }, [
      new FakeKeyValue('in'),
    ])
    expect(feed(harness, ...records)).toEqual([[], ['a=xx@2'], ['a=∅@3'], [], []])
  })

  test('with versioned semantics tombstones always pass', () => {
    const versioned = { ...filter, parentSendsOldValues: true, versioned: true }
    const harness = new Harness({ t: [stored, 'f'], f: [versioned, 's'], s: [{ op: 'tableToStream' }, 'out'] }, [
      new FakeKeyValue('in'),
    ])
    expect(feed(harness, ...records)).toEqual([['a=∅@1'], ['a=xx@2'], ['a=∅@3'], ['a=∅@4'], ['a=∅@5']])
  })

  test('filterNot inverts the predicate, but never calls it for a tombstone', () => {
    const seen: unknown[] = []
    const predicate = (value: unknown): boolean => {
      seen.push(value)
      return longerThanOne(value)
    }
    const harness = new Harness({ t: [source, 'f'], f: [{ ...filter, predicate, not: true }, 'out'] })
    expect(feed(harness, ['a', 'x', 1], ['a', 'xx', 2], ['a', null, 3])).toEqual([['a=x@1'], ['a=∅@2'], ['a=∅@3']])
    expect(seen).toEqual(['x', 'xx'])
  })
})

describe('table mapValues and transformValues', () => {
  const mapper = (value: unknown): unknown => (value === 'n' ? null : `${value}!`)
  const records = [
    ['a', 'x', 1],
    ['a', 'n', 2],
    ['a', null, 3],
    ['b', null, 4],
  ] as const

  test('mapValues does not see tombstones and passes them on', () => {
    const map = { op: 'tableMapValues', mapper, store: null, versioned: false, sendOldValues: false } as const
    const harness = new Harness({ t: [source, 'm'], m: [map, 'out'] })
    expect(feed(harness, ...records)).toEqual([['a=x!@1'], ['a=∅@2'], ['a=∅@3'], ['b=∅@4']])
  })

  test.each([null, 'own'])('mapValues maps old values, or reads them from its store (%s)', (store) => {
    const map = { op: 'tableMapValues', mapper, store, versioned: false, sendOldValues: true } as const
    const harness = new Harness({ t: [stored, 'm'], m: [map, 'out'] }, [
      new FakeKeyValue('in'),
      new FakeKeyValue('own'),
    ])
    expect(feed(harness, ['a', 'x', 1], ['a', 'y', 2], ['a', null, 3])).toEqual([
      ['a=x!@1'],
      ['a=y!<x!@2'],
      ['a=∅<y!@3'],
    ])
  })

  test('transformValues sees tombstones', () => {
    const supplier = () => ({ transform: (value: unknown) => `T${value}` })
    const transform = {
      op: 'tableTransformValues',
      supplier,
      stores: [],
      store: null,
      versioned: false,
      sendOldValues: false,
    } as const
    const harness = new Harness({ t: [source, 'm'], m: [transform, 'out'] })
    expect(feed(harness, ['a', 'x', 1], ['a', null, 2])).toEqual([['a=Tx@1'], ['a=Tnull@2']])
  })

  test('a mapped value that is part of the original is not shared with the own store', () => {
    const inner = { n: 1 }
    const store = new FakeKeyValue('own')
    const map = {
      op: 'tableMapValues',
      mapper: (value: unknown) => (value as { inner: unknown }).inner,
      store: 'own',
      versioned: false,
      sendOldValues: false,
    } as const
    const harness = new Harness({ t: [source, 'm'], m: [map, 'out'] }, [store])
    feed(harness, ['a', { inner }, 1])
    inner.n = 99
    expect([...store.rows.values()].map(({ value }) => value)).toEqual([{ n: 1 }])
  })
})

describe('grouped tables', () => {
  const groupBy: OperatorSpec = { op: 'tableGroupBy', mapper: (value) => [String(value).charAt(0), value] }
  const aggregate = {
    op: 'tableAggregate',
    store: 'agg',
    initializer: () => '',
    adder: (group: unknown, value: unknown) => `${group}+${value}`,
    subtractor: (group: unknown, value: unknown) => `${group}-${value}`,
    sendOldValues: false,
  } as const

  test('take the old value out and the new one in; timestamps never go back', () => {
    const harness = new Harness({ t: [stored, 'g'], g: [groupBy, 'a'], a: [aggregate, 'out'] }, [
      new FakeKeyValue('in'),
      new FakeKeyValue('agg'),
    ])
    expect(harness.pipe('t', 'k1', 'A1', 1)).toEqual(['A=+A1@1'])
    expect(harness.pipe('t', 'k1', 'A2', 2)).toEqual(['A=+A1-A1+A2@2'])
    expect(harness.pipe('t', 'k2', 'A9', 3)).toEqual(['A=+A1-A1+A2+A9@3'])
    expect(harness.pipe('t', 'k1', 'B1', 4)).toEqual(['A=+A1-A1+A2+A9-A2@4', 'B=+B1@4'])
    expect(harness.pipe('t', 'k1', null, 5)).toEqual(['B=+B1-B1@5'])
    expect(harness.pipe('t', 'k2', 'A0', 2)).toEqual(['A=+A1-A1+A2+A9-A2-A9+A0@4'])
  })

  test('one record carries both halves if the group is the same, also for keys that are objects', () => {
    const byObject: OperatorSpec = {
      op: 'tableGroupBy',
      mapper: (value) => [{ group: String(value).charAt(0) }, value],
    }
    const harness = new Harness({ t: [stored, 'g'], g: [byObject, 'out'] }, [new FakeKeyValue('in')])
    harness.pipe('t', 'k', 'A1', 1)
    expect(harness.pipe('t', 'k', 'A2', 2)).toEqual(['{"group":"A"}=A2<A1@2'])
    expect(harness.pipe('t', 'k', 'B1', 3)).toEqual(['{"group":"A"}=∅<A2@3', '{"group":"B"}=B1@3'])
  })

  test('a half without key or value is left out silently', () => {
    const mapper = (value: unknown): [unknown, unknown] => [
      value === 'nokey' ? null : 'g',
      value === 'novalue' ? null : value,
    ]
    const harness = new Harness({ t: [stored, 'g'], g: [{ op: 'tableGroupBy', mapper }, 'out'] }, [
      new FakeKeyValue('in'),
    ])
    expect(feed(harness, ['k', 'a', 1], ['k', 'nokey', 2], ['k', 'novalue', 3], ['k', 'b', 4])).toEqual([
      ['g=a@1'],
      ['g=∅<a@2'],
      [],
      ['g=b@4'],
    ])
    expect(harness.drops).toEqual([])
  })

  test('updates of versioned tables that are not the latest change no group', () => {
    const store = new FakeVersioned('in', 100, () => {})
    const harness = new Harness({ t: [{ ...stored, versioned: true }, 'g'], g: [groupBy, 'out'] }, [store])
    expect(feed(harness, ['k', 'a', 10], ['k', 'b', 5], ['k', 'c', 20])).toEqual([
      ['a=a@10'],
      [],
      ['a=∅<a@20', 'c=c@20'],
    ])
    expect(harness.drops).toEqual([])
  })

  test('a group without aggregate is not subtracted from', () => {
    const harness = new Harness({ t: [aggregate, 'out'] }, [new FakeKeyValue('agg')])
    expect(harness.pipe('t', 'g', new Change<unknown>(null, 'x'), 1)).toEqual(['g=∅@1'])
    expect(harness.pipe('t', 'g', new Change<unknown>('y', 'x'), 1)).toEqual(['g=+y@1'])
  })

  test('reduce starts from the first value; a null result deletes', () => {
    const reduce = {
      op: 'tableReduce',
      store: 'agg',
      adder: (sum: unknown, value: unknown) => Number(sum) + Number(value),
      subtractor: (sum: unknown, value: unknown) => (sum === value ? null : Number(sum) - Number(value)),
      sendOldValues: true,
    } as const
    const harness = new Harness({ t: [reduce, 'out'] }, [new FakeKeyValue('agg')])
    expect(harness.pipe('t', 'g', new Change<unknown>(5, null), 9)).toEqual(['g=5@9'])
    expect(harness.pipe('t', 'g', new Change<unknown>(7, 5), 3)).toEqual(['g=7<5@9'])
    expect(harness.pipe('t', 'g', new Change<unknown>(null, 7), 4)).toEqual(['g=∅<7@9'])
    expect(harness.pipe('t', 'g', new Change<unknown>(1, null), 5)).toEqual(['g=1@5'])
  })

  test('a record without key is an error', () => {
    const harness = new Harness({ t: [aggregate, 'out'], g: [groupBy, 'out'] }, [new FakeKeyValue('agg')])
    const nullKey = expect.objectContaining({ code: 'MR_NULL_KEY' })
    expect(() => harness.pipe('t', null, new Change<unknown>('y', null), 1)).toThrow(nullKey)
    expect(() => harness.pipe('g', null, new Change<unknown>('y', null), 1)).toThrow(nullKey)
  })
})

import { describe, expect, test } from 'vitest'
import type { JoinKind, OperatorSpec, TableView } from '../../src/topology/operator-spec.ts'
import { Windowed } from '../../src/windowing/windows.ts'
import { FakeKeyValue, FakeSession, FakeSuppress, FakeVersioned, FakeWindow } from './support/fake-states.ts'
import { Harness } from './support/harness.ts'

const show = (value: unknown): string => (value === null ? '∅' : String(value))
const joiner = (left: unknown, right: unknown): string => `${show(left)}+${show(right)}`
const storeView = (store: string): TableView => ({ kind: 'store', store, storeKind: 'keyValue' })

function joinNodes(join: JoinKind, store: string | null, sendOldValues: boolean) {
  const source = { op: 'tableSource', versioned: false, sendOldValues: true } as const
  const side = { op: 'tableJoin', join, joiner, otherVersioned: false, versioned: false, sendOldValues } as const
  return {
    l: [{ ...source, store: 'ls' }, 'jl'],
    r: [{ ...source, store: 'rs' }, 'jr'],
    jl: [{ ...side, side: 'left', other: storeView('rs') }, 'm'],
    jr: [{ ...side, side: 'right', other: storeView('ls') }, 'm'],
    m: [{ op: 'tableJoinMerge', store, sendOldValues }, 'out'],
  } satisfies Record<string, [OperatorSpec, ...string[]]>
}

const stores = (): FakeKeyValue[] => [new FakeKeyValue('ls'), new FakeKeyValue('rs'), new FakeKeyValue('own')]

const inputs = [
  ['l', 'A', 10],
  ['r', 'a', 5],
  ['l', 'B', 3],
  ['r', 'b', 20],
  ['l', null, 12],
  ['r', 'c', 21],
  ['r', null, 22],
  ['r', null, 23],
  ['l', null, 24],
  ['l', 'C', 30],
] as const

const expected: Readonly<Record<JoinKind, readonly (string | null)[]>> = {
  inner: [null, 'A+a@10', 'B+a@5', 'B+b@20', '∅@20', null, null, null, null, null],
  left: ['A+∅@10', 'A+a@10', 'B+a@5', 'B+b@20', '∅@20', null, null, null, null, 'C+∅@30'],
  outer: ['A+∅@10', 'A+a@10', 'B+a@5', 'B+b@20', '∅+b@20', '∅+c@21', '∅@22', null, null, 'C+∅@30'],
}

describe('table-table joins', () => {
  describe.each(['inner', 'left', 'outer'] as const)('%s', (join) => {
    test.each([null, 'own'])('a change of either side is joined with the row of the other (result in %s)', (store) => {
      const harness = new Harness(joinNodes(join, store, false), stores())
      const results = inputs.map(([side, value, timestamp]) => harness.pipe(side, 'k', value, timestamp))
      expect(results).toEqual(expected[join].map((result) => (result === null ? [] : [`k=${result}`])))
    })
  })

  test('old results go with the new ones if asked for', () => {
    const harness = new Harness(joinNodes('inner', null, true), stores())
    harness.pipe('l', 'k', 'A', 1)
    expect(harness.pipe('r', 'k', 'a', 2)).toEqual(['k=A+a@2'])
    expect(harness.pipe('l', 'k', 'B', 3)).toEqual(['k=B+a<A+a@3'])
    expect(harness.pipe('r', 'k', null, 4)).toEqual(['k=∅<B+a@4'])
  })

  test('null keys and outdated versions are dropped and counted', () => {
    const { jl } = joinNodes('inner', null, false)
    const versioned = new FakeVersioned('ls', 100, () => {})
    const nodes = {
      l: [{ op: 'tableSource', store: 'ls', versioned: true, sendOldValues: false }, 'jl'],
      jl: [{ ...jl[0], versioned: true }, 'out'],
    } satisfies Record<string, [OperatorSpec, ...string[]]>
    const right = new FakeKeyValue('rs')
    right.put('k', 'x', 20)
    const harness = new Harness(nodes, [versioned, right])
    expect(harness.pipe('l', 'k', 'a', 10)).toEqual(['k=a+x@20'])
    expect(harness.pipe('l', 'k', 'late', 5)).toEqual([])
    expect(harness.pipe('jl', null, 'b', 11)).toEqual([])
    expect(harness.drops).toEqual(['out-of-order-version', 'null-key'])
  })
})

describe('tables without a store are computed from those they were derived from', () => {
  function lookup(table: TableView, keys: readonly unknown[], ...states: readonly FakeKeyValue[]): string[] {
    const join = {
      op: 'streamTableJoin',
      join: 'left',
      table,
      tableVersioned: false,
      joiner: (_: unknown, row: unknown) => row,
      buffer: null,
      grace: 0,
    } as const
    const harness = new Harness({ j: [join, 'out'] }, states)
    return keys.flatMap((key) => harness.pipe('j', key, 'x', 1))
  }

  const left = new FakeKeyValue('ls')
  const right = new FakeKeyValue('rs')
  left.put('a', 'la', 10)
  left.put('b', 'lb', 10)
  right.put('a', 'ra', 20)
  right.put('c', 'rc', 20)
  const ofLeft = storeView('ls')

  test('filter and mapValues', () => {
    const predicate = (value: unknown): boolean => value === 'la'
    expect(lookup({ kind: 'filter', of: ofLeft, predicate, not: false }, ['a', 'b', 'c'], left)).toEqual([
      'a=la@1',
      'b=∅@1',
      'c=∅@1',
    ])
    expect(lookup({ kind: 'filter', of: ofLeft, predicate, not: true }, ['a', 'b'], left)).toEqual(['a=∅@1', 'b=lb@1'])
    const mapper = (value: unknown): unknown => (value === 'lb' ? undefined : `${value}!`)
    expect(lookup({ kind: 'mapValues', of: ofLeft, mapper }, ['a', 'b', 'c'], left)).toEqual([
      'a=la!@1',
      'b=∅@1',
      'c=∅@1',
    ])
  })

  test('transformValues, which sees missing rows as null and no record', () => {
    const topics: unknown[] = []
    const supplier = () => {
      let source: { readonly recordMetadata: unknown } | undefined
      return {
        init(context: { readonly recordMetadata: unknown }) {
          source = context
        },
        transform(value: unknown) {
          topics.push(source?.recordMetadata)
          return `T${show(value)}`
        },
      }
    }
    const view: TableView = { kind: 'transformValues', of: ofLeft, supplier, stores: [] }
    expect(lookup(view, ['a', 'c'], left)).toEqual(['a=Tla@1', 'c=T∅@1'])
    expect(topics).toEqual([undefined, undefined])
  })

  test.each([
    ['inner', ['a=la+ra@1', 'b=∅@1', 'c=∅@1']],
    ['left', ['a=la+ra@1', 'b=lb+∅@1', 'c=∅@1']],
    ['outer', ['a=la+ra@1', 'b=lb+∅@1', 'c=∅+rc@1']],
  ] as const)('%s join', (join, results) => {
    const view: TableView = { kind: 'join', join, left: ofLeft, right: storeView('rs'), joiner }
    expect(lookup(view, ['a', 'b', 'c'], left, right)).toEqual(results)
  })

  test('windowed tables, by windowed key', () => {
    const window = new FakeWindow('w')
    window.put('a', 10, 'W', 12)
    const session = new FakeSession('s')
    session.put('a', 10, 14, 'S')
    const join = {
      op: 'tableJoin',
      join: 'inner',
      side: 'left',
      joiner,
      otherVersioned: false,
      versioned: false,
      sendOldValues: false,
    } as const
    const source = { op: 'tableSource', store: null, versioned: false, sendOldValues: false } as const
    const harness = new Harness(
      {
        t: [source, 'w', 's'],
        w: [{ ...join, other: { kind: 'store', store: 'w', storeKind: 'window' } }, 'out'],
        s: [{ ...join, other: { kind: 'store', store: 's', storeKind: 'session' } }, 'out'],
      },
      [window, session],
    )
    expect(harness.pipe('t', new Windowed('a', 10, 20), 'x', 1)).toEqual(['a[10,20]=x+W@12'])
    expect(harness.pipe('t', new Windowed('a', 10, 14), 'x', 1)).toEqual(['a[10,14]=x+W@12', 'a[10,14]=x+S@14'])
  })

  test('a suppressed table shows what it was before the changes it holds back', () => {
    const table = new FakeKeyValue('in')
    const buffer = new FakeSuppress('buffer')
    const suppress = {
      op: 'suppress',
      store: 'buffer',
      mode: 'timeLimit',
      wait: 10,
      windowSize: 0,
      inclusiveEnd: false,
      maxRecords: Number.POSITIVE_INFINITY,
      maxBytes: Number.POSITIVE_INFINITY,
      whenFull: 'emitEarly',
    } as const
    const join = {
      op: 'streamTableJoin',
      join: 'left',
      table: { kind: 'suppress', buffer: 'buffer', of: storeView('in') },
      tableVersioned: false,
      joiner,
      buffer: null,
      grace: 0,
    } as const
    const harness = new Harness(
      {
        t: [{ op: 'tableSource', store: 'in', versioned: false, sendOldValues: true }, 's'],
        s: [suppress, 'table'],
        j: [join, 'out'],
      },
      [table, buffer],
    )
    harness.pipe('t', 'a', 'x', 0)
    expect(harness.pipe('j', 'a', 's', 0)).toEqual(['a=s+∅@0'])
    harness.pipe('t', 'z', 'q', 10)
    expect(harness.pipe('j', 'a', 's', 10)).toEqual(['a=s+x@10'])
    harness.pipe('t', 'a', 'y', 11)
    harness.pipe('t', 'a', 'y2', 12)
    expect(harness.pipe('j', 'a', 's', 12)).toEqual(['a=s+x@12'])
  })
})

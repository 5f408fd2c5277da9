import { describe, expect, it } from 'vitest'
import { StreamsBuilder, string, topic, tumbling, untilTimeLimit } from '../../src/index.ts'
import type { Topology } from '../../src/index.ts'
import type { OperatorName, SpecOf } from '../../src/topology/operator-spec.ts'

const left = topic('left', { key: string(), value: string(), tombstones: true })
const right = topic('right', { key: string(), value: string(), tombstones: true })

function build(use: (builder: StreamsBuilder) => void): Topology {
  const builder = new StreamsBuilder()
  use(builder)
  return builder.build()
}

/** The operators of one kind, in the order of the topology. */
function operators<Name extends OperatorName>(topology: Topology, name: Name): SpecOf<Name>[] {
  const isNamed = (spec: { readonly op: OperatorName }): spec is SpecOf<Name> => spec.op === name
  return topology.subtopologies
    .flatMap(({ nodes }) => nodes)
    .flatMap((node) => (node.kind === 'processor' ? [node.operator] : []))
    .filter(isNamed)
}

describe('a source table is stored only if it is needed', () => {
  it('not to be streamed', () => {
    const topology = build((builder) =>
      builder
        .table(left)
        .filter(() => true)
        .toStream()
        .to('out'),
    )
    expect(operators(topology, 'tableSource')).toMatchObject([{ store: null, sendOldValues: false }])
    expect(topology.stores.size).toBe(0)
  })

  it('with a name', () => {
    const topology = build((builder) => builder.table(left, { store: 'rows' }))
    expect(operators(topology, 'tableSource')).toMatchObject([{ store: 'rows', sendOldValues: false }])
  })

  it('to be looked up, through operators that keep no rows of their own', () => {
    const topology = build((builder) => {
      const shown = builder
        .table(left)
        .filter((value) => value !== 'x')
        .mapValues((value) => value.length)
      builder.stream(right).join(shown, (value, length) => `${value}${length}`)
    })
    expect(operators(topology, 'tableSource')).toMatchObject([{ store: 'left-STATE-STORE-0000000000' }])
    expect(operators(topology, 'streamTableJoin')).toMatchObject([
      {
        table: {
          kind: 'mapValues',
          of: { kind: 'filter', of: { kind: 'store', store: 'left-STATE-STORE-0000000000' } },
        },
      },
    ])
  })

  it('to know the old value of a change that is regrouped', () => {
    const topology = build((builder) => {
      builder
        .table(left)
        .groupBy((value, key) => [value, key], { key: string(), value: string() })
        .count()
    })
    expect(operators(topology, 'tableSource')).toMatchObject([
      { store: 'left-STATE-STORE-0000000000', sendOldValues: true },
    ])
  })
})

describe('old values are sent where they are asked for', () => {
  it('a filter of a stored table leaves out useless tombstones', () => {
    const stored = build((builder) =>
      builder
        .table(left, { store: 'rows' })
        .filter(() => true)
        .toStream(),
    )
    expect(operators(stored, 'tableFilter')).toMatchObject([{ sendOldValues: true, parentSendsOldValues: true }])
    const notStored = build((builder) =>
      builder
        .table(left)
        .filter(() => true)
        .toStream(),
    )
    expect(operators(notStored, 'tableFilter')).toMatchObject([{ sendOldValues: false, parentSendsOldValues: false }])
  })

  it('what others ask of its table later does not change a filter', () => {
    const topology = build((builder) => {
      const table = builder.table(left)
      table
        .filter(() => true)
        .toStream()
        .to('out')
      table.suppress(untilTimeLimit('1s'))
    })
    expect(operators(topology, 'tableSource')).toMatchObject([{ sendOldValues: true }])
    expect(operators(topology, 'tableFilter')).toMatchObject([{ sendOldValues: false, parentSendsOldValues: false }])
  })

  it.each([
    ['inner', false, false],
    ['left', true, false],
    ['outer', true, true],
  ] as const)('%s joins of tables ask the left %s, the right %s', (join, ofLeft, ofRight) => {
    const topology = build((builder) => {
      const [a, b] = [builder.table(left), builder.table(right)]
      const joiner = (x: string | null, y: string | null): string => `${x}${y}`
      if (join === 'inner') a.join(b, joiner)
      else if (join === 'left') a.leftJoin(b, joiner)
      else a.outerJoin(b, joiner)
    })
    expect(operators(topology, 'tableSource').map(({ sendOldValues }) => sendOldValues)).toEqual([ofLeft, ofRight])
    expect(topology.stores.size).toBe(2)
  })

  it('an operator with a store of its own asks no one', () => {
    const topology = build((builder) => {
      builder
        .table(left)
        .mapValues((value) => value, { store: 'mapped', value: string() })
        .groupBy((value, key) => [value, key], { key: string(), value: string() })
        .count()
    })
    expect(operators(topology, 'tableSource')).toMatchObject([{ store: null, sendOldValues: false }])
    expect(operators(topology, 'tableMapValues')).toMatchObject([{ store: 'mapped', sendOldValues: true }])
  })
})

describe('stores', () => {
  it('updates are held back, but not those of versioned stores and of results that are emitted once', () => {
    const topology = build((builder) => {
      builder.table(left, { store: { name: 'versioned', versioned: { history: '1h' } } })
      const group = builder.stream(right).groupByKey()
      group.count({ store: 'cached' })
      group.count({ store: { name: 'not-cached', caching: false } })
      group.windowedBy(tumbling('1m')).emitOnClose().count({ store: 'once' })
    })
    const caching = [...topology.stores.values()].map(({ spec }) => [spec.name, spec.caching])
    expect(caching).toEqual([
      ['versioned', false],
      ['cached', true],
      ['not-cached', false],
      ['once', false],
    ])
  })

  it('a cogroup folds into one store', () => {
    const topology = build((builder) => {
      builder
        .stream(left)
        .groupByKey()
        .cogroup<string>((all, value) => all + value)
        .cogroup(builder.stream(right).groupByKey(), (all, value) => all + value)
        .aggregate(() => '', { store: 'all', value: string() })
    })
    expect(operators(topology, 'aggregate').map(({ store }) => store)).toEqual(['all', 'all'])
    expect(topology.stores.size).toBe(1)
    expect(topology.subtopologies).toHaveLength(1)
    expect(topology.subtopologies[0]?.copartitionGroups).toEqual([['left', 'right']])
  })

  it('sessions of count and reduce are merged by the folding itself', () => {
    const topology = build((builder) => {
      const sessions = builder.stream(left).groupByKey()
      sessions.windowedBy({ kind: 'session', gap: 1, grace: 0 }).count()
      sessions.windowedBy({ kind: 'session', gap: 1, grace: 0 }).reduce((a, b) => `${a}+${b}`)
    })
    const [count, reduce] = operators(topology, 'sessionAggregate')
    expect(count?.merger(2, 3, 'k')).toBe(5)
    expect(reduce?.merger('a', 'b', 'k')).toBe('a+b')
    expect(reduce?.merger(null, 'b', 'k')).toBe('b')
  })
})

describe('serdes', () => {
  it('stores and internal topics validate nothing, source and sink topics do', () => {
    const internal = { ...string(), name: 'internal' }
    const checked = { ...string(), name: 'checked', internal }
    const source = topic('source', { key: checked, value: checked })
    const topology = build((builder) => {
      builder
        .stream(source)
        .selectKey((value) => value)
        .repartition({ name: 'again', key: checked })
        .toTable({ store: 'rows' })
        .toStream()
        .to('sink')
    })
    const serdes = topology.subtopologies
      .flatMap(({ nodes }) => nodes)
      .flatMap((node) => (node.kind === 'processor' ? [] : [[node.name, node.keySerde.name, node.valueSerde.name]]))
    expect(serdes).toEqual([
      ['KSTREAM-SOURCE-0000000000', 'checked', 'checked'],
      ['again-repartition-sink', 'internal', 'internal'],
      ['again-repartition-source', 'internal', 'internal'],
      ['KSTREAM-SINK-0000000007', 'checked', 'checked'],
    ])
    expect(topology.stores.get('rows')?.spec.valueSerde.name).toBe('internal')
  })

  it('a name given to a group does not cost its serdes', () => {
    const topology = build((builder) =>
      builder
        .stream(left)
        .groupByKey({ name: 'g' })
        .reduce((a, b) => a + b, { store: 'r' }),
    )
    expect(topology.stores.get('r')?.spec.keySerde.name).toBe('string')
  })
})

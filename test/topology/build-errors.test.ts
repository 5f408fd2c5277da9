import { describe, expect, it } from 'vitest'
import {
  MillraceError,
  StreamsBuilder,
  defineApp,
  json,
  long,
  session,
  string,
  topic,
  tumbling,
  unlimited,
  untilTimeLimit,
  untilWindowCloses,
} from '../../src/index.ts'
import type { KStream } from '../../src/index.ts'

const words = topic('words', { key: string(), value: string() })
const others = topic('others', { key: string(), value: string() })
const plain = { kind: 'keyValue', timestamped: false, persistent: true, logging: {}, caching: false } as const
const seen = { ...plain, name: 'seen', keySerde: string(), valueSerde: long() }
const silent = { process: () => undefined }

function errorOf(build: (builder: StreamsBuilder, stream: KStream<string, string>) => void): MillraceError {
  try {
    const builder = new StreamsBuilder()
    build(builder, builder.stream(words))
    builder.build()
  } catch (error) {
    if (error instanceof MillraceError) return error
    throw error
  }
  throw new Error('it was built')
}

/** What a JavaScript user can pass where TypeScript would object. */
function untyped(value: unknown): never {
  return value as never
}

const mistakes: readonly (readonly [
  what: string,
  code: string,
  node: string | undefined,
  build: (builder: StreamsBuilder, stream: KStream<string, string>) => void,
])[] = [
  ['a function that is missing', 'MR_TOPOLOGY_FUNCTION', undefined, (_, stream) => stream.filter(untyped(null))],
  ['a name with a space', 'MR_TOPOLOGY_NAME', undefined, (_, stream) => stream.peek(() => undefined, { name: 'a b' })],
  ['a store called ".."', 'MR_TOPOLOGY_NAME', undefined, (_, stream) => stream.groupByKey().count({ store: '..' })],
  ['a topic without a name', 'MR_TOPOLOGY_NAME', undefined, (_, stream) => stream.to('')],
  ['a stream over no topic', 'MR_TOPOLOGY_NO_TOPIC', undefined, (builder) => builder.stream([])],
  [
    'two nodes of one name',
    'MR_TOPOLOGY_NODE_EXISTS',
    'same',
    (_, stream) => stream.peek(() => undefined, { name: 'same' }).filter(() => true, { name: 'same' }),
  ],
  [
    'two stores of one name',
    'MR_TOPOLOGY_STORE_EXISTS',
    'KSTREAM-AGGREGATE-0000000002',
    (_, stream) => {
      stream.groupByKey().count({ store: 'twice' })
      stream.groupByKey().count({ store: 'twice' })
    },
  ],
  [
    'a store that no one added',
    'MR_TOPOLOGY_STORE_UNKNOWN',
    'p',
    (_, stream) => stream.process(() => silent, { name: 'p', stores: ['seen'] }),
  ],
  [
    'the store of a global table given to a processor',
    'MR_TOPOLOGY_STORE_GLOBAL',
    'p',
    (builder, stream) => {
      builder.globalTable(others, { store: 'all' })
      stream.process(() => silent, { name: 'p', stores: ['all'] })
    },
  ],
  [
    'a topic read as stream and as table',
    'MR_TOPOLOGY_TOPIC_TWICE',
    'KSTREAM-SOURCE-0000000002',
    (builder) => builder.table(words),
  ],
  [
    'streams over overlapping topics',
    'MR_TOPOLOGY_TOPIC_TWICE',
    'KSTREAM-SOURCE-0000000001',
    (builder) => builder.stream([words, others]),
  ],
  [
    'streams over one topic that start at different offsets',
    'MR_TOPOLOGY_OFFSET_RESET',
    'KSTREAM-SOURCE-0000000001',
    (builder) => builder.stream(topic('words', { key: string(), value: string(), offsetReset: 'latest' })),
  ],
  [
    'topics of one stream with different serdes',
    'MR_TOPOLOGY_SOURCE_MIXED',
    'KSTREAM-SOURCE-0000000001',
    (builder) => builder.stream([others, topic('more', { key: string(), value: json<string>() })]),
  ],
  [
    'an aggregate without a value serde',
    'MR_SERDE_MISSING',
    'KSTREAM-AGGREGATE-0000000001',
    (_, stream) =>
      stream.groupByKey().aggregate(
        () => 0,
        (count) => count + 1,
        { store: 'counts' },
      ),
  ],
  [
    'a sink without a key serde',
    'MR_SERDE_MISSING',
    'KSTREAM-SINK-0000000002',
    (_, stream) => stream.selectKey((word) => word.length).to('lengths'),
  ],
  [
    'a repartition without a key serde',
    'MR_SERDE_MISSING',
    'KSTREAM-KEY-SELECT-0000000001',
    (_, stream) => stream.groupBy((word) => word.length).count({ store: 'counts', key: json<number>() }),
  ],
  [
    'windows that are none',
    'MR_TOPOLOGY_WINDOWS',
    undefined,
    (_, stream) => stream.groupByKey().windowedBy(untyped({})),
  ],
  [
    'unlimited windows that emit on close',
    'MR_TOPOLOGY_EMIT',
    'KSTREAM-SOURCE-0000000000',
    (_, stream) => stream.groupByKey().windowedBy(unlimited()).emitOnClose(),
  ],
  [
    'a retention shorter than the windows',
    'MR_TOPOLOGY_RETENTION',
    undefined,
    (_, stream) =>
      stream
        .groupByKey()
        .windowedBy(tumbling('1m'))
        .count({ store: { name: 'w', retention: '59s' } }),
  ],
  [
    'a versioned store for windows',
    'MR_TOPOLOGY_STORE_OPTION',
    undefined,
    (_, stream) =>
      stream
        .groupByKey()
        .windowedBy(session('1m'))
        .count({ store: untyped({ name: 'w', versioned: { history: '1h' } }) }),
  ],
  [
    'a versioned store in memory',
    'MR_TOPOLOGY_STORE_OPTION',
    undefined,
    (builder) => builder.table(others, { store: { type: 'memory', versioned: { history: '1h' } } }),
  ],
  [
    'a store option that does not exist',
    'MR_TOPOLOGY_STORE_OPTION',
    undefined,
    (builder) => builder.table(others, { store: untyped({ name: 'o', cached: false }) }),
  ],
  [
    'a versioned global table',
    'MR_TOPOLOGY_VERSIONED',
    undefined,
    (builder) => builder.globalTable(others, { store: { name: 'o', versioned: { history: '1h' } } }),
  ],
  [
    'suppress until windows close that are none',
    'MR_TOPOLOGY_NOT_WINDOWED',
    's',
    (_, stream) => stream.groupByKey().count().suppress(untyped(untilWindowCloses()), { name: 's' }),
  ],
  [
    'suppress on a table derived from a versioned one',
    'MR_TOPOLOGY_VERSIONED',
    's',
    (builder) =>
      builder
        .table(others, { store: { name: 'o', versioned: { history: '1h' } } })
        .filter(() => true)
        .suppress(untilTimeLimit('1s'), { name: 's' }),
  ],
  [
    'a join with grace and a table that is not versioned',
    'MR_TOPOLOGY_VERSIONED',
    'j',
    (builder, stream) => stream.join(builder.table(others), (a, b) => a + b, { name: 'j', grace: '1s' }),
  ],
  [
    'a join that waits longer than the table remembers',
    'MR_TOPOLOGY_RETENTION',
    'j',
    (builder, stream) => {
      const table = builder.table(others, { store: { name: 'o', versioned: { history: '1s' } } })
      stream.join(table, (a, b) => a + b, { name: 'j', grace: '2s' })
    },
  ],
  [
    'repartition into half a partition',
    'MR_TOPOLOGY_PARTITIONS',
    'r',
    (_, stream) => stream.repartition({ partitions: 0.5, name: 'r' }),
  ],
  [
    'joined repartitions with different partition counts',
    'MR_TOPOLOGY_COPARTITION',
    undefined,
    (builder, stream) => {
      const left = stream.repartition({ name: 'l', partitions: 2 })
      const right = builder.stream(others).repartition({ name: 'r', partitions: 3 }).toTable()
      left.join(right, (a, b) => a + b)
    },
  ],
  [
    'a branch after the default branch',
    'MR_TOPOLOGY_SPLIT',
    'sp',
    (_, stream) => {
      const split = stream.split({ name: 'sp' })
      split.defaultBranch()
      split.branch(() => true)
    },
  ],
  [
    'a stream of another builder',
    'MR_TOPOLOGY_OTHER_BUILDER',
    'KSTREAM-MERGE-0000000001',
    (_, stream) => stream.merge(new StreamsBuilder().stream(others)),
  ],
]

describe('a mistake is reported when the topology is built', () => {
  it.each(mistakes)('%s: %s', (_what, code, node, build) => {
    const error = errorOf(build)
    expect(error.code).toBe(code)
    expect(error.hint).toBeTypeOf('string')
    expect(error.node).toBe(node)
  })

  it('what the build finds names the call of the DSL and its place, where its stack begins', () => {
    const missing = [
      errorOf((_, stream) => stream.groupBy((word) => word.length).count({ store: 'counts' })),
      errorOf((_, stream) =>
        stream
          .selectKey((word) => word.length)
          .groupByKey()
          .count({ store: 'counts' }),
      ),
      errorOf((_, stream) =>
        stream
          .toTable()
          .groupBy((word) => [word.length, word])
          .count({ store: 'counts' }),
      ),
      errorOf((_, stream) => stream.selectKey((word) => word.length).to('lengths')),
      errorOf((_, stream) => stream.selectKey((word) => word.length).toTable()),
    ]
    const calls = missing.map(({ message, stack }) => {
      const [, call, place] =
        /^(\w+\(\)) at test\/topology\/(build-errors\.test\.ts:\d+:\d+): no key serde /.exec(message) ?? []
      expect(stack).toMatch(new RegExp(`^.*\\n    at .*${place?.replaceAll('.', '\\.')}\\)?\\n`))
      return call
    })
    expect(calls).toEqual(['groupBy()', 'groupByKey()', 'groupBy()', 'to()', 'toTable()'])
    const twice = errorOf((builder) => builder.table(others, { store: 'o' }).filter(() => true, { store: 'o' }))
    expect(twice.message).toMatch(/^filter\(\) at test\//)
  })

  it('what a call refuses has a stack that begins with that call, and the code in its first line', () => {
    const error = errorOf((_, stream) => stream.filter(untyped(null)))
    expect(error.stack).toMatch(/^MillraceError \[MR_TOPOLOGY_FUNCTION\]: .*\n    at .*build-errors\.test\.ts/)
    expect(Object.keys(error).toSorted()).toEqual(['code', 'hint', 'name'])
  })

  it('operators after build() are refused', () => {
    const builder = new StreamsBuilder()
    const stream = builder.stream(words)
    builder.build()
    expect(() => stream.to('late')).toThrow(expect.objectContaining({ code: 'MR_TOPOLOGY_BUILT' }))
  })

  it('the same store may be added twice', () => {
    const builder = new StreamsBuilder()
    builder.addStateStore(seen).addStateStore(seen)
    builder.stream(words).process(() => silent, { stores: ['seen', seen] })
    expect([...builder.build().stores.keys()]).toEqual(['seen'])
  })
})

describe('strict naming', () => {
  it('lists every store and repartition topic with a generated name', () => {
    const app = defineApp({
      id: 'app',
      strictNaming: true,
      build: (builder) => {
        const stream = builder.stream(words)
        stream.groupBy((word) => word, { key: string() }).count()
        stream
          .selectKey((word) => word)
          .repartition({ key: string() })
          .toTable()
          .filter(() => true)
          .groupBy((v, k) => [k, v])
        builder
          .table(others)
          .groupBy((v, k) => [k, v], { key: string(), value: string() })
          .count({ store: 'named' })
      },
    })
    expect(() => app.topology()).toThrow(
      expect.objectContaining({
        code: 'MR_TOPOLOGY_UNNAMED',
        message: expect.stringMatching(
          new RegExp(
            String.raw`repartition topic KSTREAM-AGGREGATE-STATE-STORE-\d{10}-repartition; ` +
              'store KSTREAM-AGGREGATE-STATE-STORE-.*' +
              'repartition topic KSTREAM-REPARTITION-.*' +
              'store others-STATE-STORE-',
          ),
        ),
      }),
    )
  })

  it('takes a topology in which everything is named', () => {
    const app = defineApp({
      id: 'app',
      strictNaming: true,
      build: (builder) =>
        builder
          .stream(words)
          .groupBy((word) => word, { name: 'by-word', key: string() })
          .count({ store: 'counts' }),
    })
    expect([...app.topology().stores.keys()]).toEqual(['counts'])
  })
})

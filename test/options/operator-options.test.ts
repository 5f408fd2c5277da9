import { describe, expect, it } from 'vitest'
import {
  calendar,
  chooseEngine,
  defineApp,
  hopping,
  joinWindow,
  keyValueStore,
  long,
  memoryLog,
  readTopic,
  session,
  sessionStore,
  sliding,
  StreamsBuilder,
  string,
  timestampedKeyValueStore,
  topic,
  TopicWriter,
  tumbling,
  unlimited,
  untilTimeLimit,
  untilWindowCloses,
  versionedKeyValueStore,
  windowsOf,
  windowStore,
} from '../../src/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'

const serdes = { key: string(), value: string() }
const words = topic('words', serdes)
const others = topic('others', serdes)

const parts = () => {
  const builder = new StreamsBuilder()
  const stream = builder.stream(words)
  const table = builder.table(others)
  return { builder, stream, table, group: stream.groupByKey(), windows: joinWindow('1m'), join: () => '' }
}

/** Functions that take options, within a topology and around one. */
const takers: Readonly<Record<string, (options: object) => unknown>> = {
  'tumbling()': (options) => tumbling('1m', options),
  'hopping()': (options) => hopping('1m', { advance: '1m', ...options }),
  'sliding()': (options) => sliding('1m', options),
  'session()': (options) => session('1m', options),
  'calendar()': (options) => calendar('day', { timeZone: 'UTC', ...options }),
  'windowsOf()': (options) => windowsOf(() => [], { maxSize: '1d', ...options }),
  'unlimited()': (options) => unlimited(options),
  'joinWindow()': (options) => joinWindow(options),
  'untilWindowCloses()': (options) => untilWindowCloses(options),
  'untilTimeLimit()': (options) => untilTimeLimit('1m', options),
  "topic('t')": (options) => topic('t', { ...serdes, ...options }),
  'keyValueStore()': (options) => keyValueStore('s', { ...serdes, ...options }),
  'timestampedKeyValueStore()': (options) => timestampedKeyValueStore('s', { ...serdes, ...options }),
  'versionedKeyValueStore()': (options) => versionedKeyValueStore('s', { ...serdes, history: '1d', ...options }),
  'windowStore()': (options) => windowStore('s', { ...serdes, windowSize: '1m', retention: '1d', ...options }),
  'sessionStore()': (options) => sessionStore('s', { ...serdes, retention: '1d', ...options }),
  'stream()': (options) => parts().builder.stream(words, options),
  'table()': (options) => parts().builder.table(words, options),
  'globalTable()': (options) => parts().builder.globalTable(words, options),
  'addGlobalStore()': (options) =>
    parts().builder.addGlobalStore(keyValueStore('s', serdes), words, () => ({ process() {} }), options),
  'filter()': (options) => parts().stream.filter(() => true, options),
  'filterNot()': (options) => parts().stream.filterNot(() => true, options),
  'map()': (options) => parts().stream.map((value, key) => [key, value], options),
  'mapValues()': (options) => parts().stream.mapValues((value) => value, options),
  'flatMap()': (options) => parts().stream.flatMap(() => [], options),
  'flatMapValues()': (options) => parts().stream.flatMapValues(() => [], options),
  'selectKey()': (options) => parts().stream.selectKey((value) => value, options),
  'peek()': (options) => parts().stream.peek(() => {}, options),
  'forEach()': (options) => parts().stream.forEach(() => {}, options),
  'print()': (options) => parts().stream.print(options),
  'merge()': (options) => parts().stream.merge(parts().stream, options),
  'split()': (options) => parts().stream.split(options),
  'branch()': (options) =>
    parts()
      .stream.split()
      .branch(() => true, options),
  'defaultBranch()': (options) => parts().stream.split().defaultBranch(options),
  'repartition()': (options) => parts().stream.repartition(options),
  'to()': (options) => parts().stream.to('t', options),
  'toTable()': (options) => parts().stream.toTable(options),
  'groupByKey()': (options) => parts().stream.groupByKey(options),
  'groupBy()': (options) => parts().stream.groupBy((value) => value, options),
  'process()': (options) => parts().stream.process(() => ({ process() {} }), options),
  'processValues()': (options) => parts().stream.processValues(() => ({ process() {} }), options),
  'count()': (options) => parts().group.count(options),
  'reduce()': (options) => parts().group.reduce((value) => value, options),
  'aggregate()': (options) =>
    parts().group.aggregate(
      () => '',
      (_key, _value, sum) => sum,
      options,
    ),
  'toStream()': (options) => parts().table.toStream(options),
  'transformValues()': (options) => parts().table.transformValues(() => ({ transform: (value) => value }), options),
  'suppress()': (options) => parts().table.suppress(untilTimeLimit('1m'), options),
  'outerJoin()': (options) => parts().table.outerJoin(parts().table, () => '', options),
  'write()': async (options) => {
    const log = memoryLog()
    log.createTopics([{ name: 'words', partitions: 1 }])
    ;(await TopicWriter.open(log, words)).write('a', 'b', options)
  },
  'readTopic()': (options) => readTopic(memoryLog(), words, options).next(),
  'createTopics()': (options) => memoryLog().createTopics([{ name: 'words', partitions: 1, ...options }]),
}

async function refusal(act: () => unknown): Promise<unknown> {
  try {
    await act()
  } catch (error) {
    return error
  }
  return undefined
}

describe('an option that does not exist is refused', () => {
  it.each(Object.keys(takers))('by %s', async (taker) => {
    expect(await refusal(() => takers[taker]?.({ nonsense: 1 }))).toMatchObject({
      message: expect.stringContaining('has no option "nonsense"'),
      hint: expect.stringContaining('options'),
    })
  })

  it.each<[what: string, act: () => unknown]>([
    [
      'a join of streams',
      () => parts().stream.join(parts().stream, () => '', joinWindow('1m'), { nonsense: 1 } as never),
    ],
    [
      'a left join of streams',
      () => parts().stream.leftJoin(parts().stream, () => '', joinWindow('1m'), { a: 1 } as never),
    ],
    ['a join of a stream with a table', () => parts().stream.join(parts().table, () => '', { retention: 1 } as never)],
    [
      'a join by foreign key',
      () =>
        parts().table.join(
          parts().table,
          (v) => v,
          () => '',
          { partitoner: 1 } as never,
        ),
    ],
    ['grouping a table', () => parts().table.groupBy((v, k) => [k, v], { keySerde: string() } as never)],
    [
      'windowed counting',
      () =>
        parts()
          .group.windowedBy(tumbling('1m'))
          .count({ nam: 'x' } as never),
    ],
    ['a versioned store', () => parts().builder.table(words, { store: { versioned: { hist: '1d' } } } as never)],
    ['a store', () => parts().group.count({ store: { cached: false } } as never)],
    ['where a topic is read from', () => topic('t', { ...serdes, offsetReset: { byDuraton: 1 } as never })],
  ])('by %s', async (_what, act) => {
    expect(await refusal(act)).toMatchObject({ message: expect.stringContaining('has no option') })
  })

  it('by schedule(), in the processor that calls it', () => {
    const app = defineApp({
      id: 'app',
      build: (builder) =>
        builder.stream(words).process(() => ({
          init: (context) => void context.schedule('1m', 'wall-clock-time', () => {}, { begin: 0 } as never),
          process() {},
        })),
    })
    expect(() => new TopologyTestDriver(app)).toThrow('schedule() has no option "begin"')
  })
})

it.each<[code: string, act: () => unknown]>([
  ['MR_CONFIG', () => parts().stream.groupByKey({ key: 'string' } as never)],
  ['MR_CONFIG', () => parts().stream.groupByKey({ key: string } as never)],
  ['MR_CONFIG', () => parts().stream.to('t', { partitioner: 5 } as never)],
  ['MR_CONFIG', () => parts().stream.print({ write: 'stdout' } as never)],
  ['MR_CONFIG', () => parts().stream.filter(() => true, null as never)],
  ['MR_CONFIG', () => parts().stream.filter(() => true, 'by-name' as never)],
  ['MR_CONFIG', () => parts().stream.process(() => ({ process() {} }), { stores: 'seen' } as never)],
  ['MR_CONFIG', () => topic('t', { ...serdes, tombstones: 'yes' as never })],
  ['MR_CONFIG', () => topic('t', { ...serdes, timestamp: 'cents' as never })],
  ['MR_CONFIG', () => topic('t', { ...serdes, offsetReset: 'newest' as never })],
  ['MR_CONFIG', () => readTopic(memoryLog(), words, { until: 'now' as never }).next()],
  ['MR_CONFIG', () => tumbling('1m', 5 as never)],
  ['MR_CONFIG', () => chooseEngine('leveldb' as never)],
  ['MR_CONFIG', () => takers['write()']?.({ headers: { trace: 'a1' } })],
  ['MR_TOPIC_INVALID', () => topic('t', { key: long(), value: 'json' as never })],
  ['MR_TOPIC_INVALID', () => memoryLog().createTopics([{ name: 't', partitions: 1, configs: { a: 1 } as never }])],
  ['MR_TOPOLOGY_NAME', () => parts().stream.filter(() => true, { name: '' })],
  ['MR_TOPOLOGY_NAME', () => parts().group.count({ store: { name: 'a b' } })],
  ['MR_TOPOLOGY_STORE_OPTION', () => parts().group.count({ store: { caching: 'no' as never } })],
  ['MR_TOPOLOGY_STORE_OPTION', () => parts().group.count({ store: { logging: 'no' as never } })],
  ['MR_TOPOLOGY_STORE_OPTION', () => parts().group.count({ store: { logging: { 'retention.ms': 5 } as never } })],
  ['MR_TOPOLOGY_PARTITIONS', () => parts().stream.repartition({ partitions: 1.5 })],
  ['MR_TOPOLOGY_SUPPRESS', () => untilTimeLimit('1m', { whenFull: 'drop' as never })],
  ['MR_TOPOLOGY_WINDOWS', () => parts().stream.join(parts().table, () => '', joinWindow('1m') as never)],
  ['MR_STORE_INVALID', () => keyValueStore('s', { ...serdes, type: 'disk' as never })],
  ['MR_DURATION', () => parts().stream.join(parts().table, () => '', { grace: 'soon' as never })],
])('a value that an option cannot have is %s: %s', async (code, act) => {
  expect(await refusal(act)).toMatchObject({ code, hint: expect.any(String) })
})

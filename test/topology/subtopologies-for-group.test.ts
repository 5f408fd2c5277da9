import { describe, expect, it } from 'vitest'
import {
  defineApp,
  joinWindow,
  json,
  long,
  session,
  string,
  topic,
  tumbling,
  untilWindowCloses,
} from '../../src/index.ts'
import type { AppConfig, StreamsBuilder } from '../../src/index.ts'
import { subtopologiesForGroup } from '../../src/topology/describe/subtopologies-for-group.ts'

const orders = topic('orders', { key: string(), value: string() })
const items = topic('items', { key: string(), value: string(), tombstones: true })

function groupOf(build: (builder: StreamsBuilder) => void, config: Partial<AppConfig> = {}) {
  return subtopologiesForGroup(defineApp({ id: 'shop', build, ...config }).topology(), 'shop', 3)
}

/** Configs of the changelog of the only store. */
function changelogConfigs(build: (builder: StreamsBuilder) => void, config: Partial<AppConfig> = {}): unknown {
  const changelogs = groupOf(build, config).flatMap(({ changelogTopics }) => changelogTopics)
  expect(changelogs).toHaveLength(1)
  return Object.fromEntries(changelogs[0]?.configs ?? [])
}

describe('what a group must know', () => {
  it('names internal topics by the application and cuts the topology at repartitions', () => {
    const group = groupOf((builder) => {
      builder
        .stream(orders)
        .groupBy((order) => order, { key: string() })
        .count({ store: 'counts' })
        .toStream()
        .to('counts-out')
    })
    expect(group).toEqual([
      {
        id: 0,
        sourceTopics: ['orders'],
        repartitionSourceTopics: [],
        repartitionSinkTopics: ['shop-counts-repartition'],
        changelogTopics: [],
        copartitionGroups: [],
      },
      {
        id: 1,
        sourceTopics: [],
        repartitionSourceTopics: [
          {
            name: 'shop-counts-repartition',
            partitions: 0,
            replicationFactor: 3,
            configs: [
              ['cleanup.policy', 'delete'],
              ['message.timestamp.type', 'CreateTime'],
              ['retention.ms', '-1'],
              ['segment.bytes', '52428800'],
            ],
          },
        ],
        repartitionSinkTopics: [],
        changelogTopics: [
          {
            name: 'shop-counts-changelog',
            partitions: 0,
            replicationFactor: 3,
            configs: [
              ['cleanup.policy', 'compact'],
              ['message.timestamp.type', 'CreateTime'],
            ],
          },
        ],
        copartitionGroups: [],
      },
    ])
  })

  it('joined sources are co-partitioned, over all joins that share one', () => {
    const group = groupOf((builder) => {
      const table = builder.table(items)
      const stream = builder.stream(orders)
      stream.join(table, (a, b) => a + b).to('a', { value: string() })
      stream
        .selectKey((order) => order)
        .repartition({ name: 'by-order', key: string(), partitions: 4 })
        .join(table, (a, b) => a + b)
        .to('b', { value: string() })
    })
    expect(group[0]?.copartitionGroups).toEqual([['items', 'orders', 'shop-by-order-repartition']])
    expect(group[0]?.repartitionSourceTopics).toMatchObject([{ name: 'shop-by-order-repartition', partitions: 4 }])
  })

  it('a source topic that serves as changelog is not created', () => {
    const build = (builder: StreamsBuilder): void => builder.table(items, { store: 'items' }).toStream().to('out')
    expect(groupOf(build)[0]?.changelogTopics).toMatchObject([{ name: 'shop-items-changelog' }])
    expect(groupOf(build, { optimize: 'reuse.ktable.source.topics' })[0]?.changelogTopics).toEqual([])
    const { stores } = defineApp({ id: 'shop', build, optimize: 'all' }).topology()
    expect(stores.get('items')?.changelog).toEqual({ kind: 'source', topic: 'items' })
  })

  it('global tables make no tasks', () => {
    const group = groupOf((builder) => {
      const global = builder.globalTable(items)
      builder
        .stream(orders)
        .join(
          global,
          (order) => order,
          (order, item) => order + item,
        )
        .to('out', { value: string() })
    })
    expect(group).toHaveLength(1)
    expect(group[0]).toMatchObject({ id: 1, sourceTopics: ['orders'], changelogTopics: [] })
  })

  it('a foreign-key join has a topic there and one back', () => {
    const group = groupOf((builder) => {
      builder
        .stream(orders)
        .toTable()
        .join(
          builder.table(items),
          (order) => order,
          (order, item) => order + item,
          { name: 'fk', value: string() },
        )
    })
    expect(group.map(({ repartitionSinkTopics }) => repartitionSinkTopics)).toEqual([
      ['shop-fk-subscription-registration-topic'],
      ['shop-fk-subscription-response-topic'],
    ])
    expect(group.map(({ copartitionGroups }) => copartitionGroups)).toEqual([
      [['orders', 'shop-fk-subscription-response-topic']],
      [['items', 'shop-fk-subscription-registration-topic']],
    ])
  })
})

describe('changelog topics', () => {
  const day = 86_400_000

  it('windowed stores keep their retention and a day', () => {
    const windowed = (builder: StreamsBuilder): unknown =>
      builder
        .stream(orders)
        .groupByKey()
        .windowedBy(tumbling('10s', { grace: '5s' }))
        .count({ store: 'w' })
    expect(changelogConfigs(windowed)).toMatchObject({
      'cleanup.policy': 'compact,delete',
      'retention.ms': String(15_000 + day),
    })
    expect(changelogConfigs(windowed, { windowStoreChangelogAdditionalRetention: '1h' })).toMatchObject({
      'retention.ms': String(15_000 + 3_600_000),
    })
  })

  it('sessions are kept a millisecond longer than by Kafka Streams', () => {
    const sessions = (builder: StreamsBuilder): unknown =>
      builder.stream(orders).groupByKey().windowedBy(session('3s')).count({ store: 's' })
    expect(changelogConfigs(sessions)).toMatchObject({ 'retention.ms': String(3_001 + day) })
    expect(changelogConfigs(sessions, { compatibility: 'kafka-streams-4.3' })).toMatchObject({
      'retention.ms': String(3_000 + day),
    })
  })

  it('stores of stream joins are not compacted', () => {
    const group = groupOf((builder) => {
      builder.stream(orders).leftJoin(builder.stream(items), (a, b) => a + b, joinWindow('5s'), { store: 'j' })
    })
    const configs = group[0]?.changelogTopics.map((changelog) => [
      changelog.name,
      Object.fromEntries(changelog.configs)['cleanup.policy'],
      Object.fromEntries(changelog.configs)['retention.ms'],
    ])
    expect(configs).toEqual([
      ['shop-j-left-shared-join-store-changelog', 'compact', undefined],
      ['shop-j-outer-other-join-store-changelog', 'delete', String(10_000 + day)],
      ['shop-j-this-join-store-changelog', 'delete', String(10_000 + day)],
    ])
  })

  it('versioned stores are not compacted before their history is over', () => {
    const versioned = (builder: StreamsBuilder): unknown =>
      builder.table(items, { store: { name: 'v', versioned: { history: '1h' } } })
    expect(changelogConfigs(versioned)).toMatchObject({
      'cleanup.policy': 'compact',
      'min.compaction.lag.ms': String(3_600_000 + day),
    })
  })

  it('configs of the application yield to those of the store', () => {
    const build = (builder: StreamsBuilder): unknown =>
      builder
        .stream(orders)
        .groupByKey()
        .count({ store: { name: 'c', logging: { 'segment.bytes': '2' } } })
    const topicConfigs = { 'segment.bytes': '1', 'min.insync.replicas': '2' }
    expect(changelogConfigs(build, { topicConfigs })).toEqual({
      'cleanup.policy': 'compact',
      'message.timestamp.type': 'CreateTime',
      'min.insync.replicas': '2',
      'segment.bytes': '2',
    })
  })

  it('a store without logging has none', () => {
    const group = groupOf((builder) => {
      builder
        .stream(orders)
        .groupByKey()
        .count({ store: { logging: false } })
      builder
        .stream(orders)
        .groupByKey()
        .windowedBy(tumbling('1m'))
        .aggregate(
          () => 0,
          (sum) => sum + 1,
          { value: json<number>(), store: { logging: false } },
        )
        .suppress(untilWindowCloses(), { logging: false })
      builder.table(topic('t', { key: string(), value: long() }), { store: { name: 't', logging: false } })
    })
    expect(group.flatMap(({ changelogTopics }) => changelogTopics)).toEqual([])
  })
})

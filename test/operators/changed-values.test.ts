import { expect, test } from 'vitest'
import { defineApp, joinWindow, json, string, topic, tumbling } from '../../src/index.ts'
import type { KStream, ReadOnlyWindowStore, StreamsBuilder } from '../../src/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'

interface Row {
  n: number
}

const rows = topic('rows', { key: string(), value: json<Row>() })
const asks = topic('asks', { key: string(), value: json<Row>() })
const out = topic('out', { key: string(), value: json<Row>() })

/** Changes what it is given, and passes it on. */
function raised(row: Row): Row {
  row.n += 1
  return row
}
const joiner = (_ask: Row, row: Row): Row => raised(row)

const minutes = (builder: StreamsBuilder) =>
  builder
    .stream(rows)
    .groupByKey()
    .windowedBy(tumbling('1m'))
    .reduce((_old, row) => row)

test.each<[string, (builder: StreamsBuilder) => KStream<string, Row | null>]>([
  ['a stream and a table', (builder) => builder.stream(asks).join(builder.table(rows), joiner)],
  [
    'a stream and a versioned table',
    (builder) =>
      builder.stream(asks).join(builder.table(rows, { store: { name: 's', versioned: { history: '1h' } } }), joiner),
  ],
  [
    'a stream and a table that is made of another',
    (builder) =>
      builder.stream(asks).join(
        builder
          .table(rows)
          .filter((row) => raised(row).n > 0)
          .mapValues(raised),
        joiner,
      ),
  ],
  [
    'a stream and a global table',
    (builder) => builder.stream(asks).join(builder.globalTable(rows), (_ask, key) => key, joiner),
  ],
  ['two tables', (builder) => builder.table(asks).join(builder.table(rows), joiner).toStream()],
  [
    'two tables by a foreign key',
    (builder) =>
      builder
        .table(asks)
        .join(
          builder.table(rows),
          () => 'a',
          (ask, row) => ({ n: raised(ask).n + raised(row).n }),
        )
        .toStream(),
  ],
  [
    'two tables of windows',
    (builder) =>
      minutes(builder)
        .join(
          builder
            .stream(asks)
            .groupByKey()
            .windowedBy(tumbling('1m'))
            .reduce((_old, ask) => ask),
          (row) => raised(row),
        )
        .toStream((_value, { key }) => key),
  ],
  ['two streams', (builder) => builder.stream(asks).join(builder.stream(rows), joiner, joinWindow('1m'))],
  [
    'a stream and itself',
    (builder) => {
      builder.stream(rows).forEach(() => {})
      const stream = builder.stream(asks)
      return stream.join(stream, (left, right) => ({ n: raised(left).n * 100 + raised(right).n }), joinWindow('1m'))
    },
  ],
])(
  'a function that changes a row of %s changes nothing that is kept: a restart makes no difference',
  async (_, join) => {
    const seen: unknown[] = []
    for (const restarts of [false, true]) {
      const app = defineApp({
        id: 'changed',
        cacheBytes: 0,
        optimize: 'all',
        defaults: { key: string(), value: json() },
        build: (builder) =>
          join(builder)
            .filter((row) => row !== null)
            .to(out),
      })
      await using driver = new TopologyTestDriver(app)
      driver.input(rows).pipe('a', { n: 1 }, { timestamp: 1 })
      for (let time = 2; time < 5; time++) {
        if (restarts) await driver.restart({ keepState: false })
        driver.input(asks).pipe('a', { n: time }, { timestamp: time })
      }
      seen.push(driver.output(out).readValues())
    }
    expect(seen[0]).not.toEqual([])
    expect(seen[0]).toEqual(seen[1])
  },
)

test('what comes out of a window that closed may be changed, and the store has it as it was', () => {
  const app = defineApp({
    id: 'closed',
    build: (builder) =>
      builder
        .stream(rows)
        .groupByKey()
        .windowedBy(tumbling('1m', { grace: '1m' }))
        .emitOnClose()
        .reduce((old, row) => ({ n: old.n + row.n }), { store: { name: 'sums', retention: '1h' } })
        .toStream((_value, { key }) => key)
        .mapValues(raised)
        .to(out),
  })
  using driver = new TopologyTestDriver(app)
  for (const timestamp of [1, 2, 125_000]) driver.input(rows).pipe('a', { n: 1 }, { timestamp })
  expect(driver.output(out).readValues()).toEqual([{ n: 3 }])
  const store = driver.store<ReadOnlyWindowStore<string, Row>>('sums')
  expect(store.get('a', 0)?.value).toEqual({ n: 2 })
})

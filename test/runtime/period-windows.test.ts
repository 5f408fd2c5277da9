import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, expectTypeOf, test } from 'vitest'
import {
  calendar,
  defineApp,
  embeddedLog,
  json,
  long,
  readTopic,
  Streams,
  string,
  topic,
  TopicWriter,
  untilWindowCloses,
  windowed,
  windowsOf,
} from '../../src/index.ts'
import type {
  Application,
  KTable,
  PeriodWindows,
  ReadOnlyWindowStore,
  StreamsBuilder,
  Windowed,
  WindowStoreEntry,
} from '../../src/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'

const HOUR = 3_600_000
const at = (instant: string) => Date.parse(instant)
const payments = topic('payments', { key: string(), value: long() })
const days = calendar('day', { timeZone: 'Europe/Berlin', grace: '1h' })
const totals = topic('totals', { key: windowed(string(), days), value: long(), tombstones: true })

type Options = Partial<Parameters<typeof defineApp>[0]>

function appOf(build: (builder: StreamsBuilder) => void, options: Options = {}): Application {
  return defineApp({ id: 'periods', cacheBytes: 0, ...options, build })
}

function sums(builder: StreamsBuilder, windows: PeriodWindows): KTable<Windowed<string>, number> {
  return builder
    .stream(payments)
    .groupByKey()
    .windowedBy(windows)
    .aggregate(
      () => 0,
      (sum, cents) => sum + cents,
      { store: 'sums', value: long() },
    )
}

const shown = ({ key, value, timestamp }: { key: Windowed<string> | null; value: number | null; timestamp: number }) =>
  `${key!.key} ${(key!.end - key!.start) / HOUR}h from ${new Date(key!.start).toISOString()}: ` +
  `${value} @${new Date(timestamp).toISOString()}`

describe('windows of the calendar', () => {
  test('sum the days of a time zone, and both bounds reach the topic', () => {
    const app = appOf((builder) => sums(builder, days).toStream().to(totals))
    using driver = new TopologyTestDriver(app)
    const pipe = (cents: number, instant: string) =>
      driver.input(payments).pipe('alice', cents, { timestamp: at(instant) })
    pipe(1, '2026-10-24T21:59:59Z')
    pipe(2, '2026-10-24T22:00:00Z')
    pipe(4, '2026-10-25T22:59:59Z')
    pipe(8, '2026-10-25T12:00:00Z')
    pipe(16, '2026-10-25T23:00:00Z')
    expect(driver.output(totals).readAll().map(shown)).toEqual([
      'alice 24h from 2026-10-23T22:00:00.000Z: 1 @2026-10-24T21:59:59.000Z',
      'alice 25h from 2026-10-24T22:00:00.000Z: 2 @2026-10-24T22:00:00.000Z',
      'alice 25h from 2026-10-24T22:00:00.000Z: 6 @2026-10-25T22:59:59.000Z',
      'alice 25h from 2026-10-24T22:00:00.000Z: 14 @2026-10-25T22:59:59.000Z',
      'alice 24h from 2026-10-25T23:00:00.000Z: 16 @2026-10-25T23:00:00.000Z',
    ])
    const store = driver.store<ReadOnlyWindowStore<string, number>>('sums')
    const start = at('2026-10-24T22:00Z')
    expect(store.get('alice', start)).toEqual({ value: 14, timestamp: at('2026-10-25T22:59:59Z') })
    expect(store.get('alice', start + 1)).toBeUndefined()
    const row = ({ key, start, end, value }: WindowStoreEntry<string, number>) =>
      `${key} ${new Date(start).toISOString()} ${(end - start) / HOUR}h ${value}`
    const two = ['alice 2026-10-24T22:00:00.000Z 25h 14', 'alice 2026-10-25T23:00:00.000Z 24h 16']
    expect([...store.fetch('alice', start, Infinity)].map(row)).toEqual(two)
    expect([...store.reverseFetchAll(start, start + 25 * HOUR)].map(row)).toEqual(two.toReversed())
    expect([...store.fetch('alice', start - 0.5, start + 0.5)].map(row)).toEqual(two.slice(0, 1))
    for (const read of [() => store.get('alice', Number.NaN), () => store.fetchAll(0, '5' as never)]) {
      expect(read).toThrow(expect.objectContaining({ code: 'MR_TIMESTAMP', store: 'sums' }))
    }
    // The day before closed long ago, and its row has expired.
    expect([...store.all()].map(row)).toEqual(two)
  })

  test('that begin before 1970 are rows like others', () => {
    const days = calendar('day', { timeZone: 'Europe/Berlin' })
    using driver = new TopologyTestDriver(appOf((builder) => sums(builder, days).toStream().to(totals)))
    driver.input(payments).pipe('alice', 1, { timestamp: 5 })
    const store = driver.store<ReadOnlyWindowStore<string, number>>('sums')
    expect([...store.all()]).toMatchObject([{ key: 'alice', start: -HOUR, end: 23 * HOUR, value: 1 }])
  })

  test('close once stream time is past their end and the grace, and drop what comes later', () => {
    for (const close of ['emitOnClose', 'suppress', 'suppress over a cache'] as const) {
      const app = appOf(
        (builder) => {
          const grouped = builder.stream(payments).groupByKey().windowedBy(days)
          const table = close === 'emitOnClose' ? grouped.emitOnClose().count() : grouped.count()
          const final = close === 'emitOnClose' ? table : table.suppress(untilWindowCloses())
          final.toStream().to(totals)
        },
        close === 'suppress over a cache' ? { cacheBytes: '1MiB' } : {},
      )
      using driver = new TopologyTestDriver(app)
      const pipe = (key: string, instant: string) => {
        driver.input(payments).pipe(key, 1, { timestamp: at(instant) })
        return driver.output(totals).readAll().map(shown)
      }
      const day = '25h from 2026-10-24T22:00:00.000Z'
      expect(pipe('alice', '2026-10-25T12:00Z')).toEqual([])
      expect(pipe('bob', '2026-10-25T23:59:59Z')).toEqual([])
      expect(pipe('alice', '2026-10-25T22:00Z')).toEqual([])
      expect(pipe('bob', '2026-10-26T00:00Z')).toEqual([`alice ${day}: 2 @2026-10-25T22:00:00.000Z`])
      expect(pipe('alice', '2026-10-25T22:00Z')).toEqual([])
      expect(driver.dropped.byReason).toEqual(new Map([['late', 1]]))
    }
  })

  test('are refused under compatibility, by every way to group', () => {
    const refused = expect.objectContaining({ code: 'MR_TOPOLOGY_WINDOWS' })
    const compatibility = 'kafka-streams-4.3' as const
    expect(() => new TopologyTestDriver(appOf((builder) => void sums(builder, days), { compatibility }))).toThrow(
      refused,
    )
    const cogrouped = appOf(
      (builder) => {
        builder
          .stream(payments)
          .groupByKey()
          .cogroup<number>((sum, cents) => sum + cents)
          .windowedBy(days)
          .aggregate(() => 0, { value: long() })
      },
      { compatibility },
    )
    expect(() => new TopologyTestDriver(cogrouped)).toThrow(refused)
  })

  test('aggregate several grouped streams together', () => {
    const app = appOf((builder) => {
      builder
        .stream(payments)
        .groupByKey()
        .cogroup<number>((sum, cents) => sum + cents)
        .windowedBy(days)
        .aggregate(() => 0, { value: long() })
        .toStream()
        .to(totals)
    })
    using driver = new TopologyTestDriver(app)
    driver.input(payments).pipe('alice', 5, { timestamp: at('2026-10-25T12:00Z') })
    expect(driver.output(totals).readValues()).toEqual([5])
  })

  test('are typed as time windows', () => {
    appOf((builder) => expectTypeOf(sums(builder, days)).toEqualTypeOf<KTable<Windowed<string>, number>>())
  })
})

describe('windows of your own', () => {
  test('may overlap, and a time may have none', () => {
    const windows = windowsOf(
      (time) =>
        time < 10
          ? []
          : [
              { start: 10, end: 100 },
              { start: time - (time % 20), end: time - (time % 20) + 20 },
            ],
      { maxSize: 90 },
    )
    const out = topic('out', { key: windowed(string(), windows), value: long() })
    using driver = new TopologyTestDriver(appOf((builder) => sums(builder, windows).toStream().to(out)))
    const pipe = (cents: number, timestamp: number) => {
      driver.input(payments).pipe('a', cents, { timestamp })
      return driver
        .output(out)
        .readAll()
        .map(({ key, value }) => `${key} ${value}`)
    }
    expect(pipe(1, 5)).toEqual([])
    expect(pipe(2, 15)).toEqual(['[a@10/100] 2', '[a@0/20] 2'])
    expect(pipe(4, 35)).toEqual(['[a@10/100] 6', '[a@20/40] 4'])
    expect(pipe(8, 16)).toEqual(['[a@10/100] 14'])
    expect(driver.dropped.byReason).toEqual(new Map([['late', 1]]))
  })

  test('that do not contain the time are a processing error with the place of the record', () => {
    const windows = windowsOf(() => [{ start: 0, end: 5 }], { maxSize: 5, grace: 5 })
    const build = (builder: StreamsBuilder) => void sums(builder, windows)
    using failing = new TopologyTestDriver(appOf(build))
    expect(() => failing.input(payments).pipe('a', 1, { timestamp: 5 })).toThrow(
      expect.objectContaining({ code: 'MR_PROCESSING', topic: 'payments', offset: 0 }),
    )
    using going = new TopologyTestDriver(appOf(build, { onProcessingError: 'continue' }))
    going.input(payments).pipe('a', 1, { timestamp: 5 })
    going.input(payments).pipe('a', 2, { timestamp: 4 })
    expect([...going.store<ReadOnlyWindowStore<string, number>>('sums').all()].map(({ value }) => value)).toEqual([2])
  })
})

describe('after a restart', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-periods-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  /** Windows as of some time zone data: a time belongs to the one with the last start at or before it. */
  const zoneOf = (...starts: number[]): PeriodWindows => ({
    kind: 'period',
    maxSize: 50,
    grace: 1000,
    disjoint: true,
    windowsOf: (time) => {
      const after = starts.findIndex((start) => start > time)
      return [{ start: starts[after - 1]!, end: starts[after]! }]
    },
  })

  test.each([
    ['from the state directory', true],
    ['from the changelog', false],
  ])('changed time zone data never splits a window (%s)', async (_from, keepsState) => {
    const input = topic('input', { key: string(), value: json<number>() })
    const log = await embeddedLog({ directory: join(directory, 'log'), fsync: false })
    try {
      await log.createTopics([
        { name: 'input', partitions: 1 },
        { name: 'totals', partitions: 1 },
      ])
      const run = async (windows: PeriodWindows, name: string, records: readonly (readonly [string, number])[]) => {
        const app = defineApp({
          id: 'periods',
          cacheBytes: 0,
          build: (builder) => {
            builder.stream(input).groupByKey().windowedBy(windows).count({ store: 'counts' }).toStream().to(totals)
          },
        })
        const stateDirectory = join(directory, name)
        await using streams = await Streams.start(app, { log, stateDirectory })
        await using writer = await TopicWriter.open(log, input)
        const before = streams.status().processed
        for (const [key, timestamp] of records) writer.write(key, 1, { timestamp })
        await writer.flush()
        await expect.poll(() => streams.status().processed - before).toBe(records.length)
      }
      await run(zoneOf(0, 20, 40, 80), 'state', [
        ['a', 5],
        ['a', 19],
        ['b', 21],
      ])
      // The bounds at 20 move to 25: a keeps [0, 20), b keeps [20, 40), and c has what is valid now.
      await run(zoneOf(0, 25, 40, 80), keepsState ? 'state' : 'other', [
        ['a', 10],
        ['a', 22],
        ['a', 12],
        ['a', 23],
        ['b', 30],
        ['b', 10],
        ['c', 22],
      ])
      const seen: string[] = []
      for await (const { key, value } of readTopic(log, totals, { until: 'end' })) seen.push(`${key} ${value}`)
      expect(seen).toEqual([
        '[a@0/20] 1',
        '[a@0/20] 2',
        '[b@20/40] 1',
        '[a@0/20] 3',
        '[a@20/25] 1',
        '[a@0/20] 4',
        '[a@20/25] 2',
        '[b@20/40] 2',
        '[b@0/20] 1',
        '[c@0/25] 1',
      ])
    } finally {
      await log.close()
    }
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  calendar,
  defineApp,
  embeddedLog,
  hopping,
  joinWindow,
  long,
  readTopic,
  session,
  sliding,
  Streams,
  string,
  topic,
  TopicWriter,
  tumbling,
  untilTimeLimit,
  untilWindowCloses,
} from '../../src/index.ts'
import type { Application, KStream, SlidingWindows, StreamsBuilder, TimeWindows } from '../../src/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'

const left = topic('left', { key: string(), value: string() })
const right = topic('right', { key: string(), value: string() })
const out = topic('out', { key: string(), value: string() })

/** Wall clock of the driver at the start; events are stamped with it. */
const NOW = 1_790_000_000_000

type Options = Partial<Parameters<typeof defineApp>[0]>

function appOf(build: (builder: StreamsBuilder) => void, options: Options = {}): Application {
  return defineApp({ id: 'idle', idleAfter: '30s', ...options, build })
}

function open(app: Application, partitions = 1): TopologyTestDriver {
  return new TopologyTestDriver(app, { wallClock: NOW, partitions })
}

const read = (driver: TopologyTestDriver) =>
  driver
    .output(out)
    .readAll()
    .map(({ key, value, timestamp }) => `${key}=${value}@${timestamp - NOW}`)

function closing(windows: TimeWindows | SlidingWindows): (builder: StreamsBuilder) => void {
  return (builder) =>
    builder
      .stream(left)
      .groupByKey()
      .windowedBy(windows)
      .emitOnClose()
      .count()
      .toStream((_value, { key }) => key)
      .mapValues(String)
      .to(out)
}

describe('when all partitions of a task are silent for idleAfter', () => {
  test.each<[string, (builder: StreamsBuilder) => void]>([
    ['tumbling windows', closing(tumbling('20s'))],
    ['hopping windows', closing(hopping('20s', { advance: '20s' }))],
    ['sliding windows', closing(sliding('20s'))],
    ['windows of the calendar', closing(calendar('day', { timeZone: 'UTC' }))],
    [
      'sessions',
      (builder) =>
        builder
          .stream(left)
          .groupByKey()
          .windowedBy(session('20s'))
          .emitOnClose()
          .count()
          .toStream((_value, { key }) => key)
          .mapValues(String)
          .to(out),
    ],
    [
      'suppressed windows',
      (builder) =>
        builder
          .stream(left)
          .groupByKey()
          .windowedBy(tumbling('20s'))
          .count()
          .suppress(untilWindowCloses())
          .toStream((_value, { key }) => key)
          .mapValues(String)
          .to(out),
    ],
    [
      'changes held back by time',
      (builder) =>
        builder
          .table(left, { store: 'table' })
          .suppress(untilTimeLimit('20s'))
          .toStream()
          .mapValues(() => '1')
          .to(out),
    ],
    [
      'records without a partner',
      (builder) =>
        builder
          .stream(left)
          .leftJoin(builder.stream(right), (_value, other) => (other === null ? '1' : '2'), joinWindow('20s'))
          .to(out),
    ],
  ])('%s are emitted, with the timestamps that they always have', (_what, build) => {
    using driver = open(appOf(build))
    driver.input(left).pipe('a', 'x', { timestamp: NOW })
    expect(read(driver)).toEqual([])
    driver.advanceWallClock('30s')
    expect(read(driver)).toEqual([])
    driver.advanceWallClock('1d')
    driver.advanceWallClock('9h')
    expect(read(driver)).toEqual(['a=1@0'])
    driver.advanceWallClock('1d')
    expect(read(driver)).toEqual([])
  })

  test('stream time advances by the time that passes, from where it was, and never goes back', () => {
    using driver = open(appOf((builder) => void builder.stream(left).groupByKey().windowedBy(tumbling('10s')).count()))
    driver.input(left).pipe('a', 'x', { timestamp: NOW - 100_000 })
    driver.advanceWallClock('30s')
    expect(driver.streamTime).toBe(NOW - 100_000)
    driver.advanceWallClock('5s')
    expect(driver.streamTime).toBe(NOW - 95_000)
    driver.advanceWallClock('5s')
    expect(driver.streamTime).toBe(NOW - 90_000)
    driver.input(left).pipe('a', 'x', { timestamp: NOW - 99_000 })
    expect(driver.streamTime).toBe(NOW - 90_000)
    // Silence is counted from that record on.
    driver.advanceWallClock('29s')
    expect(driver.streamTime).toBe(NOW - 90_000)
    driver.advanceWallClock('2s')
    expect(driver.streamTime).toBe(NOW - 89_000)
  })

  test('stream time never passes the wall clock less idleAfter, and waits for it when records are ahead', () => {
    using driver = open(appOf((builder) => void builder.stream(left).groupByKey().windowedBy(tumbling('10s')).count()))
    driver.input(left).pipe('a', 'x', { timestamp: NOW + 60_000 })
    driver.advanceWallClock('80s')
    expect(driver.streamTime).toBe(NOW + 60_000)
    driver.advanceWallClock('20s')
    expect(driver.streamTime).toBe(NOW + 70_000)
  })

  test('a record that is late because of it is dropped with a reason of its own', () => {
    using driver = open(appOf(closing(tumbling('20s'))))
    const input = driver.input(left)
    input.pipe('a', 'x', { timestamp: NOW })
    driver.advanceWallClock('70s')
    expect(read(driver)).toEqual(['a=1@0'])
    input.pipe('a', 'after', { timestamp: NOW + 1 })
    input.pipe('b', 'long before', { timestamp: NOW - 100_000 })
    expect(driver.dropped.byReason).toEqual(
      new Map([
        ['late-after-idle', 1],
        ['late', 1],
      ]),
    )
    // Records have caught up: what is late now is late because of them.
    input.pipe('a', 'new', { timestamp: NOW + 100_000 })
    input.pipe('a', 'late', { timestamp: NOW + 2 })
    expect(driver.dropped.byReason.get('late')).toBe(2)
  })

  test('the silence of one task is enough: others advance by their records', () => {
    using driver = open(appOf(closing(tumbling('20s'))), 2)
    const input = driver.input(left)
    const partitionOf = (key: string) => {
      input.pipe(key, 'x', { timestamp: NOW })
      return driver.dropped.total
    }
    for (const key of ['a', 'b', 'c', 'd']) partitionOf(key)
    driver.advanceWallClock('45s')
    // Time has passed for both tasks, but a record in one of them makes its silence begin again.
    input.pipe('a', 'x', { timestamp: NOW + 1 })
    driver.advanceWallClock('6s')
    const first = read(driver).length
    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThan(4)
    driver.advanceWallClock('30s')
    expect(read(driver)).toHaveLength(4 - first)
  })

  test('nothing that is held back is late for what follows it, within a task and after a repartition topic', () => {
    // Totals of totals: after an hour the first windows emit what belongs to minutes long past.
    const minutes = (stream: KStream<string, string>, regrouped: boolean) => {
      const grouped = regrouped ? stream.groupBy((_value, key) => `all ${key}`) : stream.groupByKey()
      return grouped
        .windowedBy(tumbling('1m'))
        .count()
        .toStream((_value, { key }) => key)
        .mapValues(String)
    }
    for (const regrouped of [false, true]) {
      const app = appOf(
        (builder) => {
          const hours = builder
            .stream(left)
            .groupByKey()
            .windowedBy(hopping('1h', { advance: '1m' }))
            .emitOnClose()
            .count()
            .toStream((_value, { key }) => key)
            .mapValues(String)
          minutes(hours, regrouped).to(out)
        },
        { defaults: { key: string(), value: string() } },
      )
      using driver = open(app)
      driver.input(left).pipe('a', 'x', { timestamp: NOW })
      for (let i = 0; i < 240; i++) driver.advanceWallClock('1m')
      expect(driver.dropped.byReason).toEqual(new Map())
      // One result of the hour windows for each of the 60 that hold the record, each counted in the record's minute.
      expect(read(driver).at(-1)).toBe(`${regrouped ? 'all ' : ''}a=60@0`)
    }
  })

  test('nothing is late for a sub-topology that reads a topic of the user which the application writes', () => {
    const app = appOf(
      (builder) => {
        builder
          .stream(left)
          .groupByKey()
          .windowedBy(tumbling('10m'))
          .emitOnClose()
          .count()
          .toStream((_value, { key }) => key)
          .mapValues(String)
          .to(right)
        builder
          .stream(right)
          .groupByKey()
          .windowedBy(tumbling('1m'))
          .count()
          .toStream((_value, { key }) => key)
          .mapValues(String)
          .to(out)
      },
      { defaults: { key: string(), value: string() } },
    )
    using driver = open(app)
    driver.input(left).pipe('a', 'x', { timestamp: NOW })
    driver.input(right).pipe('b', 'x', { timestamp: NOW })
    for (let i = 0; i < 30; i++) driver.advanceWallClock('1m')
    expect(driver.dropped.byReason).toEqual(new Map())
    expect(read(driver)).toEqual(['b=1@0', 'a=1@0'])
  })

  test('what caches hold back is emitted first', () => {
    const app = appOf(
      (builder) =>
        builder
          .stream(left)
          .groupByKey()
          .windowedBy(tumbling('20s'))
          .count()
          .suppress(untilWindowCloses())
          .toStream((_value, { key }) => key)
          .mapValues(String)
          .to(out),
      { cacheBytes: '1MiB' },
    )
    using driver = open(app)
    driver.input(left).pipe('a', 'x', { timestamp: NOW })
    driver.advanceWallClock('70s')
    expect(read(driver)).toEqual(['a=1@0'])
  })

  test('an error of a function goes to the handler, and the other results are emitted', () => {
    const app = appOf(
      (builder) =>
        builder
          .stream(left)
          .leftJoin(
            builder.stream(right),
            (value) => {
              if (value === 'bad') throw new TypeError('bad')
              return value
            },
            joinWindow('1s'),
          )
          .to(out),
      { onProcessingError: 'continue' },
    )
    using driver = open(app)
    driver.input(left).pipe('a', 'bad', { timestamp: NOW })
    driver.input(left).pipe('b', 'good', { timestamp: NOW + 1 })
    driver.advanceWallClock('70s')
    driver.advanceWallClock('1s')
    expect(read(driver)).toEqual(['b=good@1'])
    expect(driver.dropped.byReason).toEqual(new Map([['processing', 1]]))
  })
})

test('without idleAfter nothing is emitted before the next record', () => {
  using driver = open(defineApp({ id: 'idle', build: closing(tumbling('20s')) }))
  driver.input(left).pipe('a', 'x', { timestamp: NOW })
  driver.advanceWallClock('1d')
  expect(read(driver)).toEqual([])
})

test.each([
  ['0', { idleAfter: 0 }],
  ['under compatibility', { idleAfter: '1m', compatibility: 'kafka-streams-4.3' } as const],
])('idleAfter %s is refused', (_how, options) => {
  expect(() => appOf(() => {}, options)).toThrow(expect.objectContaining({ code: 'MR_CONFIG' }))
})

describe('on the embedded log', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-idle-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  test('the last windows are emitted once, and stream time is kept over a restart', async () => {
    const log = await embeddedLog({ directory: join(directory, 'log'), fsync: false })
    try {
      await log.createTopics(['left', 'out'].map((name) => ({ name, partitions: 2 })))
      const app = appOf(closing(tumbling('1s')), { idleAfter: '300ms' })
      const stateDirectory = join(directory, 'state')
      const results = async () => {
        const seen: string[] = []
        for await (const { key, value } of readTopic(log, out, { until: 'end' })) seen.push(`${key}=${value}`)
        return seen.toSorted()
      }
      const begin = Date.now()
      const start = begin - (begin % 1000)
      {
        await using streams = await Streams.start(app, { log, stateDirectory })
        await using writer = await TopicWriter.open(log, left)
        for (const key of ['a', 'b', 'c']) writer.write(key, 'x', { timestamp: start })
        await writer.flush()
        await expect.poll(results, { timeout: 10_000 }).toEqual(['a=1', 'b=1', 'c=1'])
        expect(streams.status().dropped.get('late-after-idle')).toBeUndefined()
      }
      await using streams = await Streams.start(app, { log, stateDirectory })
      await using writer = await TopicWriter.open(log, left)
      for (const key of ['a', 'b', 'c']) writer.write(key, 'late', { timestamp: start + 1 })
      await writer.flush()
      await expect.poll(() => streams.status().dropped.get('late-after-idle'), { timeout: 10_000 }).toBe(3)
      expect(await results()).toEqual(['a=1', 'b=1', 'c=1'])
    } finally {
      await log.close()
    }
  })
  test('what another thread holds back until its commit is not late for the thread that reads it', async () => {
    const log = await embeddedLog({ directory: join(directory, 'log'), fsync: false })
    try {
      await log.createTopics(['left', 'out'].map((name) => ({ name, partitions: 1 })))
      const app = appOf(
        (builder) =>
          builder
            .stream(left)
            .groupByKey()
            .count()
            .toStream()
            .groupBy(() => 'all', { value: long() })
            .windowedBy(tumbling('200ms'))
            .count()
            .toStream((_value, { key }) => key)
            .mapValues(String)
            .to(out),
        { defaults: { key: string(), value: string() }, threads: 2, commitInterval: '1s', idleAfter: '200ms' },
      )
      await using streams = await Streams.start(app, { log, stateDirectory: join(directory, 'state') })
      await streams.whenRunning()
      await using writer = await TopicWriter.open(log, left)
      for (let i = 0; i < 60; i++) {
        writer.write(`k${i}`, 'x', { timestamp: Date.now() })
        await writer.flush()
        await setTimeout(40)
      }
      await expect.poll(() => streams.status().processed, { timeout: 10_000 }).toBeGreaterThan(90)
      expect(streams.status().dropped).toEqual(new Map())
    } finally {
      await log.close()
    }
  })
})

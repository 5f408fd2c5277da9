import { setTimeout as sleep } from 'node:timers/promises'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  defineApp,
  hopping,
  json,
  long,
  memoryLog,
  readTopic,
  sessionStore,
  Streams,
  string,
  timestampedKeyValueStore,
  topic,
  TopicWriter,
  versionedKeyValueStore,
  windowed,
  windowStore,
} from 'millrace'
import type {
  AppConfig,
  ProcessingContext,
  SessionStore,
  TimestampedKeyValueStore,
  VersionedKeyValueStore,
  WindowStore,
} from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import { expect, test } from 'vitest'
import { Headers } from '../../src/record/headers.ts'
import { RunCursor, placeOf } from '../../src/log/local/run-cursor.ts'
import { RunWriter } from '../../src/log/local/run-writer.ts'
import { sliceOf } from '../record/slice-of.ts'

interface Timed {
  readonly t?: unknown
  readonly throws?: boolean
}

/** Values that JavaScript lets a function return although its type is number. */
const NO_TIMES: readonly (readonly [what: string, value: unknown])[] = [
  ['text', '9000'],
  ['undefined', undefined],
  ['NaN', Number.NaN],
  ['Infinity', Infinity],
  ['a Date', new Date(9_000)],
  ['a bigint', 9_000n],
  ['a time out of range', 1e16],
]

const input = topic('input', { key: string(), value: string() })
const output = topic('output', { key: string(), value: string() })

/** A topic whose function returns what a test wants. */
function stamped(timeOf: (value: string | null) => unknown) {
  return topic('stamped', { key: string(), value: string(), timestamp: ({ value }) => timeOf(value) as number })
}

type Settings = Omit<AppConfig, 'id' | 'build'>

function copying(source: ReturnType<typeof stamped>, settings: Settings = {}) {
  return new TopologyTestDriver(
    defineApp({ id: 'copy', ...settings, build: (builder) => builder.stream(source).to(output) }),
  )
}

test.each(NO_TIMES)('a timestamp function that returns %s is MR_TIMESTAMP with the place of the record', (_, value) => {
  using driver = copying(stamped((text) => (text === 'bad' ? value : 9_000)))
  const records = driver.input(stamped(() => 0))
  records.pipe('k', 'good', { timestamp: 1 })
  expect(() => records.pipe('k', 'bad', { timestamp: 2 })).toThrow(
    expect.objectContaining({ code: 'MR_TIMESTAMP', topic: 'stamped', partition: 0, offset: 1, task: '0_0' }),
  )
  expect(driver.output(output).readAll()).toMatchObject([{ value: 'good', timestamp: 9_000 }])
})

test.each([...NO_TIMES, ['nothing, but throws', 'throw'] as const])(
  'onDeserializationError decides about a timestamp function that returns %s, and later records are processed',
  (_, value) => {
    const source = stamped((text) => {
      if (text === 'bad' && value === 'throw') throw new TypeError('no time here')
      return text === 'bad' ? value : 9_000
    })
    const asked: string[] = []
    using driver = copying(source, {
      deadLetterTopic: 'dead',
      onDeserializationError: (error, record) => {
        asked.push(`${error.code} ${record.topic}/${record.partition}@${record.offset}`)
        return 'deadLetter'
      },
    })
    const records = driver.input(source)
    for (const text of ['good', 'bad', 'better']) records.pipe('k', text, { timestamp: 2 })
    expect(asked).toEqual(['MR_TIMESTAMP stamped/0@1'])
    expect(driver.output(output).readValues()).toEqual(['good', 'better'])
    const dead = topic('dead', { key: string(), value: string() })
    expect(driver.output(dead).readAll()).toMatchObject([{ key: 'k', value: 'bad', timestamp: 2 }])
    expect(driver.dropped.byReason).toEqual(new Map([['deserialization', 1]]))
  },
)

test('a fraction is cut off before windows are chosen, and negative times are dropped and counted', () => {
  const source = topic('timed', { key: string(), value: json<Timed>(), timestamp: ({ value }) => value?.t as number })
  const counts = topic('counts', { key: windowed(string(), '10s'), value: long() })
  using driver = new TopologyTestDriver(
    defineApp({
      id: 'counting',
      build: (builder) =>
        builder
          .stream(source)
          .groupByKey()
          .windowedBy(hopping('10s', { advance: '5s' }))
          .count()
          .toStream()
          .to(counts),
    }),
  )
  const records = driver.input(source)
  records.pipe('k', { t: 9_999.9 }, { timestamp: 1 })
  records.pipe('k', { t: -1.5 }, { timestamp: 1 })
  records.pipe('k', { t: 10_000 }, { timestamp: 1 })
  expect(
    driver
      .output(counts)
      .readAll()
      .map(({ key, value, timestamp }) => `${key} ${value} at ${timestamp}`),
  ).toEqual([
    '[k@0/10000] 1 at 9999',
    '[k@5000/15000] 1 at 9999',
    '[k@5000/15000] 2 at 10000',
    '[k@10000/20000] 1 at 10000',
  ])
  expect(driver.dropped.byReason).toEqual(new Map([['negative-timestamp', 1]]))
})

/** Hands each value to a function with the context of a processor that has every kind of store with times. */
function doing(act: (context: ProcessingContext, value: string | null, forward: (time: unknown) => void) => void) {
  const types = { key: string(), value: string() }
  const stores = [
    timestampedKeyValueStore('timestamped', types),
    versionedKeyValueStore('versioned', { ...types, history: '1d' }),
    windowStore('windows', { ...types, retention: '1d', windowSize: '1s' }),
    sessionStore('sessions', { ...types, retention: '1d' }),
  ]
  return (settings: Settings = {}) =>
    new TopologyTestDriver(
      defineApp({
        id: 'doing',
        ...settings,
        build: (builder) =>
          builder
            .stream(input)
            .process<string, string>(
              () => {
                let context: Parameters<typeof act>[0]
                let forward: (time: unknown) => void
                return {
                  init(given) {
                    context = given
                    forward = (time) => given.forward({ key: 'k', value: 'v', timestamp: time as number })
                  },
                  process: ({ value }) => act(context, value, forward),
                }
              },
              { stores, name: 'doing' },
            )
            .to(output),
      }),
    )
}

const NOWHERE = [...NO_TIMES.filter(([, value]) => value !== undefined), ['a negative time', -1] as const]

test.each(NOWHERE)('forward with %s is MR_TIMESTAMP with node and place, and onProcessingError decides', (_, time) => {
  const start = doing((_context, value, forward) => forward(value === 'bad' ? time : 5.7))
  const place = { code: 'MR_TIMESTAMP', node: 'doing', task: '0_0', topic: 'input', partition: 0, offset: 0 }
  using failing = start()
  expect(() => failing.input(input).pipe('k', 'bad', { timestamp: 1 })).toThrow(expect.objectContaining(place))
  using driver = start({ onProcessingError: 'continue' })
  for (const value of ['bad', 'good']) driver.input(input).pipe('k', value, { timestamp: 1 })
  expect(driver.output(output).readAll()).toMatchObject([{ timestamp: 5 }])
  expect(driver.dropped.byReason).toEqual(new Map([['processing', 1]]))
})

test('entries of stores have whole times, whatever fraction they are put with, now and after a restart', async () => {
  const start = doing((context) => {
    context.store<TimestampedKeyValueStore<string, string>>('timestamped').put('k', 'v', 5.7)
    context.store<VersionedKeyValueStore<string, string>>('versioned').put('k', 'v', 5.7)
    context.store<WindowStore<string, string>>('windows').put('k', 'v', 5.7)
    context.store<SessionStore<string, string>>('sessions').put('k', 'v', 5.7, 8.2)
  })
  await using driver = start()
  driver.input(input).pipe('k', 'v', { timestamp: 1 })
  for (const again of [false, true]) {
    if (again) await driver.restart({ keepState: false })
    const timestamped: TimestampedKeyValueStore<string, string> = driver.store('timestamped')
    expect(timestamped.get('k')).toEqual({ value: 'v', timestamp: 5 })
    const versioned: VersionedKeyValueStore<string, string> = driver.store('versioned')
    expect(versioned.get('k', 5.9)).toMatchObject({ timestamp: 5 })
    expect(versioned.get('k', 4.9)).toBeUndefined()
    const windows: WindowStore<string, string> = driver.store('windows')
    expect([...windows.fetch('k', 4.1, 5.1)].map(({ start: time }) => time)).toEqual([5])
    expect([...windows.fetch('k', 5.1, 1e300)]).toEqual([])
    expect([...windows.fetchAll(-Infinity, Infinity)]).toHaveLength(1)
    const sessions: SessionStore<string, string> = driver.store('sessions')
    expect(sessions.get('k', 5.2, 8.9)).toBe('v')
    expect([...sessions.findSessions('k', 7.5, 5.5)]).toMatchObject([{ start: 5, end: 8 }])
  }
})

const PUTS: readonly (readonly [string, (context: ProcessingContext, time: number) => void])[] = [
  [
    'timestamped',
    (context, time) => context.store<TimestampedKeyValueStore<string, string>>('timestamped').put('k', 'v', time),
  ],
  [
    'versioned',
    (context, time) => context.store<VersionedKeyValueStore<string, string>>('versioned').put('k', 'v', time),
  ],
  ['windows', (context, time) => context.store<WindowStore<string, string>>('windows').put('k', 'v', time)],
  ['sessions', (context, time) => void context.store<SessionStore<string, string>>('sessions').put('k', 'v', 5, time)],
]

test.each(PUTS)(
  'a put into the %s store with text for a time is MR_TIMESTAMP, and onProcessingError decides',
  (store, put) => {
    const start = doing((context, value) => {
      const bound = { ...context, store: context.store.bind(context) } as ProcessingContext
      put(bound, (value === 'bad' ? '5' : 5) as number)
    })
    using failing = start()
    expect(() => failing.input(input).pipe('k', 'bad', { timestamp: 1 })).toThrow(
      expect.objectContaining({ code: 'MR_TIMESTAMP', store, node: 'doing', topic: 'input', partition: 0, offset: 0 }),
    )
    using driver = start({ onProcessingError: 'continue' })
    for (const value of ['bad', 'good']) driver.input(input).pipe('k', value, { timestamp: 1 })
    expect(driver.dropped.byReason).toEqual(new Map([['processing', 1]]))
  },
)

test('the driver and a TopicWriter throw to the caller, write nothing, and go on', async () => {
  using driver = copying(stamped(() => 1))
  const records = driver.input(stamped(() => 1))
  expect(() => records.pipe('k', 'bad', { timestamp: '5' as never })).toThrow(
    expect.objectContaining({ code: 'MR_TIMESTAMP', topic: 'stamped', partition: 0 }),
  )
  records.pipe('k', 'good', { timestamp: 5 })
  expect(driver.output(output).readValues()).toEqual(['good'])
  expect(() =>
    driver.input(
      stamped(() => 1),
      { start: Number.NaN },
    ),
  ).toThrow(expect.objectContaining({ code: 'MR_TIMESTAMP' }))
  const log = memoryLog()
  await log.createTopics([{ name: 'input', partitions: 1 }])
  const writer = await TopicWriter.open(log, input)
  for (const [, none] of NO_TIMES.filter(([, value]) => value !== undefined)) {
    expect(() => writer.write('k', 'bad', { timestamp: none as number })).toThrow(
      expect.objectContaining({ code: 'MR_TIMESTAMP', topic: 'input', partition: 0 }),
    )
  }
  writer.write('k', 'good', { timestamp: 5.9 })
  await writer.close()
  const found = []
  for await (const { value, timestamp } of readTopic(log, input, { until: 'end' })) found.push([value, timestamp])
  expect(found).toEqual([['good', 5]])
  await log.close()
})

test('an application runs on records whose times are fractions, and again after a restart', async () => {
  const stateDirectory = await mkdtemp(join(tmpdir(), 'millrace-event-times-'))
  const log = memoryLog()
  const counts = topic('output', { key: string(), value: long() })
  const app = defineApp({
    id: 'counting',
    build: (builder) => builder.stream(input).groupByKey().count({ store: 'counts' }).toStream().to(counts),
  })
  try {
    await log.createTopics(['input', 'output'].map((name) => ({ name, partitions: 1 })))
    const writer = await TopicWriter.open(log, input)
    for (const round of [1, 2]) {
      await using streams = await Streams.start(app, { log, stateDirectory })
      writer.write('k', 'v', { timestamp: performance.timeOrigin + performance.now() })
      await writer.flush()
      const latest = async () => {
        let count: number | null = 0
        for await (const { value } of readTopic(log, counts, { until: 'end' })) count = value
        return count
      }
      await expect.poll(latest).toBe(round)
      await sleep(1)
      expect(streams.state).toBe('running')
    }
  } finally {
    await log.close()
    await rm(stateDirectory, { recursive: true, force: true })
  }
})

test('a fraction that an older log holds is read as a whole time', () => {
  const runs = new RunWriter(0)
  runs.append(sliceOf(1_000.7, Buffer.from('kv'), [0, 1], [1, 2], new Headers()), 1_000.7)
  const cursor = new RunCursor(placeOf({ ...runs.take()[0]!, base: 0 }, 0))
  cursor.next()
  expect(cursor.timestamp).toBe(1_000)
})

const prices = topic('prices', { key: string(), value: string(), timestamp: ({ value }) => Number(value) })

test.each(['continue', 'fail'] as const)(
  'a table restored from its source topic holds what it held before, without records that had no time (%s)',
  async (onDeserializationError) => {
    let isBroken = false
    const source = topic('prices', {
      ...{ key: string(), value: string() },
      timestamp: ({ value }) => (isBroken ? Number.NaN : Number(value)),
    })
    const app = defineApp({
      id: 'table',
      optimize: 'reuse.ktable.source.topics',
      onDeserializationError,
      build: (builder) => void builder.table(source, { store: 'prices' }),
    })
    await using driver = new TopologyTestDriver(app)
    driver.input(prices).pipe('a', '5.5', { timestamp: 1 })
    if (onDeserializationError === 'continue') driver.input(prices).pipe('b', 'none', { timestamp: 1 })
    await driver.restart({ keepState: false })
    const store: TimestampedKeyValueStore<string, string> = driver.store('prices')
    expect([...store.all()]).toEqual([{ key: 'a', value: { value: '5.5', timestamp: 5 } }])
    if (onDeserializationError === 'continue') return
    isBroken = true
    await expect(driver.restart({ keepState: false })).rejects.toMatchObject({
      ...{ code: 'MR_TIMESTAMP', store: 'prices', topic: 'prices', partition: 0, offset: 0 },
    })
  },
)

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defineApp, json, long, memoryLog, readTopic, Streams, string, topic, TopicWriter } from '../../src/index.ts'
import type { AppConfig, Application, Log, Topic } from '../../src/index.ts'
import { ManualClock } from '../../src/platform/manual-clock.ts'
import { eventually } from './instance-promises.ts'
import { stalled } from './stalled-log.ts'

let directory: string
let log: Log

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-acceptance-'))
  log = memoryLog()
})
afterEach(async () => {
  await log.close()
  await rm(directory, { recursive: true, force: true })
})

async function write<V>(
  to: Topic<string, V>,
  records: Iterable<readonly [key: string, value: V, timestamp: number]>,
): Promise<void> {
  await using writer = await TopicWriter.open(log, to)
  for (const [key, value, timestamp] of records) writer.write(key, value, { timestamp })
  await writer.flush()
}

async function valuesOf<V>(from: Topic<string, V>): Promise<(V | null)[]> {
  const values: (V | null)[] = []
  for await (const { value } of readTopic(log, from, { until: 'end' })) values.push(value)
  return values
}

describe('one bad record', () => {
  const orders = topic('orders', { key: string(), value: json<{ readonly price: number }>() })
  const prices = topic('prices', { key: string(), value: long() })
  const letters = topic('letters', { key: string(), value: string() })

  const app = (settings: Partial<AppConfig>): Application =>
    defineApp({
      id: 'orders-app',
      guarantee: 'exactly_once',
      commitInterval: 10,
      ...settings,
      build: (builder) =>
        builder
          .stream(orders)
          .mapValues(({ price }) => {
            if (price < 0) throw new RangeError(`a price of ${price}`)
            return price
          })
          .to(prices, { key: string(), value: long() }),
    })

  beforeEach(async () => {
    await log.createTopics([orders, prices, letters].map(({ name }) => ({ name, partitions: 1 })))
    await write(topic('orders', { key: string(), value: string() }), [
      ['a', '{"price":1}', 1],
      ['b', 'no json at all', 2],
      ['c', '{"price":-5}', 3],
      ['d', '{"price":4}', 4],
    ])
  })

  test('goes to the dead letter topic, and the application keeps running', async () => {
    await using streams = await Streams.start(app({ deadLetterTopic: letters.name }), {
      log,
      stateDirectory: directory,
    })
    await eventually(async () => (await valuesOf(prices)).length === 2)
    expect(streams.state).toBe('running')
    expect(await valuesOf(prices)).toEqual([1, 4])
    expect(await valuesOf(letters)).toEqual(['no json at all', '{"price":-5}'])
  })

  test('goes to a handler with its place, and the application keeps running', async () => {
    const asked: (readonly [code: string, offset: number])[] = []
    const handler: NonNullable<AppConfig['onProcessingError']> = (error, record) => {
      asked.push([error.code, record.offset])
      return 'continue'
    }
    const settings = { onDeserializationError: handler, onProcessingError: handler }
    await using streams = await Streams.start(app(settings), { log, stateDirectory: directory })
    await eventually(async () => (await valuesOf(prices)).length === 2)
    expect(streams.state).toBe('running')
    expect(asked).toEqual([
      ['MR_DESERIALIZE', 1],
      ['MR_PROCESSING', 2],
    ])
  })
})

describe('two input topics of different speed', () => {
  const fast = topic('fast', { key: string(), value: string() })
  const slow = topic('slow', { key: string(), value: string() })
  const merged = topic('merged', { key: string(), value: string() })

  const app = (settings: Partial<AppConfig>): Application =>
    defineApp({
      id: 'merge-app',
      guarantee: 'exactly_once',
      commitInterval: 10,
      ...settings,
      build: (builder) =>
        builder.stream(fast).merge(builder.stream(slow)).to(merged, { key: string(), value: string() }),
    })

  beforeEach(async () => {
    await log.createTopics([fast, slow, merged].map(({ name }) => ({ name, partitions: 1 })))
  })

  test('are taken in the order of event time', async () => {
    await write(
      fast,
      Array.from({ length: 20 }, (_, i) => ['k', `${i * 2}`, i * 2] as const),
    )
    await write(
      slow,
      Array.from({ length: 20 }, (_, i) => ['k', `${i * 2 + 1}`, i * 2 + 1] as const),
    )
    await using _ = await Streams.start(app({}), { log, stateDirectory: directory })
    await eventually(async () => (await valuesOf(merged)).length === 40)
    expect(await valuesOf(merged)).toEqual(Array.from({ length: 40 }, (_, i) => `${i}`))
  })

  test('wait for the one that is empty as long as maxTaskIdle says, and no longer', async () => {
    const clock = new ManualClock(1_000_000)
    await write(fast, [['k', 'fast', 20]])
    await using streams = await Streams.start(app({ maxTaskIdle: '1m' }), { log, stateDirectory: directory, clock })
    await streams.whenRunning()
    for (let turn = 0; turn < 20; turn++) await step(clock, 1000)
    expect(streams.status().processed).toBe(0)
    await write(slow, [['k', 'slow', 10]])
    await stepUntil(clock, 1000, async () => (await valuesOf(merged)).length > 0)
    expect((await valuesOf(merged))[0]).toBe('slow')
    await stepUntil(clock, 1000, async () => (await valuesOf(merged)).length === 2)
    expect(await valuesOf(merged)).toEqual(['slow', 'fast'])
  })
})

describe('a restore', () => {
  const words = topic('words', { key: string(), value: string() })
  const counts = topic('counts', { key: string(), value: long() })
  const app = defineApp({
    id: 'counting-app',
    guarantee: 'exactly_once',
    commitInterval: 10,
    build: (builder) => builder.stream(words).groupByKey().count({ store: 'counts' }).toStream().to(counts),
  })

  test('ends where the changelog ended, however long its records are in coming, and never before', async () => {
    await log.createTopics([words, counts].map(({ name }) => ({ name, partitions: 1 })))
    await write(
      words,
      Array.from({ length: 50 }, (_, i) => ['k', 'x', i] as const),
    )
    const first = await Streams.start(app, { log, stateDirectory: join(directory, 'first') })
    await eventually(() => first.state === 'running' && first.status().processed === 50)
    await first.close()
    await write(words, [['k', 'x', 100]])

    const clock = new ManualClock(1_000_000)
    const slow = stalled(log, (topic) => topic.endsWith('-changelog'))
    await using second = await Streams.start(app, { log: slow.log, stateDirectory: join(directory, 'second'), clock })
    for (let turn = 0; turn < 50; turn++) await step(clock, 60_000)
    expect(second.state).toBe('rebalancing')
    expect(second.status().processed).toBe(0)
    slow.release()
    await stepUntil(clock, 100, async () => (await valuesOf(counts)).at(-1) === 51)
    expect(second.state).toBe('running')
  })
})

/** Lets time pass, and everything run that waits for it. */
async function step(clock: ManualClock, by: number): Promise<void> {
  clock.advance(by)
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function stepUntil(clock: ManualClock, by: number, holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await step(clock, by)
}

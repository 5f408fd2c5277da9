import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, MillraceError, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { AppConfig, FailedRecord, Guarantee, Log, Topic } from 'millrace'
import { kafka } from 'millrace/kafka'
import type { KafkaOptions } from 'millrace/kafka'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'

const guarantees = ['at_least_once', 'exactly_once'] as const
/** Numbers of the records that the output topic cannot take, among 200 in one batch. */
const LARGE: ReadonlySet<number> = new Set([50, 120])
const COUNT = 200
const text = { key: string(), value: string() }

let brokers: string
let directory: string
const logs: Log[] = []

beforeAll(async () => {
  brokers = await sharedBroker()
  directory = await mkdtemp(join(tmpdir(), 'millrace-refused-'))
})
afterAll(async () => {
  await Promise.all(logs.map((log) => log.close()))
  await rm(directory, { recursive: true, force: true })
})

function openLog(options: Partial<KafkaOptions> = {}): Log {
  const log = kafka({ brokers, ...options })
  logs.push(log)
  return log
}

interface Setup {
  readonly log: Log
  readonly id: string
  readonly input: Topic<string, string>
  readonly output: Topic<string, string>
  readonly dead: Topic<string, string>
}

async function setUp(configs: Record<string, string>, options: Partial<KafkaOptions> = {}): Promise<Setup> {
  const log = openLog(options)
  const id = uniqueName('refused')
  const [input, output, dead] = ['in', 'out', 'dead'].map((name) => topic(`${id}.${name}`, text))
  await log.createTopics([
    { name: input!.name, partitions: 1 },
    { name: output!.name, partitions: 1, configs },
    { name: dead!.name, partitions: 1 },
  ])
  return { log, id, input: input!, output: output!, dead: dead! }
}

async function write(log: Log, to: Topic<string, string>, valueOf: (i: number) => string, timestamp = Date.now()) {
  await using writer = await TopicWriter.open(log, to)
  for (let i = 0; i < COUNT; i++) writer.write(`k${i}`, valueOf(i), { timestamp })
}

async function keysOf(log: Log, from: Topic<string, string>): Promise<(string | null)[]> {
  const keys: (string | null)[] = []
  for await (const { key } of readTopic(log, from, { until: 'end' })) keys.push(key)
  return keys
}

const large = (i: number): string => (LARGE.has(i) ? 'x'.repeat(5000) : `v${i}`)
const neighbours = Array.from({ length: COUNT }, (_, i) => `k${i}`).filter((key) => !LARGE.has(Number(key.slice(1))))

function copying({ id, input, output }: Setup, guarantee: Guarantee, config: Partial<AppConfig>) {
  return defineApp({
    id,
    guarantee,
    commitInterval: 100,
    ...config,
    build: (builder) => {
      builder.stream(input).to(output)
    },
  })
}

/** Runs an application until its group has committed all records of the input. */
async function untilCommitted({ log, id, input }: Setup, app: ReturnType<typeof defineApp>): Promise<Streams> {
  const streams = await Streams.start(app, { log, stateDirectory: join(directory, id) })
  const committed = async () =>
    (await log.committedOffsets(id, [{ topic: input.name, partition: 0 }])).get(input.name, 0)?.offset ?? 0
  let failure: unknown
  streams.closed.catch((error: unknown) => (failure = error))
  await expect.poll(async () => failure ?? (await committed()), { timeout: 30_000 }).toBe(COUNT)
  return streams
}

async function failureOf(promise: Promise<unknown>): Promise<MillraceError> {
  const failure = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(failure).toBeInstanceOf(MillraceError)
  return failure as MillraceError
}

describe.each(guarantees)('under %s a record that its topic refuses as too large', (guarantee) => {
  test('is left out by `continue`: counted, and its neighbours are written', async () => {
    const setup = await setUp({ 'max.message.bytes': '2000' })
    await write(setup.log, setup.input, large)
    const streams = await untilCommitted(setup, copying(setup, guarantee, { onProductionError: 'continue' }))
    expect(streams.status().dropped.get('production')).toBe(LARGE.size)
    expect(streams.status().redone).toBe(0)
    await streams.close()
    expect(await keysOf(setup.log, setup.output)).toEqual(neighbours)
  })

  test('is written to the dead letter topic by `deadLetter` as it was read, with its place', async () => {
    const setup = await setUp({ 'max.message.bytes': '2000' })
    await write(setup.log, setup.input, large)
    const streams = await untilCommitted(setup, copying(setup, guarantee, { deadLetterTopic: setup.dead.name }))
    await streams.close()
    expect(await keysOf(setup.log, setup.output)).toEqual(neighbours)
    const letters = []
    for await (const letter of readTopic(setup.log, setup.dead, { until: 'end' })) letters.push(letter)
    expect(
      letters.map(({ key, value, headers }) => [key, value, headers.getString('__streams.errors.offset')]),
    ).toEqual([...LARGE].map((i) => [`k${i}`, large(i), `${i}`]))
  })

  test('ends the application by `fail`, and the error names input, output, key, bound and remedy', async () => {
    const setup = await setUp({ 'max.message.bytes': '2000' })
    await write(setup.log, setup.input, large)
    const app = copying(setup, guarantee, {})
    const streams = await Streams.start(app, { log: setup.log, stateDirectory: join(directory, setup.id) })
    const failure = await failureOf(streams.closed)
    expect(failure).toMatchObject({
      code: 'MR_PRODUCE',
      task: '0_0',
      topic: setup.input.name,
      partition: 0,
      offset: 50,
    })
    expect(failure.node).toMatch(/SINK/)
    expect(failure.message).toContain(`topic "${setup.output.name}" (partition 0) refuses a record with a key of 3`)
    expect(failure.hint).toContain('max.message.bytes')
    expect(failure.hint).toContain('onProductionError')
    if (guarantee === 'exactly_once') expect(await keysOf(setup.log, setup.output)).toEqual([])
    const committed = await setup.log.committedOffsets(setup.id, [{ topic: setup.input.name, partition: 0 }])
    expect(committed.get(setup.input.name, 0)?.offset ?? 0).toBeLessThanOrEqual(50)
  })

  test('is asked about once, with the input record and the output, compressed or not', async () => {
    const setup = await setUp({ 'max.message.bytes': '2000' }, { compression: 'gzip' })
    // A record that can be compressed is no longer too large.
    const random = Buffer.from(Array.from({ length: 4000 }, () => Math.random() * 256)).toString('base64')
    const valueOf = (i: number): string => (i === 50 ? random : large(i))
    await write(setup.log, setup.input, valueOf)
    const asked: [MillraceError, FailedRecord][] = []
    const app = copying(setup, guarantee, {
      onProductionError: (error, record) => {
        asked.push([error, record])
        return 'continue'
      },
    })
    const streams = await untilCommitted(setup, app)
    await streams.close()
    expect(await keysOf(setup.log, setup.output)).toEqual(
      Array.from({ length: COUNT }, (_, i) => `k${i}`).filter((key) => key !== 'k50'),
    )
    expect(asked).toHaveLength(1)
    const [error, record] = asked[0]!
    expect(error.code).toBe('MR_PRODUCE')
    expect(record).toMatchObject({ topic: setup.input.name, partition: 0, offset: 50, task: '0_0' })
    expect(record.rawKey!.toString()).toBe('k50')
    expect(record.rawValue!.toString()).toBe(random)
    expect(record.output).toMatchObject({ topic: setup.output.name, partition: 0 })
    expect(record.output!.rawKey!.toString()).toBe('k50')
  })

  test('or for its timestamp is left out alone', async () => {
    const setup = await setUp({ 'message.timestamp.before.max.ms': '3600000' })
    const now = Date.now()
    const writer = await TopicWriter.open(setup.log, setup.input)
    for (let i = 0; i < COUNT; i++) {
      writer.write(`k${i}`, `v${i}`, { timestamp: LARGE.has(i) ? now - 7_200_000 : now })
    }
    await writer.close()
    const streams = await untilCommitted(setup, copying(setup, guarantee, { deadLetterTopic: setup.dead.name }))
    await streams.close()
    expect(await keysOf(setup.log, setup.output)).toEqual(neighbours)
    expect(await keysOf(setup.log, setup.dead)).toEqual([...LARGE].map((i) => `k${i}`))
  })

  test('or for its missing key is left out alone', async () => {
    const setup = await setUp({ 'cleanup.policy': 'compact' })
    const writer = await TopicWriter.open(setup.log, setup.input)
    for (let i = 0; i < COUNT; i++) writer.write(LARGE.has(i) ? null : `k${i}`, `v${i}`)
    await writer.close()
    const streams = await untilCommitted(setup, copying(setup, guarantee, { onProductionError: 'continue' }))
    expect(streams.status().dropped.get('production')).toBe(LARGE.size)
    await streams.close()
    expect(await keysOf(setup.log, setup.output)).toEqual(neighbours)
  })
})

test('a record larger than maxRequestSize is not sent, and its neighbours are written', async () => {
  const setup = await setUp({}, { maxRequestSize: 2_000 })
  const { log, input } = { ...setup, log: openLog() }
  await write(log, input, large)
  const streams = await untilCommitted(setup, copying(setup, 'exactly_once', { onProductionError: 'continue' }))
  expect(streams.status().dropped.get('production')).toBe(LARGE.size)
  await streams.close()
  expect(await keysOf(log, setup.output)).toEqual(neighbours)
})

test('a row that the changelog refuses ends the application: the error names store, key and config', async () => {
  const setup = await setUp({})
  await write(setup.log, setup.input, large)
  const app = defineApp({
    id: setup.id,
    guarantee: 'exactly_once',
    commitInterval: 100,
    onProductionError: 'continue',
    topicConfigs: { 'max.message.bytes': '2000' },
    build: (builder) => {
      builder.stream(setup.input).toTable({ store: 'latest' })
    },
  })
  const streams = await Streams.start(app, { log: setup.log, stateDirectory: join(directory, setup.id) })
  const failure = await failureOf(streams.closed)
  expect(failure).toMatchObject({
    code: 'MR_PRODUCE',
    task: '0_0',
    store: 'latest',
    topic: `${setup.id}-latest-changelog`,
  })
  expect(failure.message).toContain('refuses a record with a key of 3 and 5000 bytes of value')
  expect(failure.hint).toContain('max.message.bytes')
  expect(failure.hint).toContain('logging')
})

test('a record that a repartition topic refuses goes to the dead letter topic, and the rest is processed', async () => {
  const setup = await setUp({})
  await write(setup.log, setup.input, large)
  const app = defineApp({
    id: setup.id,
    guarantee: 'exactly_once',
    commitInterval: 100,
    deadLetterTopic: setup.dead.name,
    topicConfigs: { 'max.message.bytes': '2000' },
    build: (builder) => {
      builder
        .stream(setup.input)
        .selectKey((_, key) => key)
        .repartition({ name: 'moved', ...text })
        .to(setup.output)
    },
  })
  const streams = await Streams.start(app, { log: setup.log, stateDirectory: join(directory, setup.id) })
  await expect.poll(() => keysOf(setup.log, setup.output), { timeout: 20_000 }).toEqual(neighbours)
  await streams.close()
  expect(await keysOf(setup.log, setup.dead)).toEqual([...LARGE].map((i) => `k${i}`))
})

test('a TopicWriter throws to its caller for the record, and writes the neighbours', async () => {
  const { log, output } = await setUp({ 'max.message.bytes': '2000' })
  const writer = await TopicWriter.open(log, output)
  for (let i = 0; i < COUNT; i++) writer.write(`k${i}`, i === 50 ? large(i) : `v${i}`)
  const failure = await failureOf(writer.flush())
  expect(failure).toMatchObject({ code: 'MR_PRODUCE', topic: output.name, partition: 0 })
  expect(failure.message).toMatch(/a key of 3 .*record 50 of this writer/)
  writer.write('behind', large(50))
  writer.write('behind', large(120))
  writer.write('behind', 'fits')
  expect((await failureOf(writer.close())).cause).toMatchObject({
    errors: [{ code: 'MR_PRODUCE' }, { code: 'MR_PRODUCE' }],
  })
  expect(await keysOf(log, output)).toEqual([
    ...Array.from({ length: COUNT }, (_, i) => `k${i}`).filter((key) => key !== 'k50'),
    'behind',
  ])
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineApp, long, readTopic, Streams, string, topic, TopicWriter, tumbling } from 'millrace'
import type { Guarantee, Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CliProcess, fixture } from '../cli/cli-process.ts'
import { startBroker, uniqueName } from '../kafka/broker/index.ts'
import type { PrivateBroker } from '../kafka/broker/index.ts'
import { wordCounts } from '../kafka/word-counts.ts'

const KEYS = 20
let broker: PrivateBroker
let directory: string

beforeAll(async () => {
  broker = await startBroker()
  directory = await mkdtemp(join(tmpdir(), 'millrace-outage-'))
})
afterAll(async () => {
  await broker.stop()
  await rm(directory, { recursive: true, force: true })
})

/** Starts an application that counts words, and collects its messages. */
async function counting(log: Log, guarantee: Guarantee) {
  const said: string[] = []
  const say = (_fields: object, message: string): void => void said.push(message)
  const logger = { debug: () => {}, info: say, warn: say, error: say }
  const config = { id: `outage-${guarantee.replaceAll('_', '-')}`, guarantee, commitInterval: 50, logger }
  const { app, write, counted } = await wordCounts(log, config, { words: KEYS, partitions: 2 })
  const streams = await Streams.start(app, { log, stateDirectory: directory })
  return { streams, said, write, counted }
}

/** Starts an application that emits counts after its partition was idle for less time than the outage takes. */
async function idling(log: Log) {
  const input = topic('idle-input', { key: string(), value: string() })
  const output = topic('idle-output', { key: string(), value: long() })
  await log.createTopics([input, output].map(({ name }) => ({ name, partitions: 1 })))
  const app = defineApp({
    id: 'outage-idle',
    guarantee: 'exactly_once',
    idleAfter: '3s',
    build: (builder) => {
      const windows = builder.stream(input).groupByKey().windowedBy(tumbling('1s')).emitOnClose()
      windows
        .count()
        .toStream((_count, { key }) => key)
        .to(output)
    },
  })
  const streams = await Streams.start(app, { log, stateDirectory: directory })
  const timestamp = Math.floor(Date.now() / 1000) * 1000
  const write = async () => {
    await using writer = await TopicWriter.open(log, input)
    writer.write('key', 'value', { timestamp })
  }
  const counts = async () => {
    const seen: (number | null)[] = []
    for await (const { value } of readTopic(log, output, { until: 'end' })) seen.push(value)
    return seen
  }
  return { streams, write, counts }
}

test('an outage longer than calls are repeated is waited for with one message, and all goes on by itself', async () => {
  const log = kafka({ brokers: broker.brokers, apiTimeout: 1_000 })
  const apps = await Promise.all((['at_least_once', 'exactly_once'] as const).map((each) => counting(log, each)))
  const idle = await idling(log)
  await idle.write()
  for (const { write } of apps) await write()
  for (const { counted } of apps) {
    await expect.poll(counted, { timeout: 30_000 }).toEqual(Array.from({ length: KEYS }, () => 1))
  }
  // Something is in progress when they go.
  for (const { write } of apps) await write()
  await broker.kill()
  const news = (said: readonly string[], what: string) => said.filter((message) => message.includes(what))
  for (const { said } of apps) {
    await expect.poll(() => news(said, 'no broker answers'), { timeout: 20_000 }).toHaveLength(1)
  }
  for (const { streams } of apps) {
    const { live, ready, startup } = streams.health()
    expect(live.checks.at(-1)).toMatchObject({ ok: true, message: 'ok, waiting for a broker to respond' })
    expect([live.ok, ready.ok, startup.ok]).toEqual([true, streams.state === 'running', true])
  }
  await sleep(4_000)
  await broker.start()
  // While they were gone nobody knew that the partition was idle: its window is still open.
  await idle.write()
  for (const { write } of apps) await write()
  const [atLeastOnce, exactlyOnce] = apps
  await expect.poll(exactlyOnce!.counted, { timeout: 60_000 }).toEqual(Array.from({ length: KEYS }, () => 3))
  const least = async () => Math.min(...(await atLeastOnce!.counted()))
  await expect.poll(least, { timeout: 60_000 }).toBeGreaterThanOrEqual(3)
  await expect.poll(idle.counts, { timeout: 30_000 }).toEqual([2])
  await idle.streams.close()
  for (const { streams, said } of apps) {
    expect(streams.state).toBe('running')
    const { live, ready } = streams.health()
    expect([live.checks.at(-1)?.message, live.ok, ready.ok]).toEqual(['ok', true, true])
    expect(news(said, 'no broker answers')).toHaveLength(1)
    expect(news(said, 'the brokers answer again')).toHaveLength(1)
    await streams.close()
  }
  await log.close()
})

test('a command that has to end while no broker answers says what it waits for, and gives up in time', async () => {
  const prefix = `${uniqueName('has-to-end')}-`
  const log = kafka({ brokers: broker.brokers })
  await log.createTopics(['numbers', 'doubled'].map((name) => ({ name: `${prefix}${name}`, partitions: 1 })))
  const args = ['run', fixture('numbers.ts'), '--kafka', broker.brokers, '--data', join(directory, 'command')]
  const command = new CliProcess([...args, '--close-timeout', '3s'], { TEST_PREFIX: prefix })
  await command.stderrMatches(/running \| 1 task/)
  await broker.kill()
  command.signal('SIGTERM')
  const { code, stderr } = await command.result()
  expect(stderr).toMatch(/^closing takes long; waiting for="Kafka at .*1 tasks? to be committed/m)
  expect(stderr).toMatch(/^error MR_CLOSE_TIMEOUT: .*within 3000 ms.*Kafka at /m)
  expect(stderr).toMatch(/^ {2}hint: Use --close-timeout .* Nothing is lost/m)
  expect(code).toBe(1)
  await log.close()
})

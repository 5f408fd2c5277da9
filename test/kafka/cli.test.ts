import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { defineApp, long, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import { serve } from 'millrace/server'
import type { Log } from 'millrace'
import { describeGroupsV5 } from '@platformatic/kafka'
import { Cluster } from '../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../src/kafka/cluster/connection-options.ts'
import { kafka } from '../../src/kafka/index.ts'
import { ask } from '../cli/ask.ts'
import { CliProcess, fixture } from '../cli/cli-process.ts'
import { sharedBroker, uniqueName } from './broker/index.ts'
import { freePort } from './broker/jvm-broker.ts'

const data = mkdtempSync(join(tmpdir(), 'millrace-cli-kafka-'))
const prefix = `${uniqueName('cli')}-`
const numbers = topic(`${prefix}numbers`, { key: string(), value: long() })
const doubled = topic(`${prefix}doubled`, { key: string(), value: long() })
let brokers: string
let log: Log

beforeAll(async () => {
  vi.stubEnv('TEST_PREFIX', prefix)
  brokers = await sharedBroker()
  log = kafka({ brokers })
})

afterAll(async () => {
  await log.close()
  vi.unstubAllEnvs()
  rmSync(data, { recursive: true, force: true })
})

function start(...more: string[]): CliProcess {
  const args = ['run', fixture('numbers.ts'), '--data', data, '--kafka', brokers, '--log-format', 'json']
  return new CliProcess([...args, ...more])
}

test('a source topic that does not exist on the cluster ends the run with its name', async () => {
  const { code, stderr } = await start().result()
  const lines = stderr.trim().split('\n')
  const error: unknown = JSON.parse(lines.at(-1) ?? '')
  expect(error).toMatchObject({
    level: 'error',
    code: 'MR_TOPIC_UNKNOWN',
    message: expect.stringContaining(numbers.name),
  })
  expect(code).toBe(1)
})

test('an application runs on Kafka until it is interrupted, and goes on at its committed offsets', async () => {
  await log.createTopics([numbers, doubled].map(({ name }) => ({ name, partitions: 2 })))
  await using writer = await TopicWriter.open(log, numbers)
  for (let i = 1; i <= 10; i++) writer.write(`key-${i}`, i)
  await writer.flush()

  const first = start()
  await first.stderrMatches(/"processed":10\b/)
  first.signal('SIGINT')
  expect((await first.result()).code).toBe(0)

  writer.write('key-11', 11)
  await writer.flush()
  const second = start()
  await second.stderrMatches(/"processed":1\b/)
  second.signal('SIGTERM')
  expect((await second.result()).code).toBe(0)

  const values: (number | null)[] = []
  for await (const { value } of readTopic(log, doubled, { until: 'end' })) values.push(value)
  expect(values.toSorted((left, right) => Number(left) - Number(right))).toEqual(
    Array.from({ length: 11 }, (_, index) => (index + 1) * 2),
  )
})

test.each([
  ['classic', 'Stable'],
  ['streams', 'Dead'],
] as const)('--group-protocol %s makes it a member of such a group', async (protocol, classicState) => {
  await log.createTopics([numbers, doubled].map(({ name }) => ({ name, partitions: 2 })))
  const run = start('--group-protocol', protocol, '--http', '0', '--advertise', '10.0.0.1:8080')
  await run.stderrMatches(/"state":"running","tasks":2/)
  const cluster = new Cluster(clusterOptions({ brokers }))
  const groupId = `${prefix}doubler`
  const broker = await cluster.coordinator('group', groupId)
  // In the response to this request every group that is not classic is dead.
  const { groups } = await cluster.send(broker, 'group', describeGroupsV5.api, [groupId], false)
  await cluster.close()
  const instances = await ask('instances', '--kafka', brokers, '--app', groupId)
  expect(instances.stdout).toMatch(/^10\.0\.0\.1:8080 +0_0 0_1 +- +\S+$/m)
  expect(instances).toMatchObject({ code: 0, stderr: '' })
  run.signal('SIGTERM')
  expect((await run.result()).code).toBe(0)
  expect(groups.map(({ groupState }) => groupState)).toEqual([classicState])
})

test('instances of an application that does not run are none, and of brokers that do not answer an error', async () => {
  expect(await ask('instances', '--kafka', brokers, '--app', uniqueName('nobody'))).toEqual({
    code: 0,
    stdout: '',
    stderr: expect.stringMatching(/^no instances of nobody/),
  })
  const { code, stdout, stderr } = await ask('instances', '--kafka', '127.0.0.1:1', '--app', 'a', '--timeout', '1s')
  expect(stderr).toMatch(/^error MR_LOG_UNREACHABLE: no Kafka broker of 127\.0\.0\.1:1 responded .*\n/)
  expect([code, stdout]).toEqual([1, ''])
})

test('millrace query finds the instance that has a key by the group, past those that do not answer', async () => {
  const words = topic(`${prefix}words`, { key: string(), value: string() })
  const id = `${prefix}counts`
  const app = defineApp({
    id,
    guarantee: 'exactly_once',
    build: (builder) => void builder.stream(words).groupByKey().count({ store: 'counts' }),
  })
  await log.createTopics([{ name: words.name, partitions: 2 }])
  await using writer = await TopicWriter.open(log, words)
  const keys = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const key of keys) writer.write(key, key)
  await writer.flush()

  const start = async (name: string, isServed: boolean): Promise<Streams> => {
    const port = await freePort()
    const options = { log: kafka({ brokers }), stateDirectory: join(data, name), advertise: `127.0.0.1:${port}` }
    const streams = await Streams.start(app, options)
    if (isServed) await serve(streams, { listen: port })
    return streams
  }
  const [one, two] = await Promise.all([start('one', true), start('two', true)])
  const haveOneEach = (): boolean => [one, two].every((each) => each.status().tasks.length === 1)
  await vi.waitUntil(haveOneEach, { timeout: 60_000 })
  // Two tasks stay where they are.
  const silent = await start('silent', false)
  await silent.whenRunning()
  const args = ['--kafka', brokers, '--app', id, '--timeout', '2s']
  expect((await ask('instances', ...args)).stdout.trimEnd().split('\n')).toHaveLength(4)
  for (const key of keys) {
    const found = async (): Promise<boolean> =>
      (await ask('query', 'counts', key, ...args)).stdout.startsWith(`${key} `)
    await vi.waitUntil(found, { timeout: 30_000 })
  }
  const { code, stderr } = await ask('query', 'counts', 'nobody', ...args)
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^error MR_QUERY_KEY_ABSENT: /)])
  for (const each of [one, two, silent]) {
    await each.close()
    await each.log.close()
  }
})

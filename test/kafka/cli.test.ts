import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { long, readTopic, string, topic, TopicWriter } from 'millrace'
import type { Log } from 'millrace'
import { kafka } from '../../src/kafka/index.ts'
import { CliProcess, fixture } from '../cli/cli-process.ts'
import { sharedBroker, uniqueName } from './broker/index.ts'

const data = mkdtempSync(join(tmpdir(), 'millrace-cli-kafka-'))
const prefix = `${uniqueName('cli')}-`
const numbers = topic(`${prefix}numbers`, { key: string(), value: long() })
const doubled = topic(`${prefix}doubled`, { key: string(), value: long() })
let brokers: string
let log: Log

beforeAll(async () => {
  vi.stubEnv('MILLRACE_TEST_PREFIX', prefix)
  brokers = await sharedBroker()
  log = kafka({ brokers })
})

afterAll(async () => {
  await log.close()
  vi.unstubAllEnvs()
  rmSync(data, { recursive: true, force: true })
})

function start(): CliProcess {
  return new CliProcess(['run', fixture('numbers.ts'), '--data', data, '--kafka', brokers, '--log-format', 'json'])
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

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Log } from 'millrace'
import { kafka } from '../../src/kafka/index.ts'
import { CliProcess, fixture } from '../cli/cli-process.ts'
import { sharedBroker, uniqueName } from './broker/index.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-settings-kafka-'))
let brokers: string
let log: Log

beforeAll(async () => {
  brokers = await sharedBroker()
  log = kafka({ brokers })
})

afterAll(async () => {
  await log.close()
  rmSync(directory, { recursive: true, force: true })
})

/** Runs an application with settings of the environment alone until its tasks run, and returns what it printed. */
async function runUntilRunning(app: string, tasks: number, environment: NodeJS.ProcessEnv): Promise<string> {
  const place = { MILLRACE_DATA: join(directory, 'data'), MILLRACE_LOG_FORMAT: 'json' }
  const run = new CliProcess(['run', app], { ...place, ...environment })
  await run.stderrMatches(new RegExp(`"state":"running","tasks":${tasks}\\b`))
  run.signal('SIGINT')
  expect((await run.result()).code).toBe(0)
  return run.stderr
}

test('settings of the environment reach every thread, and the topics that the group makes', async () => {
  const prefix = `${uniqueName('set')}-`
  await log.createTopics(['words', 'counts'].map((name) => ({ name: `${prefix}${name}`, partitions: 2 })))
  const printed = await runUntilRunning(fixture('words.ts'), 4, {
    TEST_PREFIX: prefix,
    MILLRACE_KAFKA: brokers,
    MILLRACE_CLIENT_ID: 'by-environment',
    MILLRACE_THREADS: '2',
    MILLRACE_GUARANTEE: 'at_least_once',
    MILLRACE_TOPIC_CONFIGS: 'min.cleanable.dirty.ratio=0.25,segment.ms=600000',
  })
  expect(printed).toMatch(/StreamThread-2/)
  const configs = await log.topicConfigs(`${prefix}word-count-counts-changelog`)
  expect(configs.get('min.cleanable.dirty.ratio')?.value).toBe('0.25')
  expect(configs.get('segment.ms')?.value).toBe('600000')
})

test('the log that a module exports is used, and settings of the connection are laid over it', async () => {
  const [input, id] = [uniqueName('input'), uniqueName('laid')]
  await log.createTopics([{ name: input, partitions: 2 }])
  const app = join(directory, 'app.ts')
  const module = (address: string): string => `
    import { defineApp, string, topic } from 'millrace'
    import { kafka } from 'millrace/kafka'
    export const log = kafka({ brokers: ${JSON.stringify(address)}, clientId: 'of-the-module' })
    export const options = { threads: 2, closeTimeout: '20s' }
    const input = topic(${JSON.stringify(input)}, { key: string(), value: string() })
    const build = (builder: any) => void builder.table(input, { store: 's' })
    export default defineApp({ id: ${JSON.stringify(id)}, build })
  `
  const root = join(import.meta.dirname, '../..')
  const urls = (text: string): string =>
    text
      .replace("'millrace'", JSON.stringify(join(root, 'src/index.ts')))
      .replace("'millrace/kafka'", JSON.stringify(join(root, 'src/kafka/index.ts')))
  writeFileSync(app, urls(module(brokers)))
  expect(await runUntilRunning(app, 2, {})).toContain(`"log":"Kafka at ${brokers}"`)
  writeFileSync(app, urls(module('broker.invalid:9092')))
  expect(await runUntilRunning(app, 2, { MILLRACE_KAFKA: brokers })).toMatch(/StreamThread-2/)
})

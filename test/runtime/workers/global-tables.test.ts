import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readTopic, Streams, TopicWriter } from 'millrace'
import type { Topic } from 'millrace'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { kafka } from '../../../src/kafka/index.ts'
import { sharedBroker, uniqueName } from '../../kafka/broker/index.ts'
import { ratesApp } from './fixtures/rates.ts'
import { until } from './sums-case.ts'

const stateDirectory = mkdtempSync(join(tmpdir(), 'millrace-threads-global-'))
const prefix = `${uniqueName('rates')}-`
let brokers: string
beforeAll(async () => {
  vi.stubEnv('TEST_PREFIX', prefix)
  brokers = await sharedBroker()
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(stateDirectory, { recursive: true, force: true })
})

test('each thread has its own copy of a global table, complete before it begins; unused ones are deleted', async () => {
  const log = kafka({ brokers })
  const { rates, payments, euros, app } = ratesApp(prefix)
  await log.createTopics([rates, payments, euros].map(({ name }) => ({ name, partitions: 2 })))
  const write = async (topic: Topic<string, number>, values: Record<string, number>): Promise<void> => {
    await using writer = await TopicWriter.open(log, topic)
    for (const [key, value] of Object.entries(values)) writer.write(key, value)
    await writer.flush()
  }
  const currencies = Array.from({ length: 20 }, (_, i) => `currency-${i}`)
  await write(rates, Object.fromEntries(currencies.map((currency, i) => [currency, i + 1])))
  await write(payments, Object.fromEntries(currencies.map((currency) => [currency, 10])))
  const shown = async (): Promise<Map<string | null, number | null>> => {
    const last = new Map<string | null, number | null>()
    for await (const { key, value } of readTopic(log, euros, { until: 'end' })) last.set(key, value)
    return last
  }

  const module = new URL('./fixtures/rates.ts', import.meta.url)
  const streams = await Streams.start(app, { log, module, stateDirectory })
  await until(async () => (await shown()).size === currencies.length)
  expect(await shown()).toEqual(new Map(currencies.map((currency, i) => [currency, (i + 1) * 10])))
  // One thread may have processed everything before the other joined.
  await until(() => new Set(streams.status().tasks.map(({ thread }) => thread)).size === 2)
  await streams.close()
  const second = join(stateDirectory, app.id, 'global-2')
  expect(existsSync(second)).toBe(true)

  const single = { ...app, settings: { ...app.settings, threads: 1 } }
  const again = await Streams.start(single, { log, stateDirectory, stateCleanupDelay: 50 })
  await until(() => !existsSync(second))
  expect(existsSync(join(stateDirectory, app.id, 'global'))).toBe(true)
  await again.close()
  await log.close()
})

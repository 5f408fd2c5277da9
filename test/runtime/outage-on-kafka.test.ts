import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Streams } from 'millrace'
import type { Guarantee, Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBroker } from '../kafka/broker/index.ts'
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

/** Counting, with what the application says meanwhile. */
async function counting(log: Log, guarantee: Guarantee) {
  const said: string[] = []
  const say = (_fields: object, message: string): void => void said.push(message)
  const logger = { debug: () => {}, info: say, warn: say, error: say }
  const config = { id: `outage-${guarantee.replaceAll('_', '-')}`, guarantee, commitInterval: 50, logger }
  const { app, write, counted } = await wordCounts(log, config, { words: KEYS, partitions: 2 })
  const streams = await Streams.start(app, { log, stateDirectory: directory })
  return { streams, said, write, counted }
}

test('brokers that are gone for longer than calls are repeated are waited for, which is said once, and all goes on by itself', async () => {
  const log = kafka({ brokers: broker.brokers, apiTimeout: 1_000 })
  const apps = await Promise.all((['at_least_once', 'exactly_once'] as const).map((each) => counting(log, each)))
  for (const { write } of apps) await write()
  for (const { counted } of apps) {
    await expect.poll(counted, { timeout: 30_000 }).toEqual(Array.from({ length: KEYS }, () => 1))
  }
  // Something is under way when they go.
  for (const { write } of apps) await write()
  await broker.kill()
  const news = (said: readonly string[], what: string) => said.filter((message) => message.includes(what))
  for (const { said } of apps) {
    await expect.poll(() => news(said, 'no broker answers'), { timeout: 20_000 }).toHaveLength(1)
  }
  await sleep(4_000)
  await broker.start()
  for (const { write } of apps) await write()
  const [atLeastOnce, exactlyOnce] = apps
  await expect.poll(exactlyOnce!.counted, { timeout: 60_000 }).toEqual(Array.from({ length: KEYS }, () => 3))
  const least = async () => Math.min(...(await atLeastOnce!.counted()))
  await expect.poll(least, { timeout: 60_000 }).toBeGreaterThanOrEqual(3)
  for (const { streams, said } of apps) {
    expect(streams.state).toBe('running')
    expect(news(said, 'no broker answers')).toHaveLength(1)
    expect(news(said, 'the brokers answer again')).toHaveLength(1)
    await streams.close()
  }
  await log.close()
})

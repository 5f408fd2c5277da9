import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineApp, long, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { Guarantee, Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { until } from '../../log/log-harness.ts'
import { startBroker } from '../broker/index.ts'
import type { PrivateBroker } from '../broker/index.ts'

const partitions = 4
const keys = 20
let broker: PrivateBroker
let log: Log
let directory: string

beforeAll(async () => {
  broker = await startBroker({ version: '3.9.1' })
  log = kafka({ brokers: broker.brokers, heartbeatInterval: 200 })
  directory = mkdtempSync(join(tmpdir(), 'millrace-classic-app-'))
})

afterAll(async () => {
  await log.close()
  await broker.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** Counts each key, through a repartition topic. */
class CountApp {
  readonly input
  readonly output
  readonly app
  #written = 0

  constructor(guarantee: Guarantee) {
    const id = `count-${guarantee.replaceAll('_', '-')}`
    const input = (this.input = topic(`${id}-input`, { key: string(), value: string() }))
    const output = (this.output = topic(`${id}-output`, { key: string(), value: long() }))
    this.app = defineApp({
      id,
      guarantee,
      commitInterval: 50,
      build: (builder) => {
        builder
          .stream(input)
          .selectKey((value) => value)
          .groupByKey({ key: string(), value: string() })
          .count({ store: 'counts' })
          .toStream()
          .to(output)
      },
    })
  }

  start(instance: string): Promise<Streams> {
    return Streams.start(this.app, { log, engine: 'rocksdb', stateDirectory: join(directory, instance) })
  }

  async write(rounds: number): Promise<void> {
    await using writer = await TopicWriter.open(log, this.input)
    for (const end = this.#written + rounds * keys; this.#written < end; this.#written++) {
      writer.write(`source-${this.#written % 7}`, `key-${this.#written % keys}`)
    }
    await writer.flush()
  }

  /** Returns the last count of every key, once they add up to what was written. */
  async counts(): Promise<number[]> {
    return until('all counts', async () => {
      const counts = new Map<string | null, number>()
      for await (const { key, value } of readTopic(log, this.output, { until: 'end' })) counts.set(key, value ?? 0)
      const all = [...counts.values()]
      return all.length === keys && all.reduce((sum, count) => sum + count, 0) >= this.#written ? all : undefined
    })
  }
}

const owned = (...streams: Streams[]) => streams.map((each) => each.status().tasks.length)

describe('an application on a broker of Kafka 3.9', () => {
  for (const guarantee of ['at_least_once', 'exactly_once'] as const) {
    it(`scales from one instance to two and back under load, and its counts are right, ${guarantee}`, async () => {
      const app = new CountApp(guarantee)
      await log.createTopics([app.input, app.output].map(({ name }) => ({ name, partitions })))
      const one = await app.start('one')
      await app.write(50)
      await one.whenRunning()
      const two = await app.start('two')
      await app.write(50)
      await until('an even spread', () => (owned(one, two).every((count) => count === partitions) ? true : undefined))
      await app.write(50)
      await one.close()
      await app.write(50)
      await until('everything on one instance', () => (owned(two)[0] === 2 * partitions ? true : undefined))
      expect(await app.counts()).toEqual(Array.from({ length: keys }, () => 200))

      const back = await app.start('one')
      await until('an even spread', () => (owned(back, two).every((count) => count === partitions) ? true : undefined))
      await app.write(10)
      expect(await app.counts()).toEqual(Array.from({ length: keys }, () => 210))
      await Promise.all([back.close(), two.close()])
    })
  }
})

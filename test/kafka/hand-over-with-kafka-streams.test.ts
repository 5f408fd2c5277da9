import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { Guarantee, Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { benchApp } from '../../bench/side-by-side/rig/app.ts'
import { javaClassPath } from '../../bench/side-by-side/rig/java.ts'
import { workloads } from '../../bench/side-by-side/rig/workloads.ts'
import { sharedBroker, uniqueName } from './broker/index.ts'
import { KafkaStreamsPeer } from './kafka-streams-peer.ts'

const RECORDS = 20_000
const SHARE = 5_000
let brokers: string
let log: Log
let classPath: string
let directory: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-hand-over-'))
  classPath = await javaClassPath(directory)
  brokers = await sharedBroker()
  log = kafka({ brokers })
})

afterAll(async () => {
  await log.close()
  rmSync(directory, { recursive: true, force: true })
})

/** An application under one guarantee that the two libraries run in turns. */
class HandOver {
  readonly id
  readonly #name: string
  readonly #workload
  readonly #exactlyOnce: boolean
  readonly #input
  readonly #output

  constructor(name: string, guarantee: Guarantee) {
    this.#name = name
    this.#workload = workloads[name]!
    this.#exactlyOnce = guarantee === 'exactly_once'
    this.id = uniqueName(`hand-over-${name}`)
    this.#input = topic(`${this.id}-input`, { key: string(), value: json<object>() })
    this.#output = topic(`${this.id}-output`, { key: string(), value: json<unknown>() })
  }

  async writeInput(): Promise<void> {
    // The records are years old.
    const configs = { 'retention.ms': '-1' }
    await log.createTopics([this.#input, this.#output].map(({ name }) => ({ name, partitions: 4, configs })))
    await using writer = await TopicWriter.open(log, this.#input)
    for (let i = 0; i < RECORDS; i++) {
      const { key, value, timestamp } = this.#workload.record(i)
      writer.write(key, value, { timestamp })
    }
    await writer.flush()
  }

  /** @param records number of records after which it closes; 0: when it is asked to */
  startKafkaStreams(records: number): KafkaStreamsPeer {
    return new KafkaStreamsPeer({
      classPath,
      brokers,
      applicationId: this.id,
      workload: this.#name,
      input: this.#input.name,
      output: this.#output.name,
      exactlyOnce: this.#exactlyOnce,
      stateDirectory: join(directory, this.id, 'java'),
      records,
    })
  }

  /** Closes in the middle of the input; returns how many records it was. */
  async runMillrace(records: number): Promise<number> {
    let seen = 0
    const enough = Promise.withResolvers<void>()
    const app = benchApp({
      id: this.id,
      workload: this.#name,
      exactlyOnce: this.#exactlyOnce,
      commitInterval: 200,
      cacheBytes: undefined,
      input: this.#input.name,
      output: this.#output.name,
      table: '',
      tick: () => {
        seen++
        if (seen === records) enough.resolve()
      },
    })
    const streams = await Streams.start(app, { log, stateDirectory: join(directory, this.id, 'millrace') })
    await Promise.race([enough.promise, streams.closed])
    await streams.close()
    return seen
  }

  /** Returns what is wrong with the output so far. */
  async fault(): Promise<string | undefined> {
    const expectation = this.#workload.expectation(RECORDS)
    for await (const { key, value } of readTopic(log, this.#output, { until: 'end' })) expectation.add(key ?? '', value)
    return expectation.fault()
  }
}

async function byTurns(app: HandOver): Promise<void> {
  await app.writeInput()
  await app.startKafkaStreams(SHARE).closed()
  expect(await app.fault()).toBeDefined()

  // It has not left its group: Millrace waits until its session ends.
  expect(await app.runMillrace(SHARE)).toBeLessThan(RECORDS - SHARE)
  expect(await app.fault()).toBeDefined()

  const last = app.startKafkaStreams(0)
  try {
    await expect.poll(() => app.fault(), { timeout: 60_000, interval: 500 }).toBeUndefined()
  } finally {
    await last.end()
  }
}

const titles = { w2: 'an aggregation', w3: 'a windowed count', w5: 'a repartitioned count' }
const quick = [
  ['w2', 'at_least_once'],
  ['w3', 'exactly_once'],
  ['w5', 'exactly_once'],
] as const
/** True under `npm run hand-over`, which takes two minutes. */
const all = [...quick, ['w2', 'exactly_once'], ['w3', 'at_least_once'], ['w5', 'at_least_once']] as const

describe('an application of Kafka Streams', () => {
  it.each(
    (process.env['MILLRACE_HAND_OVER'] === 'all' ? all : quick).map((each) => [titles[each[0]], ...each] as const),
  )(
    'is continued by Millrace in the middle of its input, and by Kafka Streams again, to exact totals: %s (%s), %s',
    async (_title, name, guarantee) => byTurns(new HandOver(name, guarantee)),
  )
})

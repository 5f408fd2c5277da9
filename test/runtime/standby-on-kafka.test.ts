import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineApp, json, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { Guarantee, Log, RestoreProgress, StreamsOptions } from 'millrace'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kafka } from '../../src/kafka/index.ts'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'

const PARTITIONS = 4
const ACCOUNTS = 20

let log: Log
const directories: string[] = []
beforeAll(async () => {
  log = kafka({ brokers: await sharedBroker() })
})
afterAll(async () => {
  await log.close()
  for (const directory of directories) await rm(directory, { recursive: true, force: true })
})

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-standby-'))
  directories.push(directory)
  return directory
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(50)
}

test.each<Guarantee>(['at_least_once', 'exactly_once'])(
  'on Kafka a standby takes over with nothing to restore, under %s',
  { timeout: 180_000 },
  async (guarantee) => {
    const prefix = `${uniqueName('standby')}-`
    const payments = topic(`${prefix}payments`, { key: string(), value: json<number>() })
    const totals = topic(`${prefix}totals`, { key: string(), value: json<number>() })
    await log.createTopics([payments, totals].map(({ name }) => ({ name, partitions: PARTITIONS })))
    const app = defineApp({
      id: `${prefix}app`,
      guarantee,
      commitInterval: 100,
      standbyReplicas: 1,
      build: (builder) => {
        builder
          .stream(payments)
          .groupByKey()
          .reduce((sum, cents) => sum + cents, { store: 'sums' })
          .toStream()
          .to(totals)
      },
    })
    let paid = 0
    const pay = async (): Promise<void> => {
      await using writer = await TopicWriter.open(log, payments)
      for (let i = 0; i < 400; i++) writer.write(`account-${paid++ % ACCOUNTS}`, 1)
      await writer.flush()
    }
    const allShown = async (): Promise<boolean> => {
      const last = new Map<string | null, number | null>()
      for await (const { key, value } of readTopic(log, totals, { until: 'end' })) last.set(key, value)
      return last.size === ACCOUNTS && [...last.values()].every((sum) => sum === paid / ACCOUNTS)
    }
    const restored: RestoreProgress[] = []
    const onRestore: StreamsOptions['onRestore'] = (event, progress) => event === 'end' && restored.push(progress)
    await pay()
    const first = await Streams.start(app, { log, stateDirectory: await newDirectory(), onRestore })
    await until(() => first.status().tasks.length === PARTITIONS)
    const second = await Streams.start(app, { log, stateDirectory: await newDirectory(), onRestore })
    const isSettled = (): boolean =>
      [first, second].every((streams) => {
        const { tasks, standbys } = streams.status()
        return tasks.length === 2 && standbys.length === 2 && standbys.every(({ lag }) => lag === 0)
      })
    await until(isSettled)
    await pay()
    await until(allShown)
    await until(isSettled)
    restored.length = 0
    await first.close()
    await until(() => second.status().tasks.length === PARTITIONS)
    // The end of the last transaction is no record.
    expect(restored.filter(({ records }) => records > 0)).toEqual([])
    await pay()
    await until(allShown)
    await second.close()
  },
)

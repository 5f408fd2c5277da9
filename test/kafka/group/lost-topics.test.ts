import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, long, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { AppConfig, Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sharedBroker, uniqueName } from '../broker/index.ts'

const each = (count: number): number[] => Array.from({ length: 10 }, () => count)
const logs: Log[] = []
let brokers: string
let data: string

beforeAll(async () => {
  brokers = await sharedBroker()
  data = mkdtempSync(join(tmpdir(), 'millrace-lost-topics-'))
})
afterAll(async () => {
  for (const log of logs) await log.close()
  rmSync(data, { recursive: true, force: true })
})

describe.each(['streams', 'classic'] as const)('topics of a %s group', (groupProtocol) => {
  async function counting(settings: Partial<AppConfig> = {}) {
    const log = kafka({ brokers, groupProtocol, heartbeatInterval: 200 })
    logs.push(log)
    const id = uniqueName('lost')
    const words = topic(`${id}-words`, { key: string(), value: string() })
    const counts = topic(`${id}-counts`, { key: string(), value: long() })
    await log.createTopics([words, counts].map(({ name }) => ({ name, partitions: 2 })))
    const said: (readonly [message: string, topic: unknown])[] = []
    const say = (fields: { topic?: unknown }, message: string): void => void said.push([message, fields.topic])
    const app = defineApp({
      id,
      commitInterval: 50,
      logger: { debug: () => {}, info: say, warn: say, error: say },
      guarantee: groupProtocol === 'streams' ? 'exactly_once' : 'at_least_once',
      ...settings,
      build: (builder) => {
        const again = builder.stream(words).repartition({ name: 'again' })
        again.groupByKey().count({ store: 'counts' }).toStream().to(counts)
      },
    })
    return {
      log,
      words: words.name,
      counts: counts.name,
      /** Warnings about a missing topic. */
      said: (name: string) =>
        said.filter(([message, about]) => message.includes('to be created again') && about === name),
      changelog: `${id}-counts-changelog`,
      repartition: `${id}-again-repartition`,
      start: () => Streams.start(app, { log, stateDirectory: join(data, id), advertise: '127.0.0.1:8080' }),
      async write(): Promise<void> {
        await using writer = await TopicWriter.open(log, words)
        for (let i = 0; i < 10; i++) writer.write(`word-${i}`, '')
        await writer.flush()
      },
      async counted(): Promise<number[]> {
        const last = new Map<string | null, number>()
        for await (const { key, value } of readTopic(log, counts, { until: 'end' })) last.set(key, value ?? 0)
        return [...last.values()]
      },
    }
  }

  it('an internal one with too few partitions ends the application, with the command to start over', async () => {
    const { log, changelog, start } = await counting()
    await log.createTopics([{ name: changelog, partitions: 1, configs: { 'cleanup.policy': 'compact' } }])
    const streams = await start()
    await expect(streams.closed).rejects.toMatchObject({
      code: 'MR_INTERNAL_TOPIC',
      topic: changelog,
      message: expect.stringContaining(changelog),
      hint: expect.stringContaining('millrace reset'),
    })
  })

  it('a deleted changelog never counts as empty: it ends the application, with the command to start over', async () => {
    const { log, changelog, start, write, counted } = await counting()
    const streams = await start()
    await write()
    await expect.poll(counted, { timeout: 20_000 }).toEqual(each(1))
    await streams.close()
    await log.deleteTopics([changelog])
    await write()
    const again = await start()
    await expect(again.closed).rejects.toMatchObject({
      code: 'MR_INTERNAL_TOPIC',
      topic: changelog,
      message: expect.stringContaining('deleted and created again'),
      hint: expect.stringContaining('millrace reset'),
    })
    expect(await counted()).toEqual(each(1))
  })

  it('a repartition topic that is deleted ends a running application, because records may be gone', async () => {
    const { log, repartition, start, write, counted } = await counting()
    const streams = await start()
    await write()
    await expect.poll(counted, { timeout: 20_000 }).toEqual(each(1))
    await log.deleteTopics([repartition])
    await expect(streams.closed).rejects.toMatchObject({
      code: 'MR_INTERNAL_TOPIC',
      topic: repartition,
      hint: expect.stringContaining('millrace reset'),
    })
  })

  it('a source topic that is deleted is named and waited for, and then read from its beginning', async () => {
    const { log, words, start, write, counted, said } = await counting()
    const streams = await start()
    await write()
    await expect.poll(counted, { timeout: 20_000 }).toEqual(each(1))
    await log.deleteTopics([words])
    await expect.poll(() => said(words), { timeout: 20_000 }).toHaveLength(1)
    await log.createTopics([{ name: words, partitions: 2 }])
    await write()
    await expect.poll(counted, { timeout: 20_000 }).toEqual(each(2))
    expect(said(words)).toHaveLength(1)
    await streams.close()
  })

  it('a source topic that is replaced at once is read from its beginning, whatever was read of the first', async () => {
    const { log, words, start, write, counted } = await counting()
    const streams = await start()
    await write()
    await expect.poll(counted, { timeout: 20_000 }).toEqual(each(1))
    await log.deleteTopics([words])
    await log.createTopics([{ name: words, partitions: 2 }])
    // More records than before: the old positions are within the new topic.
    await write()
    await write()
    await expect.poll(counted, { timeout: 20_000 }).toEqual(each(3))
    await streams.close()
  })

  it('a source topic that is not there again within taskTimeout ends the application, with its name', async () => {
    const { log, words, start, write, counted } = await counting({ taskTimeout: 300 })
    const streams = await start()
    await write()
    await expect.poll(counted, { timeout: 20_000 }).toEqual(each(1))
    await log.deleteTopics([words])
    await expect(streams.closed).rejects.toMatchObject({
      code: 'MR_TOPIC_UNKNOWN',
      topic: words,
      message: expect.stringContaining(words),
    })
  })

  it('an output topic that is deleted is named at once, and nothing is lost or doubled when it is back', async () => {
    const { log, counts, start, write, counted, said } = await counting()
    const streams = await start()
    await write()
    await expect.poll(counted, { timeout: 20_000 }).toEqual(each(1))
    await log.deleteTopics([counts])
    await write()
    await expect.poll(() => said(counts), { timeout: 20_000 }).toHaveLength(1)
    await log.createTopics([{ name: counts, partitions: 2 }])
    await expect.poll(counted, { timeout: 20_000 }).toEqual(each(2))
    expect(said(counts)).toHaveLength(1)
    await streams.close()
  })

  it('an output topic that is not there again within taskTimeout ends the application, with its name', async () => {
    const { log, counts, start, write, counted } = await counting({ taskTimeout: 300 })
    const streams = await start()
    await write()
    await expect.poll(counted, { timeout: 20_000 }).toEqual(each(1))
    await log.deleteTopics([counts])
    await write()
    await expect(streams.closed).rejects.toMatchObject({
      code: 'MR_TOPIC_UNKNOWN',
      topic: counts,
      message: expect.stringContaining(counts),
    })
  })
})

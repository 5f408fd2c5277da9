import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, long, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sharedBroker, uniqueName } from '../broker/index.ts'

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
  async function counting() {
    const log = kafka({ brokers, groupProtocol, heartbeatInterval: 200 })
    logs.push(log)
    const id = uniqueName('lost')
    const words = topic(`${id}-words`, { key: string(), value: string() })
    const counts = topic(`${id}-counts`, { key: string(), value: long() })
    await log.createTopics([words, counts].map(({ name }) => ({ name, partitions: 2 })))
    const app = defineApp({
      id,
      commitInterval: 50,
      build: (builder) => {
        builder.stream(words).groupByKey().count({ store: 'counts' }).toStream().to(counts)
      },
    })
    return {
      log,
      words: words.name,
      changelog: `${id}-counts-changelog`,
      start: () => Streams.start(app, { log, stateDirectory: join(data, id) }),
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

  it('an internal one with another number of partitions than there are tasks ends the application, with the command that starts over', async () => {
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

  it('a changelog that was deleted is never taken for an empty one: the application ends, with the command that starts over', async () => {
    const { log, changelog, start, write, counted } = await counting()
    const streams = await start()
    await write()
    await expect.poll(counted, { timeout: 20_000 }).toEqual(Array.from({ length: 10 }, () => 1))
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
    expect(await counted()).toEqual(Array.from({ length: 10 }, () => 1))
  })

  it('a source topic that is deleted under a running application ends it, with its name', async () => {
    const { log, words, start, write, counted } = await counting()
    const streams = await start()
    await write()
    await expect.poll(counted, { timeout: 20_000 }).toEqual(Array.from({ length: 10 }, () => 1))
    await log.deleteTopics([words])
    await expect(streams.closed).rejects.toMatchObject({
      code: 'MR_TOPIC_UNKNOWN',
      message: expect.stringContaining(words),
    })
  })
})

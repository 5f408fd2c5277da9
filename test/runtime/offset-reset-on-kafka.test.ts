import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { Log, OffsetReset } from 'millrace'
import { kafka } from 'millrace/kafka'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PartitionMap } from '../../src/log/log.ts'
import type { CommittedOffset } from '../../src/log/log.ts'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'

let log: Log
let directory: string

beforeAll(async () => {
  log = kafka({ brokers: await sharedBroker() })
  directory = await mkdtemp(join(tmpdir(), 'millrace-offset-reset-'))
})
afterAll(async () => {
  await log.close()
  await rm(directory, { recursive: true, force: true })
})

/** Creates an application that copies words. */
async function copying(offsetReset: OffsetReset) {
  const id = uniqueName('gone')
  const words = topic(`${id}-words`, { key: string(), value: string(), offsetReset })
  const copies = topic(`${id}-copies`, { key: string(), value: string() })
  await log.createTopics([words, copies].map(({ name }) => ({ name, partitions: 1 })))
  const warnings: string[] = []
  const app = defineApp({
    id,
    commitInterval: 50,
    logger: {
      debug: () => {},
      info: () => {},
      warn: (_fields: object, message: string) => void warnings.push(message),
      error: () => {},
    },
    build: (builder) => {
      builder.stream(words).to(copies)
    },
  })
  const copied = async (): Promise<(string | null)[]> => {
    const found: (string | null)[] = []
    for await (const { value } of readTopic(log, copies, { until: 'end' })) found.push(value)
    return found
  }
  return {
    id,
    words,
    whenReading: async (streams: Streams) => {
      await expect.poll(() => streams.status().tasks.length, { timeout: 20_000 }).toBe(1)
    },
    warnings,
    copied,
    start: () => Streams.start(app, { log, stateDirectory: directory }),
    async write(...values: readonly string[]): Promise<void> {
      await using writer = await TopicWriter.open(log, words)
      for (const value of values) writer.write('key', value)
      await writer.flush()
    },
    async copiesAre(...values: readonly string[]): Promise<void> {
      await expect.poll(copied, { timeout: 20_000 }).toEqual(values)
    },
  }
}

/** Stops the application at the committed offset 1. Then deletes the records 1 and 2 unread, as retention does. */
async function behind(offsetReset: OffsetReset) {
  const world = await copying(offsetReset)
  const first = await world.start()
  await world.whenReading(first)
  await world.write('a')
  await world.copiesAre('a')
  await first.close()
  await world.write('b', 'c', 'd')
  await log.deleteRecords(new PartitionMap<number>().set(world.words.name, 0, 3))
  return world
}

test('a committed offset that the topic no longer has: earliest continues at its start, with a warning', async () => {
  const { start, copiesAre, warnings } = await behind('earliest')
  const second = await start()
  await copiesAre('a', 'd')
  expect(warnings).toContainEqual(expect.stringContaining('its reset policy applies'))
  await second.close()
})

test('… latest continues at the end, with a warning', async () => {
  const { start, write, copiesAre, warnings, whenReading } = await behind('latest')
  const second = await start()
  await whenReading(second)
  await write('e')
  await copiesAre('a', 'e')
  expect(warnings).toContainEqual(expect.stringContaining('its reset policy applies'))
  await second.close()
})

test('… none ends the application, with the place', async () => {
  const { start, words, id } = await copying('none')
  await log.commitOffsets(id, new PartitionMap<CommittedOffset>().set(words.name, 0, { offset: 5, metadata: '' }))
  const streams = await start()
  await expect(streams.closed).rejects.toMatchObject({ code: 'MR_NO_OFFSET', topic: words.name, partition: 0 })
})

test('… and after a topic was deleted and created again while it was read, all of the new one is read', async () => {
  const { start, write, copiesAre, words } = await copying('earliest')
  const streams = await start()
  await write('a', 'b', 'c')
  await copiesAre('a', 'b', 'c')
  await log.deleteTopics([words.name])
  await log.createTopics([{ name: words.name, partitions: 1 }])
  await write('x')
  await copiesAre('a', 'b', 'c', 'x')
  expect(streams.state).toBe('running')
  await streams.close()
})

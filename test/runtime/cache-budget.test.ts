import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defineApp, json, memoryLog, Streams, string, topic, TopicWriter } from '../../src/index.ts'
import type { Log } from '../../src/index.ts'

const KEYS = 4000
const PARTITIONS = 4

const words = topic('words', { key: string(), value: json<number>() })

let log: Log
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-cache-'))
  log = memoryLog()
  await log.createTopics([
    { name: 'words', partitions: PARTITIONS },
    { name: 'counts', partitions: PARTITIONS },
  ])
})

afterEach(async () => {
  await log.close()
  await rm(directory, { recursive: true, force: true })
})

/** Counts the keys whose update is still held back when every record is processed and nothing is committed. */
async function heldBack(cacheBytes: number): Promise<number> {
  await using writer = await TopicWriter.open(log, words)
  for (let i = 0; i < KEYS; i++) writer.write(`word-${i}`, 1, { timestamp: i })
  await writer.flush()
  const app = defineApp({
    id: `cache-${cacheBytes}`,
    commitInterval: '1h',
    cacheBytes,
    build: (builder) => builder.stream(words).groupByKey().count({ store: 'counts' }).toStream().to('counts'),
  })
  await using streams = await Streams.start(app, { log, stateDirectory: directory, engine: 'memory' })
  while (streams.status().processed < KEYS) await new Promise((resolve) => setImmediate(resolve))
  return KEYS - streams.status().written
}

test('cacheBytes bounds what all tasks of a thread hold back together', async () => {
  const bytes = 100_000
  const held = await heldBack(bytes)
  expect(held).toBeGreaterThan(0)
  // An entry takes more than 160 bytes. Four tasks with a cache of this size each would hold four times as many.
  expect(held).toBeLessThan(bytes / 160)
})

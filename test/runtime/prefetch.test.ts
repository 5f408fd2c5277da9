import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, json, long, memoryLog, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { Application, EngineFactory, Log, Serde } from 'millrace'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { chooseEngine } from '../../src/engine/choice/choose-engine.ts'

const value = json<{ counts: boolean }>()
const words = topic('words', { key: string(), value })
const counts = topic('counts', { key: string(), value: long() })

/** Counts the words whose `counts` is true. */
function counting(key: Serde<string> = string(), commitInterval = 100): Application {
  return defineApp({
    id: 'counting',
    commitInterval,
    onDeserializationError: 'continue',
    build: (builder) => {
      builder
        .stream(topic('words', { key, value }))
        .filter((word) => word.counts)
        .groupByKey({ key: string() })
        .count({ store: 'counts' })
        .toStream()
        .to(counts)
    },
  })
}

const WORDS = 1000
const WINDOW = 256

let log: Log
let directory: string
let engine: EngineFactory
/** Number of keys that the engine was asked for one by one, and in each call for many. */
let looked: { one: number; many: number[] }
let failsAtMany: boolean

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-prefetch-'))
  log = memoryLog()
  await log.createTopics([words, counts].map(({ name }) => ({ name, partitions: 1 })))
  engine = await watched()
  looked = { one: 0, many: [] }
  failsAtMany = false
})

afterEach(async () => {
  await log.close()
  await rm(directory, { recursive: true, force: true })
})

/** RocksDB that records what it is asked for. */
async function watched(): Promise<EngineFactory> {
  const { factory } = await chooseEngine('rocksdb')
  return {
    name: factory.name,
    persistent: factory.persistent,
    destroy: (path) => factory.destroy(path),
    open: async (path, options) => {
      const opened = await factory.open(path, options)
      return {
        name: opened.name,
        get: (key) => {
          looked.one++
          return opened.get(key)
        },
        getMany: (keys) => {
          if (failsAtMany) throw new Error('the disk is gone')
          looked.many.push(keys.length)
          return keys.map((key) => opened.get(key))
        },
        iterate: (range) => opened.iterate(range),
        write: (batch, how) => opened.write(batch, how),
        close: () => opened.close(),
      }
    },
  }
}

const all = Array.from({ length: WORDS }, (_, i) => `word-${i}`)

async function say(said: readonly string[], counted = true): Promise<void> {
  await using writer = await TopicWriter.open(log, words)
  for (const word of said) writer.write(word, { counts: counted })
  await writer.flush()
}

/** Processes all records in a run of its own, which finds nothing in memory. */
async function processAll(app = counting()): Promise<ReadonlyMap<string, number>> {
  const streams = await Streams.start(app, { log, engine, stateDirectory: directory })
  await streams.whenRunning()
  await expect.poll(() => streams.status().lag, { timeout: 20_000 }).toBe(0)
  const { dropped } = streams.status()
  await streams.close()
  return dropped
}

async function lastCounts(): Promise<Map<string | null, number | null>> {
  const last = new Map<string | null, number | null>()
  for await (const { key, value } of readTopic(log, counts, { until: 'end' })) last.set(key, value)
  return last
}

test('rows that are not in memory are looked up many at a time, and counted right', async () => {
  await say(all)
  await processAll()
  looked = { one: 0, many: [] }
  await say([...all, ...all.slice(0, 300)])
  await processAll()
  const together = looked.many.reduce((sum, keys) => sum + keys, 0)
  expect(together).toBeGreaterThan(0.8 * WORDS)
  expect(together + looked.one).toBeLessThan(1.1 * WORDS)
  expect(looked.many.length).toBeLessThan(WORDS / 16)
  expect(await lastCounts()).toEqual(new Map(all.map((word, i) => [word, i < 300 ? 3 : 2])))
})

test('while the rows are in memory, next to nothing is prefetched', async () => {
  await say(Array.from({ length: 3 * WORDS }, (_, i) => `word-${i % 10}`))
  await processAll()
  expect(looked.many.length + looked.one).toBeLessThan(12)
})

test('records that never reach a store end prefetching at once', async () => {
  await say(all)
  await processAll()
  looked = { one: 0, many: [] }
  await say(all.slice(0, 500))
  await say(all.slice(500), false)
  await processAll()
  const together = looked.many.reduce((sum, keys) => sum + keys, 0)
  expect(together + looked.one).toBeLessThan(500 + 2 * WINDOW)
  expect((await lastCounts()).get(`word-${WORDS - 1}`)).toBe(1)
})

test('prefetching is given up after a filter that lets a third of the records through', async () => {
  await say(all)
  await processAll()
  looked = { one: 0, many: [] }
  const passes = (word: string): boolean => Number(word.slice('word-'.length)) % 3 === 0
  for (let i = 0; i < WORDS; i += 50) {
    await using writer = await TopicWriter.open(log, words)
    for (const word of all.slice(i, i + 50)) writer.write(word, { counts: passes(word) })
  }
  await processAll()
  const together = looked.many.reduce((sum, keys) => sum + keys, 0)
  expect(together).toBeLessThan(0.4 * WORDS)
  expect(await lastCounts()).toEqual(new Map(all.map((word) => [word, passes(word) ? 2 : 1])))
})

test('a look-up of many that fails loses nothing: each row is looked up when it is its turn', async () => {
  await say(all)
  await processAll()
  failsAtMany = true
  await say(all)
  await processAll()
  expect(await lastCounts()).toEqual(new Map(all.map((word) => [word, 2])))
})

test('a record whose key cannot be read is dropped when it is its turn, and no other is', async () => {
  await say(all)
  await processAll()
  const inner = string()
  const strict: Serde<string> = {
    ...inner,
    read: (buffer, start, end) => {
      const word = buffer.toString('utf8', start, end)
      if (word === 'word-700') throw new Error('that word again')
      return word
    },
  }
  await say(all)
  const dropped = await processAll(counting(strict))
  expect(Object.fromEntries(dropped)).toEqual({ deserialization: 1 })
  expect(looked.many.length).toBeGreaterThan(1)
  expect(await lastCounts()).toEqual(new Map(all.map((word) => [word, word === 'word-700' ? 1 : 2])))
})

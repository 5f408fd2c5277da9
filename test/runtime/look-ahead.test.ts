import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, json, long, memoryLog, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { Application, EngineFactory, Log, Serde } from 'millrace'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { chooseEngine } from '../../src/engine/choice/choose-engine.ts'
import { readingBeside } from '../state/support/reading-beside.ts'

const value = json<{ counts: boolean }>()
const words = topic('words', { key: string(), value })
const counts = topic('counts', { key: string(), value: long() })

/** Counts the words that count. */
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

let log: Log
let directory: string
let engine: EngineFactory
/** Keys of each call of the engine's, by what was called. */
let looked: { one: number; many: number[] }
let failsAtMany: boolean

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-look-ahead-'))
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

/** Looks up beside the thread, too; `inTime` says whether the answer is there when it is wanted. */
function besideIts(factory: EngineFactory, inTime: () => boolean): { engine: EngineFactory; begun: number[] } {
  const begun: number[] = []
  return { engine: readingBeside(factory, inTime, (keys) => begun.push(keys)), begun }
}

/** RocksDB, with an eye on what it is asked for. */
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

/** A run of its own, which finds nothing in memory. */
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

test('while what is asked for is in memory, nothing is looked up ahead', async () => {
  await say(Array.from({ length: 3 * WORDS }, (_, i) => `word-${i % 10}`))
  await processAll()
  expect(looked.many).toEqual([])
  expect(looked.one).toBeLessThan(20)
})

test('records that never reach a store soon end the looking ahead', async () => {
  await say(all)
  await processAll()
  looked = { one: 0, many: [] }
  await say(all.slice(0, 500))
  await say(all.slice(500), false)
  await processAll()
  const together = looked.many.reduce((sum, keys) => sum + keys, 0)
  expect(together + looked.one).toBeLessThan(500 + 2 * 128)
  expect((await lastCounts()).get('word-999')).toBe(1)
})

test('behind a filter that lets a third of the records through, it is given up', async () => {
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

test('an engine that is slow looks up the records behind those being processed, beside the thread, across batches', async () => {
  await say(all)
  await processAll()
  const beside = besideIts(engine, () => true)
  engine = beside.engine
  looked = { one: 0, many: [] }
  for (let i = 0; i < WORDS; i += 50) await say(all.slice(i, i + 50))
  await processAll()
  const begun = beside.begun.reduce((sum, keys) => sum + keys, 0)
  const together = looked.many.reduce((sum, keys) => sum + keys, 0)
  expect(begun).toBeGreaterThan(0.6 * WORDS)
  expect(begun + together).toBeLessThan(WORDS)
  expect(await lastCounts()).toEqual(new Map(all.map((word) => [word, 2])))
})

test('an answer may take as long as the records of two windows, and two are asked for together', async () => {
  await say(all)
  await processAll()
  const underWay: number[] = []
  const beside = besideIts(engine, () => {
    underWay.push(beside.begun.length - underWay.length)
    return true
  })
  engine = beside.engine
  await say(all)
  await processAll()
  expect(underWay).toEqual([3, 2, 3, 2, 1])
  expect(await lastCounts()).toEqual(new Map(all.map((word) => [word, 2])))
})

test('what is not answered in time is looked up by the thread itself', async () => {
  await say(all)
  await processAll()
  let asked = 0
  engine = besideIts(engine, () => ++asked % 2 === 0).engine
  looked = { one: 0, many: [] }
  await say([...all, ...all.toReversed()])
  await processAll()
  expect(asked).toBeGreaterThan(4)
  expect(looked.many.length).toBeGreaterThan(asked / 2)
  expect(await lastCounts()).toEqual(new Map(all.map((word) => [word, 3])))
})

test('rows changed by a commit after they were asked for are not taken from the answer', async () => {
  await say(all)
  await processAll()
  const beside = besideIts(engine, () => true)
  engine = beside.engine
  const again = [128, 256]
  await say(all.flatMap((word, i) => [word, ...again.flatMap((before) => all[i - before] ?? [])]))
  await processAll(counting(string(), 1))
  expect(beside.begun.length).toBeGreaterThan(4)
  const times = (i: number): number => 2 + again.filter((before) => i < WORDS - before).length
  expect(await lastCounts()).toEqual(new Map(all.map((word, i) => [word, times(i)])))
})

test('a look-up of many that fails takes nothing with it: each is looked up when it is its turn', async () => {
  await say(all)
  await processAll()
  failsAtMany = true
  await say(all)
  await processAll()
  expect(await lastCounts()).toEqual(new Map(all.map((word) => [word, 2])))
})

test('a key that cannot be read is dropped when it is its turn, and no other', async () => {
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

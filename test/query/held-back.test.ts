import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defineApp, json, memoryLog, storeRef, Streams, string, topic, TopicWriter } from '../../src/index.ts'
import type { Log } from '../../src/index.ts'

const words = topic('words', { key: string(), value: string() })
const names = topic('names', { key: string(), value: string() })
const shown = storeRef('shown', { key: string(), value: string() })
const checked = storeRef('checked', { key: string(), value: string() })
const table = storeRef('table', { key: string(), value: string() })
const many = storeRef('many', { key: string(), value: string() })

let directory = ''
let log: Log
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-held-'))
  log = memoryLog()
  await log.createTopics(['words', 'names'].map((name) => ({ name, partitions: 1 })))
})
afterEach(async () => {
  await log.close()
  rmSync(directory, { recursive: true, force: true })
})

async function write(name: typeof words, ...keys: readonly string[]): Promise<void> {
  await using writer = await TopicWriter.open(log, name)
  for (const key of keys) writer.write(key, 'x')
  await writer.flush()
}

test('an answer never claims a record that a cache before its store holds back', async () => {
  const app = defineApp({
    id: 'cached',
    commitInterval: 300,
    build: (builder) => {
      builder
        .stream(words)
        .groupByKey()
        .count({ store: { name: 'counts', caching: true } })
        .toStream()
        .mapValues((count) => `n${count}`)
        .toTable({ store: { name: shown, caching: false }, value: json<string>() })
    },
  })
  await using streams = await Streams.start(app, { log, stateDirectory: directory })
  for (let n = 1; n <= 5; n++) {
    await write(words, 'a')
    const at = { words: { 0: n } }
    expect(await streams.store(shown).read('a', { at, consistency: 'latest' })).toMatchObject({
      value: `n${n}`,
      position: at,
    })
  }
})

test('behind an asynchronous step there is no position, and a query for one is refused', async () => {
  const call = Promise.withResolvers<string>()
  const app = defineApp({
    id: 'calls',
    guarantee: 'exactly_once',
    commitInterval: 20,
    build: (builder) => {
      builder
        .stream(words)
        .mapValuesAsync(() => call.promise, { store: 'calls', value: string() })
        .toTable({ store: checked })
    },
  })
  await using streams = await Streams.start(app, { log, stateDirectory: directory })
  await write(words, 'a')
  const store = streams.store(checked)
  expect(await store.read('a')).toMatchObject({ value: undefined, position: {} })
  await expect(store.get('a', { at: { words: { 0: 1 } } })).rejects.toMatchObject({ code: 'MR_QUERY_POSITION' })
  call.resolve('checked')
  while ((await store.get('a')) !== 'checked') await new Promise((resolve) => setTimeout(resolve, 5))
})

test('a global table has no positions, and is closed with its application', async () => {
  const app = defineApp({ id: 'globals', build: (builder) => void builder.globalTable(names, { store: table }) })
  await write(names, 'a')
  const streams = await Streams.start(app, { log, stateDirectory: directory })
  const store = streams.store(table)
  expect(await store.get('a')).toBe('x')
  await expect(store.get('a', { at: { names: { 0: 1 } } })).rejects.toMatchObject({ code: 'MR_QUERY_POSITION' })
  await streams.close()
  await expect(store.get('a')).rejects.toMatchObject({ code: 'MR_CLOSED' })
})

test('scans that are given up at once, or too late, stay open nowhere: later ones find room', async () => {
  const value = 'v'.repeat(1000)
  const app = defineApp({
    id: 'scans',
    guarantee: 'exactly_once',
    commitInterval: 20,
    build: (builder) => {
      builder
        .stream(words)
        .mapValues(() => value)
        .toTable({ store: many })
    },
  })
  await write(words, ...Array.from({ length: 300 }, (_, i) => `k${i}`))
  await using streams = await Streams.start(app, { log, stateDirectory: directory })
  const store = streams.store(many)
  while ((await store.get('k299')) === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
  for (let i = 0; i < 600; i++) {
    const controller = new AbortController()
    const first = store.range({ signal: controller.signal }).next()
    controller.abort(new Error('gone'))
    await expect(first).rejects.toThrow('gone')
  }
  let rows = 0
  for await (const _ of store.range()) rows++
  expect(rows).toBe(300)
})

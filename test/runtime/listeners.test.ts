import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defineApp, long, memoryLog, readTopic, Streams, string, topic, TopicWriter } from '../../src/index.ts'
import type { Application, Log, StreamsOptions, StreamsState } from '../../src/index.ts'

const words = topic('words', { key: string(), value: string() })
const counts = topic('counts', { key: string(), value: long() })

let log: Log
let directory: string
let failed: unknown[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-listeners-'))
  log = memoryLog()
  await log.createTopics([words, counts].map(({ name }) => ({ name, partitions: 2 })))
  failed = []
})

afterEach(async () => {
  await log.close()
  await rm(directory, { recursive: true, force: true })
})

const app: Application = defineApp({
  id: 'word-counts',
  commitInterval: 10,
  logger: {
    debug() {},
    info() {},
    warn() {},
    error: (fields, message) => void (message === 'a listener failed' && failed.push(fields)),
  },
  build: (builder) => {
    builder
      .stream(words)
      .peek((word) => {
        if (word === 'bad') throw new RangeError('a bad word')
      })
      .groupByKey()
      .count({ store: 'counts' })
      .toStream()
      .to(counts)
  },
})

async function write(word: string): Promise<void> {
  await using writer = await TopicWriter.open(log, words)
  for (let i = 0; i < 10; i++) writer.write(`key-${i}`, word)
  await writer.flush()
}

async function counted(): Promise<number[]> {
  const last = new Map<string | null, number>()
  for await (const { key, value } of readTopic(log, counts, { until: 'end' })) last.set(key, value ?? 0)
  return [...last.values()]
}

const start = (more: Partial<StreamsOptions>): Promise<Streams> =>
  Streams.start(app, { log, stateDirectory: directory, ...more })

/** How a listener fails. */
const failures: readonly (readonly [how: string, fail: (error: Error) => unknown])[] = [
  [
    'throws',
    (error) => {
      throw error
    },
  ],
  ['returns a promise that rejects', (error) => Promise.reject(error)],
]

describe.each(failures)('a listener that %s is logged with its name, and', (_, fail) => {
  const said = (listener: string, ...messages: string[]): unknown[] =>
    messages.map((message) => ({ listener, err: expect.objectContaining({ message }) }))

  test('keeps no application from closing in good order', async () => {
    const streams = await start({ onState: (state) => fail(new Error(state)) as void })
    await streams.whenRunning()
    await write('word')
    await expect.poll(() => streams.status().processed).toBe(10)
    await streams.close()
    await streams.closed
    expect(streams.state).toBe('not-running')
    expect(await counted()).toEqual(Array.from({ length: 10 }, () => 1))
    expect(failed).toEqual(said('onState', 'rebalancing', 'running', 'pending-shutdown', 'not-running'))
  })

  test('hides no error that ends the application', async () => {
    const states: StreamsState[] = []
    const streams = await start({ onState: (state) => fail(new Error(states.push(state) + state)) as void })
    await write('bad')
    await expect(streams.closed).rejects.toMatchObject({ code: 'MR_PROCESSING' })
    expect(states.slice(-2)).toEqual(['pending-error', 'error'])
    expect(failed).toEqual(said('onState', ...states.map((state, i) => i + 1 + state)))
    // The state directory is free again.
    await (await start({})).close().catch(() => {})
  })

  test('keeps no store from being restored', async () => {
    await write('word')
    const first = await start({})
    await expect.poll(() => first.status().processed).toBe(10)
    await first.close()
    await rm(directory, { recursive: true })
    const again = await start({ onRestore: (event) => fail(new Error(event)) as void })
    await again.whenRunning()
    await write('word')
    await expect.poll(counted).toEqual(Array.from({ length: 10 }, () => 2))
    await again.close()
    expect(failed).toEqual(expect.arrayContaining(said('onRestore', 'start', 'end')))
  })
})

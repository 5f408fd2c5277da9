import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defineApp, memoryLog, Streams, string, topic, TopicWriter } from '../../src/index.ts'
import type { Application, Companion, Log, ReadOnlyTimestampedKeyValueStore, StreamsOptions } from '../../src/index.ts'
import { eventually } from '../acceptance/instance-promises.ts'

const words = topic('words', { key: string(), value: string() })

let log: Log
let options: StreamsOptions

beforeEach(async () => {
  log = memoryLog()
  await log.createTopics([{ name: words.name, partitions: 1 }])
  options = { log, stateDirectory: await mkdtemp(join(tmpdir(), 'millrace-draining-')) }
})
afterEach(async () => {
  await log.close()
  await rm(options.stateDirectory!, { recursive: true, force: true })
})

async function write(...given: readonly string[]): Promise<void> {
  await using writer = await TopicWriter.open(log, words)
  for (const word of given) writer.write(word, word)
  await writer.flush()
}

function counting(): Application {
  return defineApp({
    id: 'word-counts',
    guarantee: 'exactly_once',
    // Only a close commits.
    commitInterval: '1h',
    build: (builder) => builder.stream(words).groupByKey().count({ store: 'counts' }),
  })
}

function countOf(streams: Streams, word: string): number | undefined {
  const [store] = streams.stores<ReadOnlyTimestampedKeyValueStore<string, number>>('counts')
  return store?.get(word)?.value
}

async function committed(app: Application): Promise<number | undefined> {
  return (await log.committedOffsets(app.id, [{ topic: words.name, partition: 0 }])).get(words.name, 0)?.offset
}

test('an application that drains is not ready any more, is alive, and processes and answers as before', async () => {
  await using streams = await Streams.start(counting(), options)
  await streams.whenRunning()
  expect(streams.health().ready.ok).toBe(true)
  streams.drain()
  await write('mill', 'race', 'mill')
  await eventually(() => countOf(streams, 'mill') === 2)
  const { live, ready } = streams.health()
  expect([streams.state, live.ok, ready.ok]).toEqual(['running', true, false])
  expect(ready.checks).toContainEqual({ name: 'drain', ok: false, message: 'the instance is about to close' })
})

describe('a close in a hurry commits what was processed, and does not wait', () => {
  test.each(['before', 'after'])('for a companion that goes on: hurried %s it began', async (when) => {
    const left = Promise.withResolvers<void>()
    const server: Companion = { name: 'server', start() {}, stop: () => left.promise, status: () => ({}) }
    const streams = await Streams.start(counting(), { ...options, companions: [server] })
    await write('mill', 'race', 'mill')
    await eventually(() => streams.status().processed === 3)
    expect(await committed(streams.app)).toBeUndefined()
    if (when === 'before') streams.hurry()
    const closing = streams.close()
    if (when === 'after') streams.hurry()
    await closing
    expect(streams.state).toBe('not-running')
    expect(await committed(streams.app)).toBe(3)
    left.resolve()
  })

  test('for calls that run: they are made again after the restart', async () => {
    let asked = 0
    const asking = defineApp({
      id: 'asking',
      build: (builder) => {
        builder
          .stream(words)
          .mapValuesAsync(
            () => {
              asked++
              return new Promise<string>(() => {})
            },
            { store: 'calls', value: string(), drainTimeout: '1h' },
          )
          .print()
      },
    })
    const streams = await Streams.start(asking, options)
    await write('mill')
    await eventually(() => asked === 1)
    const closing = streams.close()
    // It waits for the call by now.
    await eventually(() => streams.state === 'pending-shutdown')
    streams.hurry()
    await closing
    expect(await committed(asking)).toBe(1)
    const again = await Streams.start(asking, options)
    await eventually(() => asked === 2)
    again.hurry()
    await again.close()
  })
})

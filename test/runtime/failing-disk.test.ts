import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, long, memoryLog, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { EngineFactory, Log } from 'millrace'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { chooseEngine } from '../../src/engine/choice/choose-engine.ts'
import { engineFailure } from '../../src/engine/files/engine-failure.ts'

const words = topic('words', { key: string(), value: string() })
const counts = topic('counts', { key: string(), value: long() })
const app = defineApp({
  id: 'counting',
  commitInterval: 10,
  build: (builder) => {
    builder.stream(words).groupByKey().count({ store: 'counts' }).toStream().to(counts)
  },
})

let log: Log
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-failing-disk-'))
  log = memoryLog()
  await log.createTopics([words, counts].map(({ name }) => ({ name, partitions: 1 })))
})

afterEach(async () => {
  await log.close()
  await rm(directory, { recursive: true, force: true })
})

async function write(): Promise<void> {
  await using writer = await TopicWriter.open(log, words)
  for (let i = 0; i < 30; i++) writer.write(`word-${i % 10}`, '')
  await writer.flush()
}

async function lastCounts(): Promise<number[]> {
  const last = new Map<string | null, number>()
  for await (const { key, value } of readTopic(log, counts, { until: 'end' })) last.set(key, value ?? 0)
  return [...last.values()]
}

const each = (count: number): number[] => Array.from({ length: 10 }, () => count)

/** RocksDB whose `call` finds the disk of the tasks' directories full while `isFull` returns true. */
async function rocksdbOnDisk(isFull: () => boolean, call: 'prepare' | 'write'): Promise<EngineFactory> {
  const { factory } = await chooseEngine('rocksdb')
  return {
    ...factory,
    name: factory.name,
    persistent: factory.persistent,
    destroy: (path) => factory.destroy(path),
    open: async (path, options) => {
      const engine = await factory.open(path, options)
      return new Proxy(engine, {
        get(target, name) {
          if (name === call && isFull() && /0_\d/.test(path)) {
            const cause = Object.assign(new Error('IO error: No space left on device'), { code: 'ENOSPC' })
            return () => {
              throw engineFailure('rocksdb', path, cause)
            }
          }
          const member: unknown = Reflect.get(target, name, target)
          return typeof member === 'function' ? member.bind(target) : member
        },
      })
    },
  }
}

test.each([
  ['while the log carries out the commit', 'prepare'],
  ['after it', 'write'],
] as const)(
  'a disk found full %s ends the application with path and task, and all is counted after a restart',
  async (_, call) => {
    let isFull = false
    const engine = await rocksdbOnDisk(() => isFull, call)
    const streams = await Streams.start(app, { log, engine, stateDirectory: directory })
    await write()
    await expect.poll(lastCounts, { timeout: 10_000 }).toEqual(each(3))
    isFull = true
    await write()
    await expect(streams.closed).rejects.toMatchObject({
      code: 'MR_STATE_SPACE',
      task: '0_0',
      message: expect.stringMatching(/counting.*0_0.*No space left/),
      hint: expect.stringContaining('room on the disk'),
    })
    isFull = false
    await write()
    const again = await Streams.start(app, { log, engine, stateDirectory: directory })
    await expect.poll(lastCounts, { timeout: 10_000 }).toEqual(each(9))
    await again.close()
    expect(await lastCounts()).toEqual(each(9))
  },
)

test('a state directory that cannot be made is refused at the start, with its path', async () => {
  const file = join(directory, 'file')
  await writeFile(file, '')
  await expect(Streams.start(app, { log, stateDirectory: file })).rejects.toMatchObject({
    code: 'MR_STATE_DIRECTORY',
    message: expect.stringContaining(join(file, 'counting')),
    hint: expect.stringContaining('Move that away'),
  })
})

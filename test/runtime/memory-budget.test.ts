import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defineApp, memoryLog, Streams, string, topic, TopicWriter } from '../../src/index.ts'
import type { AppConfig, Application, ByteSize, Log, MemoryUse } from '../../src/index.ts'
import { divideMemory, MemoryShare } from '../../src/runtime/memory/memory-budget.ts'
import type { EngineFactory, EngineOptions } from '../../src/engine/engine.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'

const MIB = 2 ** 20
const PARTITIONS = 8

const texts = topic('texts', { key: string(), value: string() })

function latest(memory: ByteSize, settings: Partial<AppConfig> = {}): Application {
  return defineApp({
    id: 'latest',
    memory,
    ...settings,
    build: (builder) =>
      builder
        .stream(texts)
        .groupByKey()
        .reduce((_, value) => value, { store: 'latest' })
        .toStream()
        .to('latest', { key: string(), value: string() }),
  })
}

function total(use: Readonly<Record<string, number>>): number {
  return Object.values(use).reduce((sum, bytes) => sum + bytes, 0)
}

describe('the parts of the memory of an application', () => {
  test.each<[memory: ByteSize, settings: Partial<AppConfig>, heap: number]>([
    ['16MiB', {}, 4096 * MIB],
    ['16MiB', { cacheBytes: '8MiB' }, 4096 * MIB],
    ['100MB', { cacheBytes: 0, threads: 3 }, 4096 * MIB],
    ['1GiB', {}, 4096 * MIB],
    ['64GiB', { threads: 8 }, 4096 * MIB],
    ['64GiB', { threads: 8 }, 100 * MIB],
  ])('add up to %s', (memory, settings, heap) => {
    const app = latest(memory, settings)
    const parts = divideMemory(app.settings, heap)
    expect(total({ ...parts })).toBe(app.settings.memory)
    expect(Math.min(...Object.values(parts))).toBeGreaterThanOrEqual(0)
    expect(parts.entries + parts.changes).toBeLessThanOrEqual(heap / 2)
  })

  test('are not exceeded by what threads and tasks get of them', () => {
    for (const threads of [1, 2, 4]) {
      const app = latest('256MiB', { threads })
      const parts = divideMemory(app.settings)
      const share = new MemoryShare(app.settings, app.topology())
      expect(total({ ...share.parts }) * threads).toBeLessThanOrEqual(app.settings.memory + threads)
      expect(share.fetched + share.queued + share.restored).toBeLessThanOrEqual(share.parts.input)
      for (let tasks = 1; tasks < 64; tasks++) {
        share.divideAmong(tasks)
        expect(share.entries * tasks * threads).toBeLessThanOrEqual(parts.entries)
        expect(share.engine.blockCacheBytes * tasks * threads).toBeLessThanOrEqual(parts.blockCache)
        expect(2 * share.engine.writeBufferBytes * tasks * threads).toBeLessThanOrEqual(parts.writeBuffers)
      }
    }
  })
})

describe('in a running application', () => {
  let log: Log
  let directory: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-memory-'))
    log = memoryLog()
    await log.createTopics(['texts', 'latest'].map((name) => ({ name, partitions: PARTITIONS })))
  })

  afterEach(async () => {
    await log.close()
    await rm(directory, { recursive: true, force: true })
  })

  async function write(records: number, keys: number, length: number): Promise<void> {
    await using writer = await TopicWriter.open(log, texts)
    const padding = 'x'.repeat(length)
    for (let i = 0; i < records; i++) writer.write(`key-${i % keys}`, `${i} ${padding}`, { timestamp: i })
    await writer.flush()
  }

  test('engines get another share when tasks come and go, and keep what they hold', async () => {
    await write(1000, 1000, 10)
    const app = latest('128MiB')
    const { blockCache, writeBuffers } = divideMemory(app.settings)
    const engines = new RecordedEngines()
    const engine = engines.factory
    const one = await Streams.start(app, { log, engine, stateDirectory: join(directory, 'one') })
    while (one.status().processed < 1000) await soon()
    const alone = engines.inUse('one')
    expect(alone.count).toBe(PARTITIONS)

    const two = await Streams.start(app, { log, engine, stateDirectory: join(directory, 'two') })
    while (one.status().tasks.length !== 4 || two.status().tasks.length !== 4) await soon()
    while (engines.inUse('one').count !== 4) await soon()
    const shared = engines.inUse('one')
    expect(shared.count).toBe(4)
    expect(shared.blockCache / 4).toBe((alone.blockCache / 8) * 2)

    await two.close()
    while (one.status().tasks.length !== PARTITIONS || one.state !== 'running') await soon()
    expect(engines.inUse('one')).toEqual(alone)
    expect(engines.most('one').blockCache).toBeLessThanOrEqual(blockCache)
    expect(engines.most('one').writeBuffers).toBeLessThanOrEqual(writeBuffers)

    const rows = one.stores<{ all(): Iterable<unknown> }>('latest').flatMap((store) => [...store.all()])
    expect(rows).toHaveLength(1000)
    await one.close()
  })

  test('the memory in use stays below the setting under load, because commits are made early', async () => {
    const records = 60_000
    await write(records, 30_000, 400)
    const app = latest('16MiB', { commitInterval: '1h' })
    await using streams = await Streams.start(app, { log, engine: 'rocksdb', stateDirectory: directory })
    const parts = divideMemory(app.settings)
    const most = { changes: 0, entries: 0, cache: 0, all: 0 }
    for (;;) {
      const { processed, memory } = streams.status()
      most.changes = Math.max(most.changes, memory.changes)
      most.entries = Math.max(most.entries, memory.entries)
      most.cache = Math.max(most.cache, memory.cache)
      most.all = Math.max(most.all, sum(memory))
      if (processed === records) break
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(most.all).toBeLessThan(app.settings.memory)
    // It was used, and its bounds were kept.
    expect(most.entries).toBeGreaterThan(parts.entries / 2)
    expect(most.entries).toBeLessThanOrEqual(parts.entries)
    expect(most.cache).toBeLessThanOrEqual(parts.cache)
    expect(most.changes).toBeGreaterThan(parts.changes / 2)
    expect(streams.status().commits).toBeGreaterThan(3)
  })
})

/** Updates that are held back are changes, too. */
function sum({ changes, entries, input, engines }: MemoryUse): number {
  return changes + entries + input + engines
}

function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5))
}

interface EnginesInUse {
  count: number
  blockCache: number
  /** Those being filled and those being flushed. */
  writeBuffers: number
}

/** RocksDB, with the memory that its open databases were given, by the directory of the process. */
class RecordedEngines {
  readonly #open = new Map<string, EngineOptions>()
  readonly #most = new Map<string, EnginesInUse>()

  readonly factory: EngineFactory = {
    ...rocksdbEngine,
    open: async (path, options = {}) => {
      const engine = await rocksdbEngine.open(path, options)
      this.#open.set(path, options)
      for (const name of ['one', 'two']) this.#record(name)
      const close = engine.close.bind(engine)
      engine.close = () => {
        this.#open.delete(path)
        return close()
      }
      return engine
    },
  }

  inUse(process: string): EnginesInUse {
    const use = { count: 0, blockCache: 0, writeBuffers: 0 }
    for (const [path, { blockCacheBytes = 0, writeBufferBytes = 0 }] of this.#open) {
      if (!path.includes(`/${process}/latest/0_`)) continue
      use.count++
      use.blockCache += blockCacheBytes
      use.writeBuffers += 2 * writeBufferBytes
    }
    return use
  }

  most(process: string): EnginesInUse {
    return this.#most.get(process) ?? { count: 0, blockCache: 0, writeBuffers: 0 }
  }

  #record(process: string): void {
    const now = this.inUse(process)
    const before = this.most(process)
    this.#most.set(process, {
      count: Math.max(now.count, before.count),
      blockCache: Math.max(now.blockCache, before.blockCache),
      writeBuffers: Math.max(now.writeBuffers, before.writeBuffers),
    })
  }
}

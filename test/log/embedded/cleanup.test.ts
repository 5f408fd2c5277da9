import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memoryEngine } from '../../../src/engine/memory/memory-engine.ts'
import { embeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { EmbeddedStorage } from '../../../src/log/embedded/embedded-storage.ts'
import { LogCleaner } from '../../../src/log/embedded/log-cleaner.ts'
import { endOf } from '../../../src/log/embedded/log-keys.ts'
import { LocalLog } from '../../../src/log/local/local-log.ts'
import { PartitionMap } from '../../../src/log/log.ts'
import type { Log } from '../../../src/log/log.ts'
import { append, committedRecords, readRecords } from '../log-harness.ts'
import { ManualClock } from '../../../src/platform/manual-clock.ts'

const DAY = 86_400_000

describe.each(['rocksdb', 'level'] as const)('cleaning up in %s', (engine) => {
  let directory: string
  let clock: ManualClock
  let log: Log
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-log-'))
    clock = new ManualClock(100 * DAY)
    log = await embeddedLog({ directory, engine, clock, fsync: false })
  })
  afterEach(async () => {
    await log.close()
    rmSync(directory, { recursive: true, force: true })
  })

  async function newTopic(configs: Record<string, string>): Promise<void> {
    await log.createTopics([{ name: 'topic', partitions: 1, configs }])
  }

  /** Writes records: number i has the key i % keys, the value i and the time `time` + i. Each 500 make a run. */
  async function fill(
    records: number,
    keys: number,
    time: number,
    value = (i: number): string | null => `${i}`,
  ): Promise<void> {
    const producer = log.openProducer()
    for (let i = 0; i < records; i++) {
      append(producer, 'topic', 0, `key-${i % keys}`, value(i), time + i)
      if (i % 500 === 499) await producer.flush()
    }
    await producer.flush()
    await producer.close()
  }

  /** Lets the cleaner find its work and do all of it. */
  async function clean(): Promise<void> {
    clock.advance(15_000)
    for (let step = 0; step < 60; step++) {
      await log.createTopics([])
      await new Promise((resolve) => setImmediate(resolve))
      clock.advance(5)
    }
  }

  async function reopen(): Promise<void> {
    await log.close()
    log = await embeddedLog({ directory, clock })
  }

  it('keeps the last record of each key, at its offset, and all of the newest run', async () => {
    await newTopic({ 'cleanup.policy': 'compact' })
    await fill(25_000, 100, clock.now())
    await clean()
    await reopen()
    const records = await committedRecords(log, 'topic', 0)
    expect(records).toHaveLength(100 + 500)
    expect(records.every((record) => record.value === `${record.offset}`)).toBe(true)
    expect(records.every((record) => record.key === `key-${record.offset % 100}`)).toBe(true)
    expect(records[0]?.offset).toBe(24_400)
    expect((await log.listOffsets([{ topic: 'topic', partition: 0 }], 'latest')).get('topic', 0)).toBe(25_000)
    expect((await log.listOffsets([{ topic: 'topic', partition: 0 }], 'earliest')).get('topic', 0)).toBe(0)
    const reader = log.openReader()
    reader.assign('topic', 0, 24_450)
    expect((await readRecords(reader, 550)).get('topic/0')?.[0]?.offset).toBe(24_450)
    await reader.close()
  })

  it('compacts again when as many records were added, and drops tombstones once they are old', async () => {
    await newTopic({ 'cleanup.policy': 'compact', 'delete.retention.ms': `${DAY}` })
    await fill(12_000, 50, clock.now(), (i) => (i % 50 < 20 ? null : `${i}`))
    await clean()
    await reopen()
    const once = await committedRecords(log, 'topic', 0)
    expect(once.filter((record) => record.value === null && record.offset < 11_500)).toHaveLength(20)

    clock.advance(DAY + 1)
    await fill(12_000, 10, clock.now(), (i) => `new ${i}`)
    await clean()
    await reopen()
    const twice = await committedRecords(log, 'topic', 0)
    const old = twice.filter((record) => record.value === null || !record.value.startsWith('new'))
    expect(old.filter((record) => record.offset < 11_500)).toEqual([])
    expect(new Set(old.filter((record) => record.value !== null).map((record) => record.key)).size).toBe(30)
    expect(twice.filter((record) => record.value?.startsWith('new'))).toHaveLength(10 + 500)
  })

  it('does not compact records that are younger than min.compaction.lag.ms', async () => {
    await newTopic({ 'cleanup.policy': 'compact', 'min.compaction.lag.ms': `${DAY}` })
    await fill(12_000, 10, clock.now())
    await clean()
    await reopen()
    expect(await committedRecords(log, 'topic', 0)).toHaveLength(12_000)
    clock.advance(2 * DAY)
    await clean()
    await reopen()
    expect(await committedRecords(log, 'topic', 0)).toHaveLength(10 + 500)
  })

  it('deletes records older than retention.ms, a run at a time, and fails readers that are behind', async () => {
    await newTopic({ 'cleanup.policy': 'delete', 'retention.ms': `${DAY}` })
    await fill(2_000, 10, clock.now() - 3 * DAY)
    await fill(1_000, 10, clock.now())
    const reader = log.openReader()
    reader.assign('topic', 0, 0)
    await clean()
    expect((await log.listOffsets([{ topic: 'topic', partition: 0 }], 'earliest')).get('topic', 0)).toBe(2_000)
    expect(() => reader.poll(() => {})).toThrow(expect.objectContaining({ code: 'MR_OFFSET_OUT_OF_RANGE' }))
    await reader.close()
    await reopen()
    expect((await committedRecords(log, 'topic', 0))[0]?.offset).toBe(2_000)
  })

  it('deletes the oldest records beyond retention.bytes, and goes on as records arrive', async () => {
    await newTopic({ 'retention.bytes': '100000' })
    const at = [{ topic: 'topic', partition: 0 }]
    const start = async () => (await log.listOffsets(at, 'earliest')).get('topic', 0)!
    await fill(3_000, 10, clock.now(), () => 'x'.repeat(80))
    await clean()
    const first = await start()
    const kept = 3_000 - first
    expect(first % 500).toBe(0)
    expect(kept * 80).toBeLessThanOrEqual(200_000)
    expect(kept * 120).toBeGreaterThanOrEqual(100_000)
    await fill(3_000, 10, clock.now(), () => 'x'.repeat(80))
    await clean()
    expect(await start()).toBe(first + 3_000)
    await reopen()
    await clean()
    expect(await committedRecords(log, 'topic', 0)).toHaveLength(kept)
  })

  it('acts by configs that are altered while it is open, and after it was opened again', async () => {
    await newTopic({})
    const at = [{ topic: 'topic', partition: 0 }]
    const start = async () => (await log.listOffsets(at, 'earliest')).get('topic', 0)
    await fill(2_000, 10, clock.now() - 3 * DAY)
    await fill(1_000, 10, clock.now())
    await clean()
    expect(await start()).toBe(0)
    await log.alterTopicConfigs('topic', { 'retention.ms': `${DAY}` })
    await clean()
    expect(await start()).toBe(2_000)
    await log.alterTopicConfigs('topic', { 'retention.ms': null, 'cleanup.policy': 'compact' })
    await fill(12_000, 10, clock.now())
    await reopen()
    await clean()
    expect(await committedRecords(log, 'topic', 0)).toHaveLength(10 + 500)
    await log.alterTopicConfigs('topic', { 'cleanup.policy': 'delete', 'retention.ms': '0' })
    await reopen()
    expect(await committedRecords(log, 'topic', 0)).toHaveLength(10 + 500)
    await clean()
    expect(await committedRecords(log, 'topic', 0)).toHaveLength(500)
  })

  it('keeps all records from the new start on when others are deleted during a compaction', async () => {
    await newTopic({ 'cleanup.policy': 'compact' })
    await fill(12_000, 12_000, clock.now())
    clock.advance(15_000)
    let start = 0
    for (let step = 0; step < 20; step++) {
      clock.advance(5)
      await log.deleteRecords(new PartitionMap<number>().set('topic', 0, (start += 550)))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await reopen()
    const records = await committedRecords(log, 'topic', 0)
    expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 12_000 - start }, (_, i) => start + i))
  })

  it('does not delete old data that is being replayed, nor anything without retention', async () => {
    await newTopic({ 'cleanup.policy': 'compact,delete', 'retention.ms': `${DAY}` })
    await log.createTopics([{ name: 'kept', partitions: 1 }])
    await fill(3_000, 3_000, 5 * DAY)
    const producer = log.openProducer()
    append(producer, 'kept', 0, 'k', 'ancient', 1)
    await producer.flush()
    append(producer, 'kept', 0, 'k', 'new', clock.now())
    await producer.flush()
    await producer.close()
    await clean()
    expect(await committedRecords(log, 'topic', 0)).toHaveLength(3_000)
    expect(await committedRecords(log, 'kept', 0)).toHaveLength(2)
  })
})

it('leaves nothing of a topic that is deleted during its compaction', async () => {
  for (let steps = 0; steps < 6; steps++) {
    const clock = new ManualClock(100 * DAY)
    const engine = memoryEngine.open('')
    const storage = new EmbeddedStorage(engine, 'log', false)
    const cleaner = new LogCleaner(storage, clock, (_, message) => expect.unreachable(message))
    const log = new LocalLog(storage, clock, storage.load(), () => cleaner.stop())
    await log.createTopics([{ name: 'topic', partitions: 1, configs: { 'cleanup.policy': 'compact' } }])
    const producer = log.openProducer()
    for (let i = 0; i < 11_000; i++) {
      append(producer, 'topic', 0, `${i}`, '', clock.now())
      if (i % 500 === 499) await producer.flush()
    }
    cleaner.start()
    for (let step = 0; step < steps; step++) {
      clock.advance(5)
      await log.createTopics([])
      await new Promise((resolve) => setImmediate(resolve))
    }
    const deleted = log.deleteTopics(['topic'])
    for (let step = 0; step < 6; step++) {
      clock.advance(5)
      await log.createTopics([])
      await new Promise((resolve) => setImmediate(resolve))
    }
    await deleted
    for (const letter of ['p', 'r', 't']) {
      const rows = engine.iterate({ gte: Buffer.from(letter), lt: endOf(letter) })
      expect([steps, letter, rows.next()]).toEqual([steps, letter, false])
      rows.close()
    }
    await log.close()
  }
})

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MillraceError } from '../../../src/errors/millrace-error.ts'
import { embeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { EmbeddedStorage } from '../../../src/log/embedded/embedded-storage.ts'
import { LocalLog } from '../../../src/log/local/local-log.ts'
import { PartitionMap } from '../../../src/log/log.ts'
import type { CommittedOffset, Log } from '../../../src/log/log.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { memoryEngine } from '../../../src/engine/memory/memory-engine.ts'
import { append, clientOptions, committedRecords, readRecords, subtopology } from '../log-harness.ts'

const ENGINES = ['rocksdb', 'level'] as const
const place = (topic: string, partition = 0): { topic: string; partition: number } => ({ topic, partition })

async function fill(log: Log, topic: string, values: readonly string[]): Promise<void> {
  const producer = log.openProducer()
  for (const value of values) append(producer, topic, 0, 'k', value)
  await producer.flush()
  await producer.close()
}

/** Runs the committing process until it prints an offset of at least `until`, then kills it. @returns its last line */
function runAndKill(engine: string, directory: string, until: number): Promise<string> {
  const script = fileURLToPath(new URL('./commit-forever.ts', import.meta.url))
  const child = spawn(process.execPath, [script, engine, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
  let last = ''
  return new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.trim().split('\n')) {
        last = line
        if (Number(line) >= until) child.kill('SIGKILL')
      }
    })
    child.on('error', reject)
    child.on('close', () => resolve(last))
  })
}

describe.each(ENGINES)('an embedded log in %s', (engine) => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-log-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  it('still has topics, records, bounds and committed offsets after it was closed and opened', async () => {
    let log = await embeddedLog({ directory, engine })
    await log.createTopics([
      { name: 'output', partitions: 2, configs: { 'cleanup.policy': 'compact' } },
      { name: 'emptied', partitions: 1 },
    ])
    const before = await log.describeTopics(['output', 'emptied'])
    const client = await log.openClient(clientOptions('app', 1, [subtopology(0, ['input'])]))
    append(client.producer, 'output', 1, 'k', 'v1', 77)
    append(client.producer, 'output', 1, 'k', null, 78)
    await client.commit(new PartitionMap<CommittedOffset>().set('input', 0, { offset: 5, metadata: 'mé' }))
    append(client.producer, 'output', 1, 'k', 'never committed')
    await fill(log, 'emptied', ['a', 'b', 'c'])
    await log.deleteRecords(new PartitionMap<number>().set('emptied', 0, 3))
    await log.close()

    log = await embeddedLog({ directory })
    expect(await log.describeTopics(['output', 'emptied'])).toEqual(before)
    expect(await committedRecords(log, 'output', 1)).toMatchObject([
      { offset: 0, timestamp: 77, key: 'k', value: 'v1' },
      { offset: 1, timestamp: 78, key: 'k', value: null },
    ])
    expect((await log.listOffsets([place('emptied')], 'earliest')).get('emptied', 0)).toBe(3)
    expect((await log.listOffsets([place('emptied')], 'latest')).get('emptied', 0)).toBe(3)
    const again = await log.openClient(clientOptions('app', 1, [subtopology(0, ['input'])]))
    expect((await again.committed([place('input')])).get('input', 0)).toEqual({ offset: 5, metadata: 'mé' })
    await fill(log, 'emptied', ['d'])
    expect(await committedRecords(log, 'emptied', 0)).toMatchObject([{ offset: 3, value: 'd' }])
    await log.close()
  })

  it('reads on from the records of an earlier process into those of this one', async () => {
    const values = Array.from({ length: 3_000 }, (_, i) => `${i}`.padEnd(300, '.'))
    let log = await embeddedLog({ directory, engine })
    await log.createTopics([{ name: 'topic', partitions: 1 }])
    for (let i = 0; i < 2_000; i += 100) await fill(log, 'topic', values.slice(i, i + 100))
    await log.close()
    log = await embeddedLog({ directory })
    await fill(log, 'topic', values.slice(2_000))
    const reader = log.openReader()
    reader.assign('topic', 0, 1_234)
    const records = (await readRecords(reader, 3_000 - 1_234)).get('topic/0')!
    expect(records.map((record) => record.value)).toEqual(values.slice(1_234))
    expect(records[0]?.offset).toBe(1_234)
    expect((await log.listOffsets([place('topic')], { timestamp: 0 })).get('topic', 0)).toBe(0)
    await log.close()
  })

  it('has exactly what was committed however often its process is killed', async () => {
    for (let round = 1; round <= 4; round++) {
      await runAndKill(engine, directory, round * 700 + round * 13)
      const log = await embeddedLog({ directory })
      const client = await log.openClient(clientOptions('app', 1, [subtopology(0, ['input'])]))
      const committed = (await client.committed([place('input')])).get('input', 0)!
      expect(committed.metadata).toBe(`at ${committed.offset}`)
      expect(committed.offset).toBeGreaterThanOrEqual(round * 700)
      const found: number[] = []
      for (let partition = 0; partition < 3; partition++) {
        for (const record of await committedRecords(log, 'output', partition)) {
          expect(record.key).toBe(`key-${record.timestamp}`)
          expect(record.value).toHaveLength(record.timestamp % 500)
          found.push(record.timestamp)
        }
      }
      expect(found.sort((left, right) => left - right)).toEqual(Array.from({ length: committed.offset }, (_, i) => i))
      await log.close()
    }
  })

  it('is not opened by a second process or a second time: the error names it, and it works on', async () => {
    const log = await embeddedLog({ directory, engine })
    expect(await runAndKill(engine, directory, 0)).toBe('MR_STATE_LOCKED')
    await expect(embeddedLog({ directory, attach: false })).rejects.toMatchObject({
      code: 'MR_STATE_LOCKED',
      message: expect.stringContaining(directory),
      hint: expect.stringContaining('Kafka'),
    })
    await log.createTopics([{ name: 'topic', partitions: 1 }])
    await fill(log, 'topic', ['still here'])
    expect(await committedRecords(log, 'topic', 0)).toMatchObject([{ value: 'still here' }])
    await log.close()
  })

  it('lets many clients commit at once, each commit as a whole', async () => {
    const log = await embeddedLog({ directory, engine })
    await log.createTopics([{ name: 'shared', partitions: 2 }])
    const clients = await Promise.all(
      Array.from({ length: 8 }, (_, i) => log.openClient(clientOptions(`app-${i}`, i, [subtopology(0, ['input'])]))),
    )
    for (let round = 0; round < 5; round++) {
      const outcomes = clients.map((client, i) => {
        append(client.producer, 'shared', 0, `${i}`, `${round}`)
        append(client.producer, 'shared', 1, `${i}`, `${round}`)
        const offsets = new PartitionMap<CommittedOffset>().set('input', 0, { offset: round, metadata: '' })
        return client.commit(offsets)
      })
      expect(await Promise.all(outcomes)).toEqual(clients.map(() => 'committed'))
    }
    for (const partition of [0, 1]) {
      const records = await committedRecords(log, 'shared', partition)
      expect(records.map((record) => record.offset)).toEqual(Array.from({ length: 40 }, (_, i) => i))
      expect(new Set(records.map((record) => `${record.key} ${record.value}`)).size).toBe(40)
    }
    await log.close()
  })

  it('gives a topic another id after the log was deleted and created again', async () => {
    const ids = new Set<string | undefined>()
    for (let round = 0; round < 2; round++) {
      const log = await embeddedLog({ directory, engine })
      await log.createTopics([{ name: 'topic', partitions: 1 }])
      ids.add((await log.describeTopics(['topic'])).get('topic')?.id)
      await log.close()
      rmSync(directory, { recursive: true })
    }
    expect(ids.size).toBe(2)
  })
})

describe('the directory of an embedded log', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-log-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  it('is refused and left alone if it holds something else', async () => {
    writeFileSync(join(directory, 'thesis.txt'), 'years of work')
    await expect(embeddedLog({ directory })).rejects.toMatchObject({
      code: 'MR_STATE_FOREIGN',
      message: expect.stringContaining('thesis.txt'),
    })
    expect(readFileSync(join(directory, 'thesis.txt'), 'utf8')).toBe('years of work')
  })

  it('is refused if its format is newer or another engine was asked for', async () => {
    const log = await embeddedLog({ directory, engine: 'level' })
    await log.close()
    await expect(embeddedLog({ directory, engine: 'rocksdb' })).rejects.toMatchObject({ code: 'MR_STATE_ENGINE' })
    const marker = join(directory, 'millrace-log.json')
    const text = readFileSync(marker, 'utf8')
    writeFileSync(marker, text.replace('"format":1', '"format":2'))
    await expect(embeddedLog({ directory })).rejects.toMatchObject({
      code: 'MR_STATE_FOREIGN',
      message: expect.stringContaining('format 2'),
    })
    writeFileSync(marker, text)
    await (await embeddedLog({ directory })).close()
  })

  it.each(ENGINES)(
    'is opened with everything in it, and a warning, if its marker is damaged or gone (%s)',
    async (engine) => {
      const log = await embeddedLog({ directory, engine })
      await log.createTopics([{ name: 'words', partitions: 1 }])
      await fill(log, 'words', ['a', 'b'])
      await log.close()
      const marker = join(directory, 'millrace-log.json')
      const text = readFileSync(marker, 'utf8')
      for (const damaged of ['', '{"kind":', '[]', text.replace(engine, 'lmdb'), undefined]) {
        if (damaged === undefined) rmSync(marker)
        else writeFileSync(marker, damaged)
        const warnings: string[] = []
        const opened = await embeddedLog({ directory, logger: { warn: (_, message) => warnings.push(message) } })
        expect(warnings).toEqual([expect.stringContaining('millrace-log.json is missing or damaged')])
        expect((await opened.listOffsets([place('words')], 'latest')).get('words', 0)).toBe(2)
        await opened.close()
        expect(readFileSync(marker, 'utf8')).toBe(text)
      }
    },
  )

  it('is opened whatever its logger does: what that refuses is a warning of the process', async () => {
    const log = await embeddedLog({ directory })
    await log.close()
    const emitted: string[] = []
    const onWarning = ({ message }: Error): void => void emitted.push(message)
    process.on('warning', onWarning)
    const refuse = (): never => {
      throw new Error('the logger is broken')
    }
    for (const warn of [refuse, async () => refuse()]) {
      rmSync(join(directory, 'millrace-log.json'))
      emitted.length = 0
      await (await embeddedLog({ directory, logger: { warn } })).close()
      await vi.waitFor(() => expect(emitted).toEqual([expect.stringContaining('millrace-log.json is missing')]))
    }
    process.off('warning', onWarning)
  })

  it('is not taken for a new one if only the file of its ends is left', async () => {
    const log = await embeddedLog({ directory })
    await log.createTopics([{ name: 'words', partitions: 1 }])
    await fill(log, 'words', ['a', 'b'])
    await log.close()
    rmSync(join(directory, 'millrace-log.json'))
    rmSync(join(directory, 'data'), { recursive: true })
    await expect(embeddedLog({ directory })).rejects.toMatchObject({
      code: 'MR_STATE_CORRUPT',
      message: expect.stringContaining('2 records are missing'),
    })
  })
})

it('takes nothing more after a failed write: the commit throws, and readers see none of it', async () => {
  const engine = memoryEngine.open('')
  const storage = new EmbeddedStorage(engine, 'log', true)
  const log = new LocalLog(storage, systemClock, storage.load())
  await log.createTopics([{ name: 'topic', partitions: 1 }])
  await fill(log, 'topic', ['before'])
  engine.write = () => {
    throw new MillraceError('MR_STATE_IO', 'no space left')
  }
  await expect(fill(log, 'topic', ['lost'])).rejects.toMatchObject({ code: 'MR_LOG_FAILED' })
  await expect(fill(log, 'topic', ['refused'])).rejects.toMatchObject({ code: 'MR_LOG_FAILED' })
  expect(await committedRecords(log, 'topic', 0)).toMatchObject([{ value: 'before' }])
  await log.close()
})

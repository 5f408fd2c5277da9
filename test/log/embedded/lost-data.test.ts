import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { embeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import type { EmbeddedLogOptions } from '../../../src/log/embedded/embedded-log.ts'
import { PartitionMap } from '../../../src/log/log.ts'
import type { CommittedOffset, Log } from '../../../src/log/log.ts'
import { ManualClock } from '../../../src/platform/manual-clock.ts'
import { append, clientOptions, committedRecords, subtopology } from '../log-harness.ts'
import { recordingLogger } from '../../runtime/support/state-case.ts'

const ENDS = 'millrace-log-ends.json'
const RECORDS = 600
const HALF = RECORDS / 2
const VALUE = 'v'.repeat(500)
const TOPICS = [
  { name: 'orders', partitions: 2 },
  { name: 'totals', partitions: 1, configs: { 'cleanup.policy': 'compact' } },
]

async function fill(log: Log, from: number, to: number): Promise<void> {
  const producer = log.openProducer()
  for (let i = from; i < to; i++) {
    append(producer, 'orders', i % 2, `key-${i}`, `${i} ${VALUE}`, i)
    append(producer, 'totals', 0, `key-${i % 10}`, `${i}`, i)
    if (i % 50 === 49) await producer.flush()
  }
  await producer.close()
}

/** Reads the numbers of all orders. */
async function ordersIn(log: Log): Promise<number[]> {
  const records = [...(await committedRecords(log, 'orders', 0)), ...(await committedRecords(log, 'orders', 1))]
  return records.map(({ timestamp }) => timestamp).sort((left, right) => left - right)
}

async function idsIn(directory: string): Promise<unknown> {
  const log = await embeddedLog({ directory, acceptLoss: false })
  const topics = await log.describeTopics(TOPICS.map(({ name }) => name))
  await log.close()
  return topics
}

const upTo = (end: number, from = 0): number[] => Array.from({ length: end - from }, (_, i) => from + i)

/** Returns a hash of every file except locks and LevelDB's own log: a log that was refused must stay as it is. */
function contentOf(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  const files = names.filter((name) => statSync(join(directory, name)).isFile() && !/(LOCK|LOG|LOG\.old)$/.test(name))
  return Object.fromEntries(
    files.map((name) => [
      name,
      createHash('sha1')
        .update(readFileSync(join(directory, name)))
        .digest('hex'),
    ]),
  )
}

describe.each(['rocksdb', 'level'] as const)('an embedded log in %s that lost data', (engine) => {
  let whole: string
  let directory: string
  beforeAll(async () => {
    whole = mkdtempSync(join(tmpdir(), 'millrace-whole-'))
    // The second opening writes the first half into tables; the second half stays in the write-ahead log.
    for (const [from, to] of [
      [0, HALF],
      [HALF, RECORDS],
    ] as const) {
      const log = await embeddedLog({ directory: whole, engine })
      await log.createTopics(TOPICS)
      await fill(log, from, to)
      await log.close()
    }
  })
  afterAll(() => rmSync(whole, { recursive: true, force: true }))
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-lost-'))
    cpSync(whole, directory, { recursive: true })
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  const data = (): string => join(directory, 'data')
  const file = (pattern: RegExp): string =>
    join(
      data(),
      readdirSync(data()).find((name) => pattern.test(name))!,
    )
  const isTable = /\.(sst|ldb)$/
  /** Names of tables, in the order in which they were written. */
  const tables = (): string[] =>
    readdirSync(data())
      .filter((name) => isTable.test(name))
      .toSorted()
  const ofTables = (at: string): Record<string, string> =>
    Object.fromEntries(Object.entries(contentOf(at)).filter(([name]) => isTable.test(name)))
  /** Names of tables with records: in a small one, a bit of the index would be hit. */
  const large = (): string[] => tables().filter((name) => statSync(join(data(), name)).size > 50_000)
  const flip = (path: string, at: number): void => {
    const bytes = readFileSync(path)
    bytes[at]! ^= 4
    writeFileSync(path, bytes)
  }
  const changeEnds = (change: (ends: Record<string, unknown>) => object): void => {
    const path = join(directory, ENDS)
    writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')))))
  }
  const open = (more: Partial<EmbeddedLogOptions> = {}): Promise<Log> => embeddedLog({ directory, engine, ...more })

  /** Expects that the log is refused with what is missing, and left as it is. */
  async function expectRefused(...said: readonly string[]): Promise<void> {
    const before = contentOf(directory)
    const error: unknown = await open().catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      code: 'MR_STATE_CORRUPT',
      message: expect.stringContaining(directory),
      hint: expect.stringMatching(/acceptLoss: true.*--accept-loss/),
    })
    for (const text of said) expect(String(error)).toContain(text)
    expect(contentOf(directory)).toEqual(before)
  }

  async function openAccepting(): Promise<{ log: Log; warnings: readonly string[] }> {
    const { logger, warnings } = recordingLogger()
    return { log: await open({ acceptLoss: true, logger }), warnings }
  }

  /** Expects that the log opens without a warning, now and later, has these orders, and takes more. */
  async function expectGoesOn(orders: readonly number[]): Promise<void> {
    const { log, warnings } = await openAccepting()
    expect(warnings).toEqual([])
    expect(await ordersIn(log)).toEqual(orders)
    await fill(log, 900_000, 900_050)
    await log.close()
    const again = await open()
    expect(await ordersIn(again)).toEqual([...orders, ...upTo(900_050, 900_000)])
    await again.close()
  }

  it('opens if it lost nothing', async () => {
    const log = await open()
    expect(await ordersIn(log)).toEqual(upTo(RECORDS))
    await log.close()
  })

  it.each(['missing', 'empty'])(
    'is refused if its data is %s, and begins again if losses are accepted',
    async (how) => {
      rmSync(data(), { recursive: true })
      if (how === 'empty') mkdirSync(data())
      await expectRefused(
        `data/ is ${how}`,
        'orders-0 is gone, 300 is recorded',
        'totals-0 is gone, 600 is recorded',
        '1200 records are missing',
      )
      const { log, warnings } = await openAccepting()
      expect(warnings).toEqual([expect.stringMatching(/without what it lost.* 1200 .*orders-1 ends at 0/)])
      expect(await log.listTopics()).toEqual(['orders', 'totals'])
      await log.close()
      await expectGoesOn([])
    },
  )

  it('is refused if a version that kept no record of its ends wrote it, and its data is gone', async () => {
    rmSync(join(directory, ENDS))
    rmSync(data(), { recursive: true })
    await expectRefused('data/ is missing')
  })

  it('is refused without CURRENT, although an engine takes it for a new database', async () => {
    rmSync(join(data(), 'CURRENT'))
    await expectRefused('CURRENT is missing')
    rmSync(join(directory, ENDS))
    await expectRefused('CURRENT is missing')
  })

  it.each([0.25, 0.5, 0.75])(
    'is refused if its manifest was cut at %d, and goes on with what the engine can read',
    async (part) => {
      const manifest = file(/^MANIFEST/)
      const { size } = statSync(manifest)
      truncateSync(manifest, Math.floor(size * part))
      await expectRefused(`has ${Math.floor(size * part)} of ${size} bytes`)
      const before = contentOf(data())
      const { log, warnings } = await openAccepting()
      expect(warnings).toHaveLength(1)
      expect(warnings[0]).toMatch(/without what it lost/)
      const left = await ordersIn(log)
      await log.close()
      expect(contentOf(join(directory, 'damaged-1'))).toEqual(before)
      await expectGoesOn(left)
    },
  )

  it('is refused if any bit of its write-ahead log flipped', async () => {
    const path = file(/\.log$/)
    const { size } = statSync(path)
    for (const at of [0, 5, size >> 1, size - 20_000]) {
      flip(path, at)
      await expectRefused('.log is damaged at byte')
      flip(path, at)
    }
    // At the end of the file, damage looks like a write that was cut short; but the log was closed.
    flip(path, size - 3)
    await expectRefused('.log is damaged at byte')
  })

  it('goes on without the records that a flipped bit took if losses are accepted, and says how many', async () => {
    const path = file(/\.log$/)
    flip(path, statSync(path).size >> 1)
    const { log, warnings } = await openAccepting()
    const left = await ordersIn(log)
    expect(left.length).toBeLessThan(RECORDS)
    expect(left.slice(0, HALF)).toEqual(upTo(HALF))
    expect(warnings).toEqual([
      expect.stringMatching(/without what it lost.*\.log is damaged.*orders-0 (ends at|lacks)/),
    ])
    await log.close()
    await expectGoesOn(left)
  })

  it('is refused if its write-ahead log was cut or is gone', async () => {
    const path = file(/\.log$/)
    const { size } = statSync(path)
    truncateSync(path, size - 1)
    await expectRefused(`has ${size - 1} of ${size} bytes`)
    rmSync(path)
    await expectRefused(`has 0 of ${size} bytes`, 'orders-0 ends at 150, 300 is recorded', '600 records are missing')
  })

  it('is refused if a table is gone, and begins again if losses are accepted', async () => {
    rmSync(file(/\.(sst|ldb)$/))
    await expectRefused('orders-0 to 300, orders-1 to 300, totals-0 to 600')
    const before = contentOf(data())
    const { log, warnings } = await openAccepting()
    expect(warnings).toEqual([expect.stringMatching(/without what it lost.* 1200 .*orders-1 ends at 0/)])
    await log.close()
    expect(contentOf(join(directory, 'damaged-1'))).toEqual(before)
    await expectGoesOn([])
  })

  it('never shows a record whose bits flipped in a table', async () => {
    const path = file(/\.(sst|ldb)$/)
    flip(path, statSync(path).size >> 2)
    const log = await open()
    await expect(ordersIn(log)).rejects.toMatchObject({
      code: expect.stringMatching(/^MR_(CORRUPT_BATCH|STATE_CORRUPT)$/),
      topic: 'orders',
      partition: expect.any(Number),
      offset: expect.any(Number),
      hint: expect.stringContaining('backup'),
    })
    await log.close()
  })

  it('is refused if its last records cannot be read, and goes on with the rest if losses are accepted', async () => {
    // The opening writes all of it into tables.
    await (await open()).close()
    const path = join(data(), tables().at(-1)!)
    const { size } = statSync(path)
    for (let at = size >> 1; at < size - 2000; at += 500) flip(path, at)
    const before = ofTables(data())
    await expect(open()).rejects.toMatchObject({
      code: 'MR_STATE_CORRUPT',
      message: expect.stringMatching(/cannot be read.*orders-0 to 300, orders-1 to 300, totals-0 to 600/),
      hint: expect.stringContaining('--accept-loss'),
    })
    expect(ofTables(data())).toEqual(before)
    const { log, warnings } = await openAccepting()
    const left = await ordersIn(log)
    expect(left.slice(0, HALF)).toEqual(upTo(HALF))
    expect(left.length).toBeGreaterThanOrEqual(RECORDS - HALF / 2)
    const ended = (await log.listOffsets([{ topic: 'orders', partition: 1 }], 'latest')).get('orders', 1)
    // New records get offsets that no record had.
    expect(ended).toBe(RECORDS / 2)
    expect(warnings).toEqual([expect.stringMatching(/without what it lost.*orders-1 ends at \d+, 300 is recorded/)])
    await log.close()
    expect(contentOf(join(directory, 'damaged-1'))).toMatchObject(before)
    await expectGoesOn(left)
  })

  /** Writes all of the log into tables of several openings, as large logs have them, and a group's offsets. */
  async function inTables(): Promise<void> {
    const log = await open()
    const client = await log.openClient(clientOptions('app', 1, [subtopology(0, ['orders'])]))
    await client.commit(new PartitionMap<CommittedOffset>().set('orders', 0, { offset: 123, metadata: 'm' }))
    await log.close()
    await (await open()).close()
  }

  it.each([0.1, 0.25, 0.5, 0.75])(
    'goes on without the records around a flipped bit at %d of each table if losses are accepted, and says which',
    async (part) => {
      await inTables()
      const ids = await idsIn(directory)
      for (const name of large()) flip(join(data(), name), Math.floor(statSync(join(data(), name)).size * part))
      const warnings: object[] = []
      const log = await open({ acceptLoss: true, logger: { warn: (fields) => warnings.push(fields) } })
      const left = await ordersIn(log)
      const totals = (await committedRecords(log, 'totals', 0)).length
      expect(warnings).toEqual([
        {
          directory,
          damage: expect.stringMatching(/checksum|damage/),
          records: 2 * RECORDS - left.length - totals,
          partitions: expect.arrayContaining([expect.stringMatching(/^(orders|totals)-\d lacks \d+ to \d+$/)]),
          kept: join(directory, 'damaged-1'),
        },
      ])
      // One block of each of the two tables is lost.
      expect(left.length).toBeGreaterThanOrEqual(RECORDS - 2 * 50)
      expect(left.length + totals).toBeLessThan(2 * RECORDS)
      const client = await log.openClient(clientOptions('app', 1, [subtopology(0, ['orders'])]))
      const committed = await client.committed([{ topic: 'orders', partition: 0 }])
      expect(committed.get('orders', 0)).toEqual({ offset: 123, metadata: 'm' })
      await log.close()
      expect(await idsIn(directory)).toEqual(ids)
      await expectGoesOn(left)
    },
  )

  it('begins again if its engine cannot be opened, gives no offset twice, and keeps the old data', async () => {
    await inTables()
    rmSync(join(data(), tables()[0]!))
    const before = contentOf(data())
    const { log, warnings } = await openAccepting()
    expect(warnings).toEqual([
      expect.stringMatching(/without what it lost.* 1200 .*orders-1 ends at 0.*committed offsets/),
    ])
    const producer = log.openProducer()
    append(producer, 'orders', 0, 'key', 'value', 7)
    await producer.flush()
    expect(await committedRecords(log, 'orders', 0)).toMatchObject([{ offset: 300, timestamp: 7 }])
    await producer.close()
    await log.close()
    expect(contentOf(join(directory, 'damaged-1'))).toEqual(before)
  })

  it('is refused if the index of a table is damaged, which would make LevelDB end the process', async () => {
    await inTables()
    const [first] = large()
    const path = join(data(), first!)
    // The index lies before the footer.
    for (let back = 60; back < 400; back += 10) flip(path, statSync(path).size - back)
    await expectRefused(engine === 'level' ? `the index of ${first} is damaged` : 'cannot be read')
    const { log, warnings } = await openAccepting()
    // LevelDB is repaired without the table; RocksDB cannot be opened.
    const left = engine === 'level' ? upTo(RECORDS, HALF) : []
    expect(await ordersIn(log)).toEqual(left)
    const said =
      engine === 'level' ? / 600 orders-0 lacks 0 to 149,.*totals-0 lacks 0 to 299/ : / 1200 orders-0 ends at 0/
    expect(warnings).toEqual([expect.stringMatching(said)])
    expect(warnings[0]).toContain('committed offsets may be missing')
    await log.close()
    await expectGoesOn(left)
  })

  it('is read as a whole and left as it is if losses are accepted and it lost nothing', async () => {
    await inTables()
    const { log, warnings } = await openAccepting()
    expect(warnings).toEqual([])
    await log.close()
    expect(readdirSync(directory).toSorted()).toEqual(['data', ENDS, 'millrace-log.json'])
    await expectGoesOn(upTo(RECORDS))
  })

  /** Kills a process that salvages the log when a file is there, or lets it end. @returns true if it was killed */
  async function salvageUntil(file: string): Promise<boolean> {
    const script = fileURLToPath(new URL('./open-accepting.ts', import.meta.url))
    const child = spawn(process.execPath, [...process.execArgv, script, engine, directory], { stdio: 'inherit' })
    let hasEnded = false
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve((hasEnded = true) as never)))
    let isKilled = false
    while (!hasEnded && !isKilled) {
      if (existsSync(join(directory, file))) isKilled = child.kill('SIGKILL')
      else await new Promise((resolve) => setImmediate(resolve))
    }
    await ended
    return isKilled
  }

  it('is unchanged after a process was killed that salvaged it, and is salvaged by the next', async () => {
    await inTables()
    for (const name of large()) flip(join(data(), name), statSync(join(data(), name)).size >> 1)
    const before = ofTables(data())
    expect(await salvageUntil('millrace-log-salvage/to/CURRENT')).toBe(true)
    expect(ofTables(data())).toEqual(before)
    const { log, warnings } = await openAccepting()
    const left = await ordersIn(log)
    expect(left.length).toBeGreaterThanOrEqual(RECORDS - 2 * 50)
    expect(warnings).toEqual([expect.stringContaining('damaged-1')])
    expect(ofTables(join(directory, 'damaged-1'))).toEqual(before)
    await log.close()
    expect(readdirSync(directory).toSorted()).toEqual(['damaged-1', 'data', ENDS, 'millrace-log.json'])
    await expectGoesOn(left)
  })

  it('has its old data or all of the salvaged data, wherever the exchange of the two was cut short', async () => {
    await inTables()
    for (const name of large()) flip(join(data(), name), statSync(join(data(), name)).size >> 1)
    const work = join(directory, 'millrace-log-salvage')
    const damaged = mkdtempSync(join(tmpdir(), 'millrace-lost-'))
    cpSync(directory, damaged, { recursive: true })
    const { log } = await openAccepting()
    const left = await ordersIn(log)
    await log.close()
    const salvaged = mkdtempSync(join(tmpdir(), 'millrace-lost-'))
    cpSync(directory, salvaged, { recursive: true })
    const from = (source: string, name: string, to: string): void =>
      cpSync(join(source, name), join(directory, to), { recursive: true })
    const old = (to: string): void => from(damaged, 'data', to)
    const fresh = (to: string): void => from(salvaged, 'data', to)
    const inWork = (name: string): string => `millrace-log-salvage/${name}`
    const states: [string, boolean, () => void][] = [
      ['before it', false, () => [old('data'), fresh(inWork('to')), from(salvaged, ENDS, inWork(ENDS))]],
      ['without data', false, () => [old(inWork('replaced')), fresh(inWork('to')), from(salvaged, ENDS, inWork(ENDS))]],
      ['with new data', false, () => [old(inWork('replaced')), fresh('data'), from(salvaged, ENDS, inWork(ENDS))]],
      [
        'while it is undone',
        false,
        () => [old(inWork('replaced')), fresh(inWork('undone')), from(salvaged, ENDS, inWork(ENDS))],
      ],
      ['when it was undone', false, () => [old('data'), fresh(inWork('undone')), from(salvaged, ENDS, inWork(ENDS))]],
      ['done', true, () => [old(inWork('replaced')), fresh('data'), from(salvaged, ENDS, ENDS)]],
    ] as never
    for (const [name, isDone, make] of states) {
      rmSync(directory, { recursive: true })
      mkdirSync(work, { recursive: true })
      from(damaged, 'millrace-log.json', 'millrace-log.json')
      from(damaged, ENDS, ENDS)
      make()
      const opened = await openAccepting()
      expect([name, await ordersIn(opened.log), opened.warnings.length]).toEqual([name, left, isDone ? 0 : 1])
      await opened.log.close()
      expect([name, readdirSync(directory).toSorted()]).toEqual([
        name,
        ['damaged-1', 'data', ENDS, 'millrace-log.json'],
      ])
      expect(ofTables(join(directory, 'damaged-1'))).toEqual(ofTables(join(damaged, 'data')))
    }
    for (const each of [damaged, salvaged]) rmSync(each, { recursive: true })
  })

  it('is reported as in use, not as damaged, and not copied, while another process writes it', async () => {
    rmSync(directory, { recursive: true })
    const script = fileURLToPath(new URL('./commit-forever.ts', import.meta.url))
    const child = spawn(process.execPath, [...process.execArgv, script, engine, directory], { stdio: 'pipe' })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    child.stdout.resume()
    for (let attempt = 0; attempt < 60; attempt++) {
      const error: unknown = await open({ acceptLoss: attempt % 2 === 0 }).catch((caught: unknown) => caught)
      expect(error).toMatchObject({ code: 'MR_STATE_LOCKED', message: expect.stringContaining(directory) })
    }
    expect(
      readdirSync(directory)
        .filter((name) => !name.startsWith(ENDS))
        .toSorted(),
    ).toEqual(['data', 'millrace-log.json'])
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('close', resolve))
  })

  it('is refused if it is shorter than recorded, even if its files look sound', async () => {
    changeEnds((ends) => ({ ...ends, topics: [{ name: 'orders', number: 1, ends: [300, 301], configs: {} }] }))
    await expect(open()).rejects.toMatchObject({
      code: 'MR_STATE_CORRUPT',
      message: expect.stringContaining('orders-1 ends at 300, 301 is recorded; 1 records are missing'),
      topic: 'orders',
      partition: 1,
      offset: 300,
    })
  })

  it('is refused if its data belongs to another log', async () => {
    changeEnds((ends) => ({ ...ends, id: 'another' }))
    await expect(open()).rejects.toMatchObject({
      code: 'MR_STATE_CORRUPT',
      message: expect.stringContaining('holds another log'),
    })
  })

  it('is refused if the file of its ends is damaged, and goes on if losses are accepted', async () => {
    writeFileSync(join(directory, ENDS), '{"format":1,')
    await expectRefused(ENDS)
    const { log, warnings } = await openAccepting()
    expect(warnings).toEqual([expect.stringContaining('what the log had is not known')])
    expect(await ordersIn(log)).toEqual(upTo(RECORDS))
    await log.close()
    await expectGoesOn(upTo(RECORDS))
  })

  it('is opened with a warning and counts if it was not synced and the machine was started since', async () => {
    rmSync(file(/\.log$/))
    changeEnds((ends) => ({ ...ends, fsync: false, boot: 'another' }))
    const { logger, warnings } = recordingLogger()
    const log = await open({ logger, fsync: false })
    expect(warnings).toEqual([expect.stringMatching(/machine stopped.* 600 .*orders-0 ends at 150, 300 is recorded/)])
    expect(await ordersIn(log)).toEqual(upTo(HALF))
    await log.close()
    const again = await open({ logger })
    expect(warnings).toHaveLength(1)
    await again.close()
  })

  it('is refused if it was synced, whether the machine was started since or not', async () => {
    rmSync(file(/\.log$/))
    changeEnds((ends) => ({ ...ends, boot: 'another' }))
    await expect(open()).rejects.toMatchObject({
      code: 'MR_STATE_CORRUPT',
      message: expect.stringContaining('ends at'),
    })
  })

  it('does not count deleted topics and deleted records as lost', async () => {
    const log = await open()
    await log.deleteRecords(new PartitionMap<number>().set('orders', 0, 300))
    await log.deleteTopics(['totals'])
    copyFileSync(join(directory, ENDS), join(directory, 'ends-before-the-end'))
    await log.close()
    copyFileSync(join(directory, 'ends-before-the-end'), join(directory, ENDS))
    const again = await open()
    expect(await again.listTopics()).toEqual(['orders'])
    await again.close()
  })

  it('does not count a topic as lost whose creation was cut short', async () => {
    const log = await open()
    const created = log.createTopics([{ name: 'new', partitions: 1 }])
    // A deletion writes the file of ends at once, while the engine does not have the new topic yet.
    const deleted = log.deleteTopics(['totals'])
    const killed = mkdtempSync(join(tmpdir(), 'millrace-lost-'))
    cpSync(directory, killed, { recursive: true })
    await Promise.all([created, deleted])
    await log.close()
    const again = await embeddedLog({ directory: killed, engine })
    expect(await again.listTopics()).toEqual(['orders', 'totals'])
    await again.close()
    rmSync(killed, { recursive: true })
  })

  it('lets the process go on, and deletes nothing, if the cleaner finds records that cannot be read', async () => {
    rmSync(directory, { recursive: true })
    const old = { name: 'old', partitions: 1, configs: { 'retention.ms': '1000' } }
    const other = { name: 'other', partitions: 1, configs: { 'retention.ms': '1000' } }
    const clock = new ManualClock(1e9)
    const log = await open({ clock })
    await log.createTopics([old, other])
    const producer = log.openProducer()
    for (let i = 0; i < 300; i++) {
      append(producer, 'old', 0, 'key', VALUE, i * 1000)
      append(producer, 'other', 0, 'key', '', i * 1000)
      if (i % 50 === 49) await producer.flush()
    }
    await producer.close()
    await log.close()
    await (await open({ clock })).close()
    const path = file(/\.(sst|ldb)$/)
    flip(path, statSync(path).size >> 2)
    const { logger, warnings } = recordingLogger()
    const damaged = await open({ clock, logger })
    for (let step = 0; step < 10; step++) {
      clock.advance(5)
      await damaged.createTopics([])
    }
    expect(warnings).toEqual([expect.stringMatching(/cannot be read, so it is not cleaned up any more.*old/)])
    const starts = await damaged.listOffsets(
      ['old', 'other'].map((topic) => ({ topic, partition: 0 })),
      'earliest',
    )
    expect(starts.get('old', 0)).toBe(0)
    expect(starts.get('other', 0)).toBeGreaterThan(200)
    await damaged.close()
  })
})

it('records its ends at most a second late, so that a process that is killed leaves them', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-killed-'))
  const script = fileURLToPath(new URL('./commit-forever.ts', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, script, 'rocksdb', directory], { stdio: 'pipe' })
  let last = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => (last = Number(text.trim().split('\n').at(-1))))
  const recorded = (): number => {
    if (!existsSync(join(directory, ENDS))) return 0
    const { topics }: { topics: { name: string; ends: number[] }[] } = JSON.parse(
      readFileSync(join(directory, ENDS), 'utf8'),
    )
    return topics.find(({ name }) => name === 'output')?.ends.reduce((sum, end) => sum + end, 0) ?? 0
  }
  await expect.poll(() => last, { timeout: 30_000 }).toBeGreaterThan(0)
  const seen = last
  await expect.poll(recorded, { timeout: 1_500 + 1_000 }).toBeGreaterThanOrEqual(seen)
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('close', resolve))
  expect(recorded()).toBeLessThanOrEqual(last + 17)
  await (await embeddedLog({ directory })).close()
  rmSync(directory, { recursive: true })
})

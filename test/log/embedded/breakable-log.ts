import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { embeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import type { EmbeddedLogOptions } from '../../../src/log/embedded/embedded-log.ts'
import type { EngineName } from '../../../src/engine/engine.ts'
import { PartitionMap } from '../../../src/log/log.ts'
import type { CommittedOffset, Log } from '../../../src/log/log.ts'
import { append, clientOptions, committedRecords, subtopology } from '../log-harness.ts'
import { recordingLogger } from '../../runtime/support/state-case.ts'

export const ENDS = 'millrace-log-ends.json'
export const RECORDS = 600
export const HALF = RECORDS / 2
export const VALUE = 'v'.repeat(500)
const TOPICS = [
  { name: 'orders', partitions: 2 },
  { name: 'totals', partitions: 1, configs: { 'cleanup.policy': 'compact' } },
]

export async function fill(log: Log, from: number, to: number): Promise<void> {
  const producer = log.openProducer()
  for (let i = from; i < to; i++) {
    append(producer, 'orders', i % 2, `key-${i}`, `${i} ${VALUE}`, i)
    append(producer, 'totals', 0, `key-${i % 10}`, `${i}`, i)
    if (i % 50 === 49) await producer.flush()
  }
  await producer.close()
}

/** Reads the numbers of all orders. */
export async function ordersIn(log: Log): Promise<number[]> {
  const records = [...(await committedRecords(log, 'orders', 0)), ...(await committedRecords(log, 'orders', 1))]
  return records.map(({ timestamp }) => timestamp).sort((left, right) => left - right)
}

export async function idsIn(directory: string): Promise<unknown> {
  const log = await embeddedLog({ directory, acceptLoss: false })
  const topics = await log.describeTopics(TOPICS.map(({ name }) => name))
  await log.close()
  return topics
}

export const upTo = (end: number, from = 0): number[] => Array.from({ length: end - from }, (_, i) => from + i)

/** Returns a hash of every file except locks and LevelDB's own log: a log that was refused must stay as it is. */
export function contentOf(directory: string): Record<string, string> {
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

/**
 * Writes a log once, and gives each test a copy of it to damage.
 *
 * @returns what the tests do with it; `directory` is the current copy's
 */
export function breakableLog(engine: EngineName) {
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

  /** Writes all of the log into tables of several openings, as large logs have them, and a group's offsets. */
  async function inTables(): Promise<void> {
    const log = await open()
    const client = await log.openClient(clientOptions('app', 1, [subtopology(0, ['orders'])]))
    await client.commit(new PartitionMap<CommittedOffset>().set('orders', 0, { offset: 123, metadata: 'm' }))
    await log.close()
    await (await open()).close()
  }

  return {
    directory: () => directory,
    data,
    file,
    tables,
    ofTables,
    large,
    flip,
    changeEnds,
    open,
    expectRefused,
    openAccepting,
    expectGoesOn,
    inTables,
  }
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { json, storeRef, Streams, string, topic, TopicWriter } from 'millrace'
import { windowStore, windowStoreRef } from 'millrace'
import type { AppConfig, Application, KeyValueView, Log, WatchedRow, WatchedWindow } from 'millrace'
import { TopologyTestDriver } from '../../src/testing/index.ts'
import { cities, everyKind, history, logOfEveryKind, minutes, prices, visits, words, write } from './every-kind.ts'

const payments = topic('payments', { key: string(), value: json<number>() })
const pairs = topic('pairs', { key: string(), value: json<number>() })
const values = { key: string(), value: json<number>() }
const twins = windowStoreRef('twins', values)
const totals = storeRef('totals', { key: string(), value: json<number>() })

/** A payment that goes wrong the first time. */
const POISON = -1
let isPoisoned = false

function app(config: Partial<AppConfig> = {}): Application {
  return everyKind(config, (builder) => {
    const paid = builder
      .stream(payments)
      .peek((cents) => {
        if (cents !== POISON || !isPoisoned) return
        isPoisoned = false
        throw new RangeError('poison')
      })
      .groupByKey()
    // A payment of nothing closes the account.
    paid.aggregate(
      (): number => 0,
      (total, cents) => (cents === 0 ? null : total + cents) as number,
      { store: totals },
    )
    const readings = windowStore('twins', { ...values, windowSize: '1m', retention: '1h', retainDuplicates: true })
    builder.stream(pairs).process(() => ({ process() {} }), { stores: [readings] })
  })
}

let directory = ''
let log: Log
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-watch-'))
  log = await logOfEveryKind(payments, pairs)
})
afterEach(async () => {
  await log.close()
  rmSync(directory, { recursive: true, force: true })
})

async function pay(...records: readonly (readonly [string, number])[]): Promise<void> {
  await using writer = await TopicWriter.open(log, payments)
  for (const [key, cents] of records) writer.write(key, cents, { timestamp: 0 })
  await writer.flush()
}

const start = (config: Partial<AppConfig> = {}): Promise<Streams> =>
  Streams.start(app(config), { log, stateDirectory: directory })

/** For machines that are busy. */
const timeout = '60s'

/** Reads until what was shown last of each key is this. Returns all that was shown. */
async function readTo<V>(
  watch: AsyncIterableIterator<WatchedRow<string, V>>,
  wanted: Readonly<Record<string, V>>,
  last = new Map<string, V>(),
): Promise<WatchedRow<string, V>[]> {
  const shown: WatchedRow<string, V>[] = []
  const isThere = (): boolean =>
    last.size === Object.keys(wanted).length && Object.entries(wanted).every(([key, value]) => last.get(key) === value)
  while (!isThere()) {
    const { value, done } = await watch.next()
    if (done === true) throw new Error('the watch has ended')
    shown.push(value)
    if (value.value === undefined) last.delete(value.key)
    else last.set(value.key, value.value)
  }
  return shown
}

/** Windows or sessions that a watch has shown. */
class Shown {
  readonly rows: WatchedWindow<string, number>[] = []
  readonly #watch: AsyncIterableIterator<WatchedWindow<string, number>>
  readonly #last = new Map<string, number>()

  constructor(watch: AsyncIterableIterator<WatchedWindow<string, number>>) {
    this.#watch = watch
  }

  /** Reads until these are all that there are. */
  async reach(wanted: readonly string[]): Promise<void> {
    const shown = (): string =>
      [...this.#last]
        .map(([place, value]) => `${place}: ${value}`)
        .sort()
        .join()
    while (shown() !== [...wanted].sort().join()) {
      const { value: row, done } = await this.#watch.next()
      if (done === true) throw new Error('the watch has ended')
      this.rows.push(row)
      const place = `${row.key} ${row.start}-${row.end}`
      if (row.value === undefined) this.#last.delete(place)
      else this.#last.set(place, row.value)
    }
  }

  async end(): Promise<void> {
    await this.#watch.return!()
  }
}

describe.each([
  ['exactly_once', 1],
  ['exactly_once', 2],
  ['at_least_once', 2],
] as const)('a watch, %s, with %i threads,', (guarantee, threads) => {
  test('shows the value now, then each change', async () => {
    await using streams = await start({ guarantee, threads })
    const watch = streams.store(totals).watch({ key: 'alice', timeout })
    expect((await watch.next()).value).toMatchObject({ key: 'alice', value: undefined, timestamp: -1 })
    const next = watch.next()
    await pay(['alice', 5], ['bob', 1])
    expect((await next).value).toMatchObject({ key: 'alice', value: 5, timestamp: 0 })
    await pay(['bob', 1], ['alice', 2])
    expect((await watch.next()).value).toMatchObject({ key: 'alice', value: 7 })
    await pay(['alice', 0])
    expect((await watch.next()).value).toMatchObject({ key: 'alice', value: undefined })
    await watch.return!()
    expect(await watch.next()).toEqual({ done: true, value: undefined })
  })

  test('is of keys with a prefix, or of all, in all partitions', async () => {
    await pay(['a1', 1], ['a2', 2], ['b1', 3], ['b2', 4])
    await using streams = await start({ guarantee, threads })
    const all = streams.store(totals).watch({ timeout })
    const some = streams.store(totals).watch({ prefix: 'a', timeout })
    await readTo(all, { a1: 1, a2: 2, b1: 3, b2: 4 })
    await readTo(some, { a1: 1, a2: 2 })
    await pay(['a2', 0], ['b2', 1], ['a3', 7])
    const last = new Map([
      ['a1', 1],
      ['a2', 2],
    ])
    const shown = await readTo(some, { a1: 1, a3: 7 }, last)
    expect(new Set(shown.map(({ key }) => key))).toEqual(new Set(['a2', 'a3']))
    await readTo(
      all,
      { a1: 1, b1: 3, b2: 5, a3: 7 },
      new Map([
        ['a1', 1],
        ['a2', 2],
        ['b1', 3],
        ['b2', 4],
      ]),
    )
    await Promise.all([all.return!(), some.return!()])
  })

  test('is of versioned stores and of global tables, too', async () => {
    await write(log, prices, ['tea', '3'])
    await write(log, cities, ['ulm', 'Danube'], ['bonn', 'Rhine'])
    await using streams = await start({ guarantee, threads })
    const tea = streams.store(history).watch({ timeout })
    const rivers = streams.store<KeyValueView<string, string>>('cities').watch({ timeout })
    await readTo(tea, { tea: '3' })
    await readTo(rivers, { ulm: 'Danube', bonn: 'Rhine' })
    await write(log, prices, ['tea', '4'], ['rum', '9'])
    await write(log, cities, ['ulm', null], ['bern', 'Aare'])
    await readTo(tea, { tea: '4', rum: '9' }, new Map([['tea', '3']]))
    await readTo(
      rivers,
      { bonn: 'Rhine', bern: 'Aare' },
      new Map([
        ['ulm', 'Danube'],
        ['bonn', 'Rhine'],
      ]),
    )
    await Promise.all([tea.return!(), rivers.return!()])
  })

  test('is of windows and of sessions, of a key, of a time, or of all', async () => {
    await write(log, words, ['ann', 'x', 0], ['ann', 'x', 61_000], ['bob', 'x', 0])
    await using streams = await start({ guarantee, threads })
    const ofAnn = streams.store(minutes).watch({ key: 'ann', timeout })
    const early = streams.store(minutes).watch({ to: new Date(0), timeout })
    const visited = streams.store(visits).watch({ timeout })
    const byWindow = new Shown(ofAnn)
    const byStart = new Shown(early)
    const bySession = new Shown(visited)
    await byWindow.reach(['ann 0-60000: 1', 'ann 60000-120000: 1'])
    await byStart.reach(['ann 0-60000: 1', 'bob 0-60000: 1'])
    await bySession.reach(['ann 0-0: 1', 'ann 61000-61000: 1', 'bob 0-0: 1'])
    // The two sessions become one: those that there were go.
    await write(log, words, ['ann', 'x', 30_000], ['ann', 'x', 40_000])
    await byWindow.reach(['ann 0-60000: 3', 'ann 60000-120000: 1'])
    await byStart.reach(['ann 0-60000: 3', 'bob 0-60000: 1'])
    await bySession.reach(['ann 0-61000: 4', 'bob 0-0: 1'])
    const gone = bySession.rows.filter(({ value }) => value === undefined)
    expect(gone.map(({ key, start, end }) => `${key} ${start}-${end}`)).toEqual(
      expect.arrayContaining(['ann 0-0', 'ann 61000-61000']),
    )
    await Promise.all([ofAnn.return!(), early.return!(), visited.return!()])
  })

  test('shows windows and sessions that have expired without a value', async () => {
    const hour = 3_600_000
    await write(log, words, ['ann', 'x', 0])
    await using streams = await start({ guarantee, threads })
    const byWindow = new Shown(streams.store(minutes).watch({ key: 'ann', timeout }))
    const bySession = new Shown(streams.store(visits).watch({ key: 'ann', timeout }))
    await byWindow.reach(['ann 0-60000: 1'])
    await bySession.reach(['ann 0-0: 1'])
    await write(log, words, ['ann', 'x', 5 * hour])
    await byWindow.reach([`ann ${5 * hour}-${5 * hour + 60_000}: 1`])
    await bySession.reach([`ann ${5 * hour}-${5 * hour}: 1`])
    for (const { rows } of [byWindow, bySession]) {
      expect(rows.find(({ value }) => value === undefined)).toMatchObject({ key: 'ann', start: 0, timestamp: -1 })
    }
    await Promise.all([byWindow.end(), bySession.end()])
  })

  test('goes on when the task is opened again elsewhere, with what is new and what is gone', async () => {
    await pay(['a1', 1], ['a2', 2], ['b1', 3])
    await using streams = await start({ guarantee, threads, onUncaughtError: 'replaceThread' })
    const watch = streams.store(totals).watch({ timeout })
    const last = new Map<string, number>()
    await readTo(watch, { a1: 1, a2: 2, b1: 3 }, last)
    isPoisoned = true
    await pay(['a1', POISON], ['a2', POISON], ['b1', POISON])
    const shown = await readTo(watch, { a1: 0, a2: 1, b1: 2 }, last)
    expect(isPoisoned).toBe(false)
    // Nothing comes twice, although all rows were read again.
    expect(shown.map(({ key }) => key).toSorted()).toEqual(['a1', 'a2', 'b1'])
    isPoisoned = true
    await pay(['a1', 0], ['a1', POISON], ['a2', POISON], ['b1', POISON])
    await readTo(watch, { a1: -1, a2: 0, b1: 1 }, last)
    await watch.return!()
  })
})

test('ends with its loop, by its signal, and with the application', async () => {
  await pay(['a', 1])
  const streams = await start()
  const store = streams.store(totals)
  for await (const { value } of store.watch({ prefix: 'a', timeout })) if (value === 1) break

  const abort = new AbortController()
  const aborted = store.watch({ signal: abort.signal, timeout })
  await aborted.next()
  const waiting = aborted.next()
  abort.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')

  const left = store.watch({ timeout })
  await left.next()
  const pending = left.next()
  await left.return!()
  expect(await pending).toEqual({ done: true, value: undefined })

  const until = store.watch({ timeout })
  await until.next()
  const last = until.next()
  await streams.close()
  await expect(last).rejects.toMatchObject({ code: 'MR_CLOSED' })
  await expect(until.next()).resolves.toMatchObject({ done: true })
})

test('goes on from a position, in one partition, and refuses what it cannot do', async () => {
  await pay(['a', 1])
  await using streams = await start()
  const store = streams.store(totals)
  const watch = store.watch({ key: 'a', timeout })
  const [row] = await readTo(watch, { a: 1 })
  const { partition, position } = row!
  await watch.return!()
  const [again] = await readTo(store.watch({ prefix: 'a', partition, at: position, timeout }), { a: 1 })
  expect(again).toMatchObject({ partition, position })
  const ahead = store.watch({ key: 'a', at: { payments: { [partition]: 2 } }, timeout: 50 })
  await expect(ahead.next()).rejects.toMatchObject({ code: 'MR_QUERY_BEHIND' })
  await expect(store.watch({ partition: 3, timeout }).next()).rejects.toMatchObject({ code: 'MR_QUERY_PARTITION' })
  expect(() => store.watch({ key: 7 as never })).toThrow(expect.objectContaining({ code: 'MR_QUERY_KEY' }))
  for (const options of [{ key: 'a', prefix: 'a' }, { prefix: 7 }, { keys: 'a' }]) {
    expect(() => store.watch(options as never)).toThrow(expect.objectContaining({ code: 'MR_CONFIG' }))
  }
  for (const options of [{ prefix: 'a' }, { from: 'monday' }, { from: Number.NaN }]) {
    const watching = (): unknown => streams.store(minutes).watch(options as never)
    expect(watching).toThrow(expect.objectContaining({ code: 'MR_CONFIG' }))
  }
  await expect(streams.store(twins).watch({ timeout }).next()).rejects.toMatchObject({ code: 'MR_QUERY_KIND' })
})

test.each(['exactly_once', 'at_least_once'] as const)('is of the test driver, too, %s', async (guarantee) => {
  await using driver = new TopologyTestDriver(app({ guarantee }), { partitions: 3 })
  const watch = driver.query(totals).watch({ prefix: 'a' })
  const input = driver.input(payments)
  input.pipe('a', 1, { timestamp: 0 })
  expect((await watch.next()).value).toMatchObject({ key: 'a', value: 1 })
  input.pipe('b', 1, { timestamp: 0 })
  input.pipe('a', 2, { timestamp: 1 })
  input.pipe('a', 3, { timestamp: 2 })
  // What lies between the last look and this one is left out.
  expect((await watch.next()).value).toMatchObject({ key: 'a', value: 6, timestamp: 2 })
  await watch.return!()
})

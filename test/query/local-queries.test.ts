import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { defineApp, json, storeRef, Streams, string, windowStoreRef } from '../../src/index.ts'
import type { Application, KeyValueView, Log } from '../../src/index.ts'
import { LocalMember } from '../../src/log/local/local-member.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'
import { until } from '../server/support.ts'
import {
  all,
  cities,
  counts,
  everyKind,
  history,
  logOfEveryKind,
  minutes,
  prices,
  visits,
  words,
  write,
} from './every-kind.ts'

const app = (guarantee: 'exactly_once' | 'at_least_once', threads = 1): Application => everyKind({ guarantee, threads })

let directory = ''
let log: Log
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-queries-'))
  log = await logOfEveryKind()
})
afterEach(async () => {
  await log.close()
  rmSync(directory, { recursive: true, force: true })
})

describe.each(['exactly_once', 'at_least_once'] as const)('a running application, %s,', (guarantee) => {
  test.each([1, 2])('answers what its stores hold, of whatever kind they are, with %i threads', async (threads) => {
    const minute = 60_000
    await write(
      log,
      words,
      ['a', 'x', 0],
      ['b', 'x', 10],
      ['a', 'x', 20],
      ['a', 'x', minute + 1],
      ['c', 'x', 5 * minute],
    )
    await write(log, cities, ['ulm', 'Danube', 0])
    await write(log, prices, ['tea', '3', 0], ['tea', '4', 1000], ['rum', '9', 0])
    await using streams = await Streams.start(app(guarantee, threads), { log, stateDirectory: directory })
    await until(async () => (await streams.store(counts).get('c')) === 1)
    await until(
      async () =>
        (await streams.store(history).get('tea')) === '4' && (await streams.store(history).get('rum')) === '9',
    )

    const store = streams.store(counts)
    expect(await store.get('a')).toBe(3)
    expect(await store.get('nobody')).toBeUndefined()
    expect(await store.read('b')).toMatchObject({ value: 1, timestamp: 10, role: 'active', lag: 0 })
    expect(await all(store.range())).toMatchObject([
      { key: 'a', value: 3 },
      { key: 'b', value: 1 },
      { key: 'c', value: 1 },
    ])
    expect((await all(store.range({ from: 'b', reverse: true }))).map(({ key }) => key)).toEqual(['c', 'b'])
    expect((await all(store.range({ limit: 2 }))).map(({ key }) => key)).toEqual(['a', 'b'])
    expect((await all(store.prefix('a'))).map(({ key }) => key)).toEqual(['a'])

    const window = streams.store(minutes)
    expect(await window.get('a', 0)).toBe(2)
    expect(await window.get('a', new Date(minute))).toBe(1)
    expect(await all(window.fetch('a'))).toMatchObject([
      { key: 'a', start: 0, end: minute, value: 2 },
      { key: 'a', start: minute, end: 2 * minute, value: 1 },
    ])
    expect((await all(window.fetch('a', { from: 1 }))).map(({ start }) => start)).toEqual([minute])
    expect(new Set((await all(window.range())).map(({ key, start }) => `${key}${start / minute}`))).toEqual(
      new Set(['a0', 'a1', 'b0', 'c5']),
    )

    const sessions = streams.store(visits)
    expect(await all(sessions.sessions('a'))).toMatchObject([
      { start: 0, end: 20, value: 2 },
      { start: minute + 1, end: minute + 1, value: 1 },
    ])

    const versions = streams.store(history)
    expect(await versions.get('tea', { asOf: 500 })).toBe('3')
    expect((await all(versions.versions('tea'))).map(({ value, validTo }) => [value, validTo])).toEqual([
      ['3', 1000],
      ['4', undefined],
    ])
    expect((await all(versions.range())).map(({ key }) => key)).toEqual(['rum', 'tea'])

    const rivers = streams.store<KeyValueView<string, string>>('cities')
    expect(await rivers.read('ulm')).toMatchObject({ value: 'Danube', role: 'global' })
  })
})

test('the test driver is asked as a running application is, and sees the last commit', async () => {
  await using driver = new TopologyTestDriver(app('exactly_once'), { partitions: 3 })
  const input = driver.input(words)
  for (const key of ['a', 'b', 'a', 'c']) input.pipe(key, 'x', { timestamp: 0 })
  expect(await driver.query(counts).read('a')).toMatchObject({ value: 2, consistency: 'committed', age: 0 })
  expect((await all(driver.query(counts).range())).map(({ key, value }) => [key, value])).toEqual([
    ['a', 2],
    ['b', 1],
    ['c', 1],
  ])
  expect(await driver.query(minutes).get('b', 0)).toBe(1)
  await driver.restart({ keepState: false })
  expect(await driver.query(counts).get('a')).toBe(2)
  expect(() => driver.query(windowStoreRef('counts', { key: string(), value: json() }))).toThrow(
    expect.objectContaining({ code: 'MR_QUERY_KIND' }),
  )
})

test('a process that may have lost its place in its group does not answer: its tasks may run elsewhere', async () => {
  await write(log, words, ['a', 'x', 0])
  await using streams = await Streams.start(app('exactly_once'), { log, stateDirectory: directory })
  await until(async () => (await streams.store(counts).get('a')) === 1)
  const isCurrent = vi.spyOn(LocalMember.prototype, 'isCurrent', 'get').mockReturnValue(false)
  await expect(streams.store(counts).get('a', { timeout: 30 })).rejects.toMatchObject({ code: 'MR_QUERY_NOT_OWNER' })
  await expect(streams.store(counts).get('a', { role: 'any', timeout: 30 })).rejects.toThrow()
  isCurrent.mockRestore()
  expect(await streams.store(counts).get('a')).toBe(1)
})

test('a reference of another kind than the store that an operator makes is refused, and so is half a reference', () => {
  const build = (store: string) =>
    defineApp({
      id: 'kinds',
      build: (builder) => void builder.stream(words).groupByKey().count({ store }),
    }).topology()
  const refused = expect.objectContaining({ code: 'MR_TOPOLOGY_STORE_OPTION' })
  expect(() => build(minutes as never)).toThrow(refused)
  expect(() => build(history as never)).toThrow(refused)
  expect(() => storeRef('', { key: string(), value: string() })).toThrow(refused)
  expect(() => storeRef('half', { key: string() } as never)).toThrow(refused)
})

test.each(['exactly_once', 'at_least_once'] as const)(
  'who gives the place behind a record that was written sees it, %s, and an unknown place is waited for in vain',
  async (guarantee) => {
    await using streams = await Streams.start(app(guarantee), { log, stateDirectory: directory })
    const store = streams.store(counts)
    const { partition } = await store.read('a')
    for (let n = 1; n <= 20; n++) {
      await write(log, words, ['a', 'x', n])
      expect(await store.read('a', { at: { words: { [partition]: n } } })).toMatchObject({
        value: n,
        position: { words: { [partition]: n } },
      })
    }
    const at = { words: { [partition]: 21 } }
    await expect(store.get('a', { at, timeout: 100 })).rejects.toMatchObject({ code: 'MR_QUERY_BEHIND' })
    await expect(store.get('a', { at: { cities: { 0: 1 } } })).rejects.toMatchObject({ code: 'MR_QUERY_POSITION' })
    await expect(store.get('a', { at: { words: 1 } as never })).rejects.toMatchObject({ code: 'MR_CONFIG' })
  },
)

import { afterEach, describe, expect, test } from 'vitest'
import { int32, json, string } from '../../src/serde/serdes.ts'
import { KeyValueEntryStore } from '../../src/state/key-value/key-value-entry-store.ts'
import type { AskedRows, PrefetchedRows } from '../../src/state/prefetchable.ts'
import type { KeyValueState, PeriodState, SessionState, VersionedState, WindowState } from '../../src/state/states.ts'
import { memoryEngine } from '../../src/engine/memory/memory-engine.ts'
import { Random } from './support/random.ts'
import { readingBeside } from './support/reading-beside.ts'
import {
  ENGINES,
  keyValueSpec,
  periodSpec,
  sessionSpec,
  StateHarness,
  versionedSpec,
  windowSpec,
} from './support/state-harness.ts'

/*
 * Each store against the simplest model that could be right, through random puts, look-ups, scans, commits, evictions
 * and crashes. What was logged must restore an equal store.
 */

type Value = { n: number; list: number[] }

let harness: StateHarness | undefined
let restored: StateHarness | undefined
afterEach(async () => {
  await harness?.close()
  await restored?.close()
  harness = restored = undefined
})

const KEYS = [
  '',
  'a',
  'aa',
  'ab',
  'b',
  'a\u0000',
  'a\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0001',
  'é',
  'z'.repeat(40),
]
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

function drain<C extends { next(): boolean; close(): void }, T>(cursor: C, read: (cursor: C) => T): T[] {
  const rows: T[] = []
  try {
    while (cursor.next()) rows.push(structuredClone(read(cursor)))
  } finally {
    cursor.close()
  }
  return rows
}

/** A model, and its state at the last commit. */
class Model<T> {
  now: T
  #committed: T
  constructor(initial: T) {
    this.now = initial
    this.#committed = structuredClone(initial)
  }
  commit(): void {
    this.#committed = structuredClone(this.now)
  }
  crash(): void {
    this.now = structuredClone(this.#committed)
  }
}

async function turn(random: Random, model: Model<unknown>, h: StateHarness): Promise<void> {
  const dice = random.next()
  if (dice < 0.03) {
    await h.commit()
    model.commit()
  } else if (dice < 0.04) {
    await h.reopen()
    model.crash()
  } else if (dice < 0.05) {
    h.state.discard()
    model.crash()
  } else if (dice < 0.09) h.state.trimCache()
}

/** The engines, and one that also looks up beside its thread, too late half of the time. */
const beside = new Random(4)
const ALL_ENGINES = [...ENGINES, readingBeside(memoryEngine, () => beside.chance(0.5))]

for (const [i, engine] of ALL_ENGINES.entries()) {
  const rounds = engine.name === 'memory' ? 1500 : 500
  describe(`on ${engine.name}${i < ENGINES.length ? '' : ', which looks up beside its thread'}`, () => {
    for (const timestamped of [true, false]) {
      for (const seed of [1, 2, 3]) {
        test(`a key-value store (timestamps: ${timestamped}) is a map in key order, seed ${seed}`, async () => {
          const random = new Random(seed)
          const spec = keyValueSpec({ timestamped, value: json<Value>() })
          const h = (harness = await StateHarness.open([spec], engine, { residentBytes: 600 }))
          const model = new Model(new Map<string, { value: Value; timestamp: number }>())
          const shown = (from?: string, to?: string) =>
            [...model.now]
              .filter(
                ([key]) =>
                  (from === undefined || byBytes(key, from) >= 0) && (to === undefined || byBytes(key, to) <= 0),
              )
              .sort(([a], [b]) => byBytes(a, b))
              .map(([key, { value, timestamp }]) => ({ key, value, timestamp: timestamped ? timestamp : -1 }))
          const read = (cursor: { key: string; value: Value; timestamp: number }) => {
            const { key, value, timestamp } = cursor
            return { key, value, timestamp }
          }
          let pending: AskedRows | undefined
          let rows: PrefetchedRows | undefined
          for (let i = 0; i < rounds; i++) {
            const state: KeyValueState<string, Value> = h.at(i).store()
            const key = random.pick(KEYS)
            const dice = random.next()
            if (dice < 0.25) {
              const value = { n: i, list: [i] }
              state.put(key, value, i)
              model.now.set(key, structuredClone({ value, timestamp: i }))
            } else if (dice < 0.4) {
              // An aggregator that changes its argument.
              const entry = state.get(key)
              const value = entry?.value ?? { n: 0, list: [] }
              value.list.push(i)
              state.put(key, value, i)
              model.now.set(key, structuredClone({ value, timestamp: i }))
            } else if (dice < 0.5) {
              state.put(key, null, i)
              model.now.delete(key)
            } else if (dice < 0.8) {
              const entry = state.get(key)
              const expected = model.now.get(key)
              expect(entry?.value).toEqual(expected?.value)
              if (timestamped) expect(entry?.timestamp).toBe(expected?.timestamp)
            } else if (dice < 0.83) {
              if (!(state instanceof KeyValueEntryStore)) throw new TypeError('not the store that can be prefetched')
              const looked = [...KEYS, key]
              rows?.release()
              if (random.chance(0.3)) rows = state.prefetch(looked)
              else if (pending === undefined) pending = state.ask(looked)
              else {
                if (random.chance(0.9)) rows = pending.take()
                else pending.drop()
                pending = undefined
              }
            } else if (dice < 0.9) {
              const [from, to] = [
                random.chance(0.3) ? undefined : random.pick(KEYS),
                random.chance(0.3) ? undefined : random.pick(KEYS),
              ]
              expect(drain(state.range(from, to, false), read)).toEqual(shown(from, to))
              expect(drain(state.range(from, to, true), read)).toEqual(shown(from, to).reverse())
            } else if (dice < 0.93) {
              const rows = drain(state.prefix(Buffer.from(key)), read)
              expect(rows).toEqual(shown().filter((row) => Buffer.from(row.key).indexOf(Buffer.from(key)) === 0))
            }
            await turn(random, model, h)
          }
          await h.commit()
          const r = (restored = await StateHarness.open([spec], engine))
          await r.replay(h.log)
          expect(drain(r.store<KeyValueState<string, Value>>().range(undefined, undefined, false), read)).toEqual(
            shown(),
          )
          h.state.discard()
          expect(h.state.dirtyBytes).toBe(0)
          expect(h.state.cleanBytes).toBeCloseTo(0)
        })
      }
    }

    for (const persistent of [true, false]) {
      for (const timeOrdered of [true, false]) {
        for (const seed of [1, 2]) {
          test(`windows (on disk: ${persistent}, by time: ${timeOrdered}) obey retention, seed ${seed}`, async () => {
            const random = new Random(seed)
            const retention = 150_000
            const spec = windowSpec({ persistent, timeOrdered, retention, value: json<Value>() })
            const h = (harness = await StateHarness.open([spec], engine, { residentBytes: 600, compatible: false }))
            interface Row {
              key: string
              start: number
              value: Value
              timestamp: number
            }
            const model = new Model({ observed: -1, rows: new Map<string, Row>() })
            const visible = (from: number, to: number) =>
              [...model.now.rows.values()]
                .filter(({ start }) => start >= from && start <= to && start > model.now.observed - retention)
                .sort((a, b) => a.start - b.start || byBytes(a.key, b.key))
            const read = ({ key, start, value, timestamp }: Row): Row => ({ key, start, value, timestamp })
            let drops = 0
            let time = 0
            for (let i = 0; i < rounds; i++) {
              const state: WindowState<string, Value> = h.at(i).store()
              time += random.below(2000)
              const key = random.pick(KEYS)
              const start = Math.max(0, time - (random.chance(0.8) ? random.below(20_000) : random.below(400_000)))
              const dice = random.next()
              if (dice < 0.45) {
                const seen = state.get(key, start)?.value
                const deletes = random.chance(0.15)
                const value = seen ?? { n: i, list: [] }
                value.list.push(i)
                state.put(key, start, deletes ? null : value, i)
                model.now.observed = Math.max(model.now.observed, start)
                const { observed } = model.now
                const segment = (at: number) => Math.max(0, Math.floor(at / 75_000))
                const taken = persistent
                  ? segment(start) >= segment(observed - retention)
                  : start > observed - retention
                if (!taken) drops++
                else if (deletes) model.now.rows.delete(`${start} ${key}`)
                else model.now.rows.set(`${start} ${key}`, structuredClone({ key, start, value, timestamp: i }))
              } else if (dice < 0.6) {
                const row = visible(start, start).find((each) => each.key === key)
                expect(state.get(key, start)?.value).toEqual(row?.value)
              } else if (dice < 0.8) {
                const to = random.chance(0.3) ? Infinity : start + random.below(30_000)
                const rows = visible(start, to).filter((row) => row.key === key)
                expect(drain(state.fetch(key, start, to, false), read)).toEqual(rows)
                expect(drain(state.fetch(key, start, to, true), read)).toEqual(rows.reverse())
              } else if (dice < 0.9) {
                const to = random.chance(0.3) ? Infinity : start + random.below(100_000)
                expect(drain(state.fetchAll(start, to, false), read)).toEqual(visible(start, to))
                if (random.chance(0.3))
                  expect(drain(state.fetchAll(start, to, true), read)).toEqual(visible(start, to).reverse())
              }
              expect(state.observedTime).toBe(model.now.observed)
              await turn(random, model, h)
            }
            expect(h.drops.length).toBe(drops)
            await h.commit()
            const r = (restored = await StateHarness.open([spec], engine, { compatible: false }))
            await r.replay(h.log)
            const again: WindowState<string, Value> = r.store()
            expect(again.observedTime).toBeLessThanOrEqual(model.now.observed)
            expect(drain(again.fetchAll(model.now.observed - retention + 1, Infinity, false), read)).toEqual(
              visible(0, Infinity),
            )
          })
        }
      }
    }

    test('a window store with duplicates keeps every put, oldest first', async () => {
      const random = new Random(7)
      const retention = 100_000
      const spec = windowSpec({ retainDuplicates: true, timestamped: false, retention, key: int32(), value: string() })
      const h = (harness = await StateHarness.open([spec], engine, { residentBytes: 900 }))
      const model = new Model({ observed: -1, rows: [] as { key: number; start: number; value: string }[] })
      let time = 0
      for (let i = 0; i < rounds; i++) {
        const state: WindowState<number, string> = h.at(i).store()
        time += random.below(1000)
        const key = random.below(4)
        const start = Math.max(0, time - random.below(20_000))
        if (random.chance(0.6)) {
          state.put(key, start, `v${i}`, -1)
          model.now.observed = Math.max(model.now.observed, start)
          model.now.rows.push({ key, start, value: `v${i}` })
        } else {
          const to = start + random.below(20_000)
          const rows = model.now.rows
            .filter(
              (row) =>
                row.key === key && row.start >= start && row.start <= to && row.start > model.now.observed - retention,
            )
            .sort((a, b) => a.start - b.start)
          const cursor = state.fetch(key, start, to, false)
          expect(drain(cursor, ({ key: k, start: s, value }) => ({ key: k, start: s, value }))).toEqual(rows)
        }
        await turn(random, model, h)
      }
    })

    for (const persistent of [true, false]) {
      for (const timeOrdered of [true, false]) {
        test(`a session store (persistent: ${persistent}, by time: ${timeOrdered}) finds what overlaps`, async () => {
          const random = new Random(11)
          const retention = 150_000
          const spec = sessionSpec({ persistent, timeOrdered, retention, value: json<Value>() })
          const h = (harness = await StateHarness.open([spec], engine, { residentBytes: 600 }))
          interface Row {
            key: string
            start: number
            end: number
            value: Value
          }
          const model = new Model({ observed: -1, rows: new Map<string, Row>() })
          const visible = () =>
            [...model.now.rows.values()]
              .filter(({ end }) => end > model.now.observed - retention)
              .sort((a, b) => a.end - b.end || a.start - b.start || byBytes(a.key, b.key))
          const read = ({ key, start, end, value }: Row): Row => ({ key, start, end, value })
          let time = 0
          for (let i = 0; i < rounds; i++) {
            const state: SessionState<string, Value> = h.at(i).store()
            time += random.below(2000)
            const key = random.pick(KEYS)
            const end = Math.max(0, time - random.below(30_000))
            const start = Math.max(0, end - random.below(5) * 1000)
            const dice = random.next()
            if (dice < 0.4) {
              const value = { n: i, list: [] }
              state.put(key, start, end, value)
              model.now.observed = Math.max(model.now.observed, end)
              model.now.rows.set(`${start} ${end} ${key}`, structuredClone({ key, start, end, value }))
            } else if (dice < 0.55) {
              const row = random.chance(0.8) && visible().length > 0 ? random.pick(visible()) : { key, start, end }
              expect(state.get(row.key, row.start, row.end)).toEqual(
                model.now.rows.get(`${row.start} ${row.end} ${row.key}`)?.value,
              )
              state.put(row.key, row.start, row.end, null)
              model.now.observed = Math.max(model.now.observed, row.end)
              model.now.rows.delete(`${row.start} ${row.end} ${row.key}`)
            } else if (dice < 0.8) {
              const latestStart = end + random.below(5000)
              const rows = visible().filter((row) => row.key === key && row.end >= start && row.start <= latestStart)
              expect(drain(state.findSessions(key, start, latestStart, false), read)).toEqual(rows)
              expect(drain(state.findSessions(key, start, latestStart, true), read)).toEqual(rows.reverse())
            } else if (dice < 0.9) {
              const to = start + random.below(60_000)
              const rows = visible().filter((row) => row.end >= start && row.end <= to)
              expect(drain(state.findByEnd(start, to, false), read)).toEqual(rows)
            }
            await turn(random, model, h)
          }
          await h.commit()
          const r = (restored = await StateHarness.open([spec], engine))
          await r.replay(h.log)
          const from = Math.max(0, model.now.observed - retention + 1)
          expect(drain(r.store<SessionState<string, Value>>().findByEnd(from, Infinity, false), read)).toEqual(
            visible(),
          )
        })

        test(`a period store (persistent: ${persistent}, by time: ${timeOrdered}) finds what overlaps`, async () => {
          const random = new Random(12)
          const retention = 150_000
          const spec = periodSpec({ persistent, timeOrdered, retention, value: json<Value>() })
          const h = (harness = await StateHarness.open([spec], engine, { residentBytes: 600 }))
          interface Row {
            key: string
            start: number
            end: number
            value: Value
            timestamp: number
          }
          const model = new Model({ observed: -1, rows: new Map<string, Row>() })
          const visible = () =>
            [...model.now.rows.values()]
              .filter(({ end }) => end > model.now.observed - retention)
              .sort((a, b) => a.end - b.end || a.start - b.start || byBytes(a.key, b.key))
          const read = ({ key, start, end, value, timestamp }: Row): Row => ({ key, start, end, value, timestamp })
          let time = 0
          for (let i = 0; i < rounds; i++) {
            const state: PeriodState<string, Value> = h.at(i).store()
            time += random.below(2000)
            const key = random.pick(KEYS)
            const end = Math.max(0, time - random.below(30_000))
            const start = Math.max(0, end - random.below(5) * 1000)
            const dice = random.next()
            if (dice < 0.4) {
              const value = { n: i, list: [] }
              state.put(key, start, end, value, i)
              model.now.observed = Math.max(model.now.observed, end)
              model.now.rows.set(`${start} ${end} ${key}`, structuredClone({ key, start, end, value, timestamp: i }))
            } else if (dice < 0.55) {
              const row = random.chance(0.8) && visible().length > 0 ? random.pick(visible()) : { key, start, end }
              const kept = model.now.rows.get(`${row.start} ${row.end} ${row.key}`)
              const found = state.get(row.key, row.start, row.end)
              expect(found?.value).toEqual(kept?.value)
              expect(found?.timestamp).toEqual(kept?.timestamp)
              state.put(row.key, row.start, row.end, null, i)
              model.now.observed = Math.max(model.now.observed, row.end)
              model.now.rows.delete(`${row.start} ${row.end} ${row.key}`)
            } else if (dice < 0.8) {
              const latestStart = end + random.below(5000)
              const rows = visible().filter((row) => row.key === key && row.end >= start && row.start <= latestStart)
              expect(drain(state.findOverlapping(key, start, latestStart, false), read)).toEqual(rows)
              expect(drain(state.findOverlapping(key, start, latestStart, true), read)).toEqual(rows.reverse())
            } else if (dice < 0.9) {
              const to = start + random.below(60_000)
              const rows = visible().filter((row) => row.end >= start && row.end <= to)
              expect(drain(state.findByEnd(start, to, false), read)).toEqual(rows)
            }
            await turn(random, model, h)
          }
          await h.commit()
          const r = (restored = await StateHarness.open([spec], engine))
          await r.replay(h.log)
          const from = Math.max(0, model.now.observed - retention + 1)
          expect(drain(r.store<PeriodState<string, Value>>().findByEnd(from, Infinity, false), read)).toEqual(visible())
        })
      }
    }

    for (const seed of [1, 2, 3]) {
      test(`a versioned store returns the right version for every time within its history, seed ${seed}`, async () => {
        const random = new Random(seed)
        const history = 150_000
        const spec = versionedSpec({ history, value: json<Value>() })
        const h = (harness = await StateHarness.open([spec], engine, { residentBytes: 600 }))
        type Versions = Map<number, Value | null>
        const model = new Model({ observed: -1, keys: new Map<string, Versions>() })
        const at = (key: string, asOf: number) => {
          const versions = [...(model.now.keys.get(key) ?? [])].sort(([a], [b]) => a - b)
          const found = versions.findLast(([from]) => from <= asOf)
          const latest = versions.at(-1)
          if (asOf < model.now.observed - history && found?.[0] !== latest?.[0]) return undefined
          const next = versions.find(([from]) => from > asOf)
          if (found === undefined || found[1] === null) return undefined
          return { value: found[1], timestamp: found[0], validTo: next?.[0] ?? Infinity }
        }
        const latest = () =>
          [...model.now.keys.keys()].sort(byBytes).flatMap((key) => {
            const found = at(key, Infinity)
            return found === undefined ? [] : [{ key, value: found.value, timestamp: found.timestamp }]
          })
        let time = 0
        for (let i = 0; i < rounds; i++) {
          const state: VersionedState<string, Value> = h.at(i).store()
          time += random.below(3000)
          const key = random.pick(KEYS)
          const timestamp = Math.max(0, time - (random.chance(0.7) ? random.below(5000) : random.below(250_000)))
          const dice = random.next()
          if (dice < 0.5) {
            const value = random.chance(0.2) ? null : { n: i, list: [] }
            const rejected = timestamp < model.now.observed - history
            const versions: Versions = model.now.keys.get(key) ?? new Map()
            const newest = Math.max(-1, ...versions.keys())
            const expected = rejected ? 'rejected' : timestamp >= newest ? 'latest' : 'historical'
            const answer = state.put(key, value, timestamp)
            if (expected === 'historical' && newest < model.now.observed - history) expect(answer).not.toBe('rejected')
            else expect(answer).toBe(expected)
            if (!rejected) {
              model.now.observed = Math.max(model.now.observed, timestamp)
              model.now.keys.set(key, versions.set(timestamp, structuredClone(value)))
            }
          } else if (dice < 0.65) expect(state.get(key)).toEqual(at(key, Infinity))
          else if (dice < 0.9) expect(state.getAsOf(key, timestamp)).toEqual(at(key, timestamp))
          else if (dice < 0.95) {
            const rows = drain(state.all(), ({ key: k, value, timestamp: t }) => ({ key: k, value, timestamp: t }))
            expect(rows).toEqual(latest())
          }
          await turn(random, model, h)
        }
        await h.commit()
        const r = (restored = await StateHarness.open([spec], engine))
        await r.replay(h.log)
        const again: VersionedState<string, Value> = r.store()
        for (const key of KEYS) {
          expect(again.get(key)).toEqual(at(key, Infinity))
          for (let back = 0; back <= history; back += 1777) {
            expect(again.getAsOf(key, model.now.observed - back)).toEqual(at(key, model.now.observed - back))
          }
        }
      })
    }
  })
}

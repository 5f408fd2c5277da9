import { afterEach, describe, expect, test, vi } from 'vitest'
import { memoryEngine } from '../../src/engine/memory/memory-engine.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import { levelEngine } from '../../src/engine/leveldb/level.ts'
import { json } from '../../src/serde/serdes.ts'
import type { Consistency, RowQuery, StoredRows } from '../../src/state/reads.ts'
import type {
  EntryCursor,
  KeyValueState,
  PeriodState,
  SessionState,
  StateStore,
  VersionedState,
  WindowState,
} from '../../src/state/states.ts'
import type { StoreSpec } from '../../src/topology/store-spec.ts'
import { Random } from './support/random.ts'
import {
  keyValueSpec,
  periodSpec,
  sessionSpec,
  StateHarness,
  versionedSpec,
  windowSpec,
} from './support/state-harness.ts'

/*
 * Stores change, commit, fail to commit, and are written to their engines or not, while somebody reads them. What a
 * reader sees is compared with what the store itself showed when the commit began.
 */

let harness: StateHarness | undefined
afterEach(async () => {
  await harness?.close()
  harness = undefined
})

const KEYS = ['', 'a', 'aa', 'ab', 'b', 'a\u0000', 'a\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0001', 'é']
const VALUES = json<{ n: number }>()
const SPAN = 300_000

interface Row {
  readonly key: string
  readonly value: unknown
  readonly timestamp: number
  readonly start: number
  readonly end: number
}

type Rows = readonly Row[]

interface Kind {
  readonly name: string
  readonly spec: StoreSpec
  put(store: StateStore, random: Random, n: number): void
  /** All that the store shows, in the order of a reader. */
  all(store: StateStore): Rows
  /** A query, and which of all rows are its answer. */
  query(random: Random): readonly [RowQuery, (row: Row, all: Rows) => boolean]
  readonly everything: RowQuery
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
const later = (random: Random, n: number): number => Math.max(0, n * 400 + random.below(120_000) - 60_000)
const valueOf = (random: Random, n: number) => (random.chance(0.25) ? null : { n })

function rowsOf<C extends EntryCursor<unknown, unknown>>(cursor: C, bounds: (cursor: C) => [number, number]): Row[] {
  const rows: Row[] = []
  while (cursor.next()) {
    const [start, end] = bounds(cursor)
    const { key, value, timestamp } = cursor
    rows.push({ key: key as string, value: structuredClone(value), timestamp, start, end })
  }
  cursor.close()
  return rows
}

function keyValueQuery(random: Random): readonly [RowQuery, (row: Row) => boolean] {
  const key = random.pick(KEYS)
  const other = random.pick(KEYS)
  const reverse = random.chance(0.5)
  switch (random.below(3)) {
    case 0:
      return [{ op: 'get', key: Buffer.from(key) }, (row) => row.key === key]
    case 1:
      return [
        { op: 'range', from: Buffer.from(key), to: Buffer.from(other), reverse },
        (row) => byBytes(row.key, key) >= 0 && byBytes(row.key, other) <= 0,
      ]
    default:
      return [{ op: 'prefix', prefix: Buffer.from(key), reverse }, (row) => row.key.startsWith(key)]
  }
}

const keyValue = (timestamped: boolean, caching: boolean): Kind => ({
  name: `a key-value store (timestamps: ${timestamped}, caching: ${caching})`,
  spec: keyValueSpec({ timestamped, caching, value: VALUES }),
  put: (store, random, n) =>
    (store as KeyValueState<string, unknown>).put(random.pick(KEYS), valueOf(random, n), later(random, n)),
  all: (store) => rowsOf((store as KeyValueState<string, unknown>).range(undefined, undefined, false), () => [-1, -1]),
  query: keyValueQuery,
  everything: { op: 'range', reverse: false },
})

/** Windows and sessions by segment, key and time. */
function inRowOrder(rows: Row[], timeOf: (row: Row) => number): Row[] {
  const segment = (row: Row): number => Math.floor(timeOf(row) / Math.max(SPAN / 2, 60_000))
  const bytes = (row: Row): Buffer => {
    const time = Buffer.alloc(8)
    time.writeBigInt64BE(BigInt(timeOf(row)))
    const start = Buffer.alloc(8)
    start.writeBigInt64BE(BigInt(row.start))
    return Buffer.concat([Buffer.from(row.key), time, start])
  }
  return rows.sort((a, b) => segment(a) - segment(b) || Buffer.compare(bytes(a), bytes(b)))
}

function windowsQuery(random: Random, n: number): Extract<RowQuery, { op: 'windows' }> {
  const from = random.chance(0.2) ? 0 : later(random, n)
  const to = random.chance(0.2) ? Number.MAX_SAFE_INTEGER : from + random.below(200_000) - 20_000
  const reverse = random.chance(0.5)
  const range = { op: 'windows', from, to, reverse } as const
  return random.chance(0.5) ? { ...range, key: Buffer.from(random.pick(KEYS)) } : range
}

const windows = (timestamped: boolean, caching: boolean): Kind => ({
  name: `a window store (timestamps: ${timestamped}, caching: ${caching})`,
  spec: windowSpec({ timestamped, caching, retention: SPAN, windowSize: 1000, value: VALUES }),
  put: (store, random, n) =>
    (store as WindowState<string, unknown>).put(
      random.pick(KEYS),
      Math.floor(later(random, n) / 1000) * 1000,
      valueOf(random, n),
      n,
    ),
  all: (store) =>
    inRowOrder(
      rowsOf((store as WindowState<string, unknown>).fetchAll(0, Number.MAX_SAFE_INTEGER, false), ({ start }) => [
        start,
        start + 1000,
      ]),
      ({ start }) => start,
    ),
  query: (random) => {
    const query = windowsQuery(random, random.below(1000))
    const key = query.key?.toString()
    return [query, (row) => (key ?? row.key) === row.key && row.start >= query.from && row.start <= query.to]
  },
  everything: { op: 'windows', from: 0, to: Number.MAX_SAFE_INTEGER, reverse: false },
})

type Spanned = SessionState<string, unknown> | PeriodState<string, unknown>

const spans = (kind: 'session' | 'period', caching: boolean): Kind => ({
  name: `a ${kind} store (caching: ${caching})`,
  spec: (kind === 'session' ? sessionSpec : periodSpec)({ caching, retention: SPAN, value: VALUES }),
  put: (store, random, n) => {
    const end = later(random, n)
    const start = Math.max(0, end - random.pick([0, 500, 5000]))
    ;(store as PeriodState<string, unknown>).put(random.pick(KEYS), start, end, valueOf(random, n), n)
  },
  all: (store) => {
    const rows = rowsOf((store as Spanned).findByEnd(0, Number.MAX_SAFE_INTEGER, false), ({ start, end }) => [
      start,
      end,
    ])
    return inRowOrder(kind === 'session' ? rows.map((row) => ({ ...row, timestamp: row.end })) : rows, ({ end }) => end)
  },
  query: (random) => {
    const query = windowsQuery(random, random.below(1000))
    const key = query.key?.toString()
    return [
      query,
      (row) => query.from <= query.to && (key ?? row.key) === row.key && row.end >= query.from && row.start <= query.to,
    ]
  },
  everything: { op: 'windows', from: 0, to: Number.MAX_SAFE_INTEGER, reverse: false },
})

const versioned: Kind = {
  name: 'a versioned store, of its latest versions',
  spec: versionedSpec({ history: SPAN, value: VALUES }),
  put: (store, random, n) =>
    void (store as VersionedState<string, unknown>).put(
      random.pick(KEYS),
      valueOf(random, n),
      Math.floor(later(random, n) / 5000) * 5000,
    ),
  all: (store) => rowsOf((store as VersionedState<string, unknown>).all(), ({ timestamp }) => [timestamp, Infinity]),
  query: keyValueQuery,
  everything: { op: 'range', reverse: false },
}

/** The first time as of which a version was shown. */
const shownFrom = new WeakMap<Row, number>()

const versions: Kind = {
  ...versioned,
  name: 'a versioned store, of one key',
  all: (store) => {
    const state = store as VersionedState<string, unknown>
    const rows: Row[] = []
    const latest = state.get('a')?.timestamp ?? 0
    for (let time = 0; time <= Math.max(latest, 600_000); time += 5000) {
      const version = state.getAsOf('a', time)
      if (version === undefined || rows.at(-1)?.start === version.timestamp) continue
      const { value, timestamp, validTo } = version
      const row = { key: 'a', value: structuredClone(value), timestamp, start: timestamp, end: validTo }
      shownFrom.set(row, time)
      rows.push(row)
    }
    return rows
  },
  query: (random) => {
    const from = Math.floor(later(random, random.below(1000)) / 5000) * 5000
    const to = random.chance(0.5) ? from : from + 5000 * random.below(10)
    return [
      { op: 'versions', key: Buffer.from('a'), from, to, reverse: random.chance(0.5) },
      (row) => shownFrom.get(row)! <= to && row.end > from,
    ]
  },
  everything: { op: 'versions', key: Buffer.from('a'), from: 0, to: Number.MAX_SAFE_INTEGER, reverse: false },
}

const kinds: readonly Kind[] = [
  keyValue(true, false),
  keyValue(false, true),
  windows(true, true),
  windows(false, false),
  spans('session', false),
  spans('session', true),
  spans('period', true),
  versioned,
  versions,
]

function read(h: StateHarness, query: RowQuery, consistency: Consistency): Row[] {
  return all(h.state.reads('store')!.open(query, consistency))
}

function all(rows: StoredRows): Row[] {
  const read: Row[] = []
  while (rows.next()) {
    if (!rows.isRow) continue
    const { key, value, timestamp, start, end } = rows
    read.push({ key: key.toString(), value: JSON.parse(value.toString()), timestamp, start, end })
  }
  rows.close()
  return read
}

function expectSeen(h: StateHarness, kind: Kind, random: Random, all: Rows, consistency: Consistency): void {
  const memory = [h.state.dirtyBytes, h.state.cleanBytes]
  expect(read(h, kind.everything, consistency)).toEqual(all)
  for (let i = 0; i < 3; i++) {
    const [query, isIn] = kind.query(random)
    const expected = all.filter((row) => isIn(row, all))
    const isReverse = 'reverse' in query && query.reverse
    const shown = read(h, query, consistency)
    const rows = isReverse ? expected.toReversed() : expected
    expect({ query, rows: shown }).toEqual({ query, rows })
    if (query.op !== 'windows' || rows.length === 0) continue
    const at = random.below(rows.length)
    const { key, start, end } = rows[at]!
    const after = { key: Buffer.from(key), start, end }
    expect({ query, after, rows: read(h, { ...query, after }, consistency) }).toEqual({
      query,
      after,
      rows: rows.slice(at + 1),
    })
  }
  expect([h.state.dirtyBytes, h.state.cleanBytes]).toEqual(memory)
}

for (const engine of [memoryEngine, rocksdbEngine, levelEngine]) {
  describe(`on ${engine.name}, reading`, () => {
    for (const kind of kinds) {
      test.each([1, 2])(
        `${kind.name} shows exactly the last commit, or the latest, and leaves nothing behind, seed %i`,
        async (seed) => {
          const random = new Random(seed)
          const options = { compatible: false, cacheBytes: kind.spec.caching ? 2_000 : 0, residentBytes: 4_000 }
          const h = (harness = await StateHarness.open([kind.spec], engine, options))
          let committed: Rows = []
          const rounds = engine === memoryEngine ? 1000 : 300
          for (let n = 0; n < rounds; n++) {
            h.at(n)
            kind.put(h.store(), random, n)
            if (random.chance(0.1)) h.state.trimCache()
            if (random.chance(0.9)) continue
            expectSeen(h, kind, random, kind.all(h.store()), 'latest')
            if (h.state.reads('store')!.observe()) expectSeen(h, kind, random, committed, 'committed')
            if (random.chance(0.3)) continue

            h.state.flushCaches()
            const begun = kind.all(h.store())
            h.state.logChanges(() => undefined)
            const isSeen = h.state.reads('store')!.observe()
            if (isSeen) expectSeen(h, kind, random, committed, 'committed')
            if (random.chance(0.5)) kind.put(h.store(), random, n)
            if (isSeen) expectSeen(h, kind, random, committed, 'committed')
            if (random.chance(0.1)) {
              h.state.discard()
              committed = kind.all(h.store())
              expectSeen(h, kind, random, committed, 'committed')
              continue
            }
            h.state.committed()
            committed = begun
            expectSeen(h, kind, random, committed, 'committed')
            expectSeen(h, kind, random, kind.all(h.store()), 'latest')
            if (random.chance(0.3)) {
              h.state.flushCaches()
              committed = kind.all(h.store())
              await h.state.write(new Map())
              expectSeen(h, kind, random, committed, 'committed')
            }
          }
        },
      )
    }
  })
}

test.each(kinds)('a scan of $name is of one moment, although the engine gets the rows meanwhile', async (kind) => {
  const random = new Random(1)
  const options = { compatible: false, cacheBytes: 0, residentBytes: 4_000 }
  const h = (harness = await StateHarness.open([kind.spec], rocksdbEngine, options))
  const change = (from: number): void => {
    for (let n = from; n < from + 50; n++) kind.put(h.at(n).store(), random, n)
    h.state.flushCaches()
    h.state.logChanges(() => undefined)
  }
  h.state.reads('store')!.observe()
  change(0)
  h.state.committed()
  const expected = read(h, kind.everything, 'committed')
  expect(expected.length).toBeGreaterThan(1)
  const rows = h.state.reads('store')!.open(kind.everything, 'committed')
  change(50)
  h.state.committed()
  await h.state.write(new Map())
  change(100)
  expect(all(rows)).toEqual(expected)
})

test('the version as of a time is found without a look at all others', async () => {
  const options = { compatible: false, cacheBytes: 0, residentBytes: 4_000 }
  const h = (harness = await StateHarness.open([versions.spec], memoryEngine, options))
  for (let n = 0; n < 5000; n++) (h.at(n).store() as VersionedState<string, unknown>).put('a', { n }, 10 * n)
  h.state.flushCaches()
  h.state.logChanges(() => undefined)
  h.state.committed()
  await h.state.write(new Map())
  let looks = 0
  const iterate = h.engine.iterate.bind(h.engine)
  vi.spyOn(h.engine, 'iterate').mockImplementation((range) => {
    const iterator = iterate(range)
    const next = iterator.next.bind(iterator)
    iterator.next = () => {
      looks++
      return next()
    }
    return iterator
  })
  for (const n of [0, 1, 2500, 4998, 4999]) {
    const query = { op: 'versions', key: Buffer.from('a'), from: 10 * n + 5, to: 10 * n + 5, reverse: false } as const
    expect(read(h, query, 'committed').map(({ value }) => value)).toEqual([{ n }])
  }
  expect(looks).toBeLessThan(100)
})

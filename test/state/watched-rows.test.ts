import { afterEach, describe, expect, test } from 'vitest'
import type { EngineFactory } from '../../src/engine/engine.ts'
import { levelEngine } from '../../src/engine/leveldb/level.ts'
import { memoryEngine } from '../../src/engine/memory/memory-engine.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import { ChangeWriter, readEvents } from '../../src/query/change-page.ts'
import { WatchedRows } from '../../src/query/watched-rows.ts'
import { json } from '../../src/serde/serdes.ts'
import type { Consistency, WatchQuery } from '../../src/state/reads.ts'
import type {
  EntryCursor,
  KeyValueState,
  PeriodState,
  SessionCursor,
  SessionState,
  StateStore,
  VersionedState,
  WindowCursor,
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
 * Stores change, commit, fail to commit, and are written to their engines or not, while somebody watches them, in pages
 * of a few bytes, and mostly too slowly. What a watcher has seen last must be what the store has.
 */

let harness: StateHarness | undefined
afterEach(async () => {
  await harness?.close()
  harness = undefined
})

const KEYS = ['', 'a', 'aa', 'ab', 'b', 'a\u0000', 'é', ...Array.from({ length: 20 }, (_, n) => `b${n}`)]
const VALUES = json<{ n: number }>()

/** Values as text, by key; of windows and sessions by key, start and end. */
type Rows = ReadonlyMap<string, string>

interface Kind {
  /** True: windows or sessions. */
  readonly isTimed?: true
  readonly name: string
  readonly spec: StoreSpec
  put(store: StateStore, random: Random, n: number): void
  all(store: StateStore): Rows
}

function rowsOf(cursor: EntryCursor<unknown, unknown>): Rows {
  const rows = new Map<string, string>()
  while (cursor.next()) rows.set(cursor.key as string, JSON.stringify(cursor.value))
  cursor.close()
  return rows
}

const valueOf = (random: Random, n: number) => (random.chance(0.25) ? null : { n })

const keyValue = (timestamped: boolean, caching: boolean): Kind => ({
  name: `a key-value store (timestamps: ${timestamped}, caching: ${caching})`,
  spec: keyValueSpec({ timestamped, caching, value: VALUES }),
  put: (store, random, n) => (store as KeyValueState<string, unknown>).put(random.pick(KEYS), valueOf(random, n), n),
  all: (store) => rowsOf((store as KeyValueState<string, unknown>).range(undefined, undefined, false)),
})

const versioned: Kind = {
  name: 'a versioned store',
  spec: versionedSpec({ history: 300_000, value: VALUES }),
  put: (store, random, n) =>
    void (store as VersionedState<string, unknown>).put(
      random.pick(KEYS),
      valueOf(random, n),
      Math.max(0, Math.floor((n * 400 + random.below(60_000)) / 5000) * 5000),
    ),
  all: (store) => rowsOf((store as VersionedState<string, unknown>).all()),
}

const nameOf = (key: string, start: number, end: number): string => (end < 0 ? key : `${key} ${start}-${end}`)

function timesOf(name: string): { readonly key: string; readonly start: number; readonly end: number } {
  const [, key = '', start, end] = /^(.*) (\d+)-(\d+)$/s.exec(name) ?? []
  return { key, start: Number(start), end: Number(end) }
}

function timedRowsOf(
  cursor: WindowCursor<unknown, unknown> & Partial<SessionCursor<unknown, unknown>>,
  size?: number,
): Rows {
  const rows = new Map<string, string>()
  while (cursor.next()) {
    const { key, start, end = start, value } = cursor
    rows.set(nameOf(key as string, start, size === undefined ? end : start + size), JSON.stringify(value))
  }
  cursor.close()
  return rows
}

/** Event times: they go on by a minute and a half each twenty puts, and back by up to ten minutes. */
const timeOf = (random: Random, n: number): number => Math.max(0, n * 4500 - random.below(600_000))
const WINDOW = 30_000
const RETENTION = 600_000

const windows = (caching: boolean): Kind => ({
  isTimed: true,
  name: `a window store (caching: ${caching})`,
  spec: windowSpec({ caching, value: VALUES, retention: RETENTION, windowSize: WINDOW }),
  put: (store, random, n) => {
    const start = Math.floor(timeOf(random, n) / WINDOW) * WINDOW
    ;(store as WindowState<string, unknown>).put(random.pick(KEYS), start, valueOf(random, n), n)
  },
  all: (store) => timedRowsOf((store as WindowState<string, unknown>).fetchAll(0, Infinity, false), WINDOW),
})

/** Sessions that merge, as the operator merges them: those that there were go. */
const sessions = (caching: boolean): Kind => ({
  isTimed: true,
  name: `a session store (caching: ${caching})`,
  spec: sessionSpec({ caching, value: VALUES, retention: RETENTION }),
  put: (store, random, n) => {
    const state = store as SessionState<string, unknown>
    const [key, time] = [random.pick(KEYS), timeOf(random, n)]
    const near = state.findSessions(key, time - WINDOW, time + WINDOW, false)
    const merged: { readonly start: number; readonly end: number }[] = []
    while (near.next()) merged.push({ start: near.start, end: near.end })
    near.close()
    for (const { start, end } of merged) state.put(key, start, end, null)
    const all = [...merged, { start: time, end: time }]
    state.put(key, Math.min(...all.map(({ start }) => start)), Math.max(...all.map(({ end }) => end)), { n })
  },
  all: (store) => timedRowsOf((store as SessionState<string, unknown>).findByEnd(0, Infinity, false)),
})

const periods: Kind = {
  isTimed: true,
  name: 'a store of windows of the calendar',
  spec: periodSpec({ value: VALUES, retention: RETENTION }),
  put: (store, random, n) => {
    const start = Math.floor(timeOf(random, n) / WINDOW) * WINDOW
    const end = start + random.pick([WINDOW, 2 * WINDOW])
    ;(store as PeriodState<string, unknown>).put(random.pick(KEYS), start, end, valueOf(random, n), n)
  },
  all: (store) => timedRowsOf((store as PeriodState<string, unknown>).findByEnd(0, Infinity, false)),
}

const KINDS = [
  keyValue(true, false),
  keyValue(false, true),
  versioned,
  windows(false),
  windows(true),
  sessions(false),
  sessions(true),
  periods,
]

/** Reads a watch into a map, as a client does. */
class Client {
  readonly watched: WatchedRows
  readonly seen = new Map<string, string>()
  /** Rows that have come since the last `begin`; undefined: all rows that there were have come. */
  #arriving: Map<string, string> | undefined
  readonly #harness: StateHarness
  /** Number of times that all rows were sent. */
  begun = 0
  /** Number of rows that came. */
  rows = 0
  isAwake = false

  constructor(h: StateHarness, query: WatchQuery, consistency: Consistency, mostChanged?: number) {
    this.#harness = h
    const store = h.state.reads('store')!.watched!
    const limit = mostChanged === undefined ? {} : { mostChanged }
    const wake = (): void => void (this.isAwake = true)
    this.watched = new WatchedRows({ store, query, consistency, wake, ...limit })
  }

  /** Reads one page. @param check is called with each row */
  read(bytes: number, check: (key: string, value: string | undefined) => void = () => {}): void {
    const page = new ChangeWriter(1)
    this.watched.write(page, (share) => page.length >= share * bytes)
    this.isAwake = false
    for (const event of readEvents(page.finish())) {
      if (event.kind === 'begin') {
        this.begun++
        this.#arriving = new Map()
        continue
      }
      if (event.kind === 'current') {
        this.seen.clear()
        for (const [key, value] of this.#arriving ?? []) this.seen.set(key, value)
        this.#arriving = undefined
        continue
      }
      if (event.kind === 'expired') {
        for (const rows of [this.seen, this.#arriving]) {
          for (const name of rows?.keys() ?? []) if (timesOf(name).end < event.before) rows?.delete(name)
        }
        continue
      }
      const key = nameOf(event.key.toString(), event.start, event.end)
      const value = event.value?.toString()
      check(key, value)
      this.rows++
      for (const rows of [this.seen, this.#arriving]) {
        if (value === undefined) rows?.delete(key)
        else rows?.set(key, value)
      }
    }
  }

  readAll(): Rows {
    this.#harness.state.reads('store')!.watched!.changes.look()
    this.watched.lookAtTime()
    do this.read(100)
    while (this.watched.hasNews)
    return this.seen
  }
}

const QUERIES: readonly WatchQuery[] = [
  { op: 'watch' },
  { op: 'watch', prefix: Buffer.from('a') },
  { op: 'watch', prefix: Buffer.from('b1') },
  { op: 'watch', key: Buffer.from('a') },
  { op: 'watch', key: Buffer.from('') },
]

const TIMED_QUERIES: readonly WatchQuery[] = [
  { op: 'watch' },
  { op: 'watch', key: Buffer.from('a') },
  { op: 'watch', from: 300_000, to: 900_000 },
  { op: 'watch', key: Buffer.from('b1'), from: 600_000, to: Number.MAX_SAFE_INTEGER - 1 },
]

const queriesOf = ({ isTimed }: Kind): readonly WatchQuery[] => (isTimed === true ? TIMED_QUERIES : QUERIES)

function amongTimes(rows: Rows, { key: of, from = 0, to = Infinity }: WatchQuery, isWindow: boolean): Rows {
  return new Map(
    [...rows].filter(([name]) => {
      const { key, start, end } = timesOf(name)
      if (of !== undefined && of.toString() !== key) return false
      return start <= to && (isWindow ? start : end) >= from
    }),
  )
}

function among(rows: Rows, query: WatchQuery, { isTimed, spec }: Kind): Rows {
  if (isTimed === true) return amongTimes(rows, query, spec.kind === 'window')
  const { key, prefix } = query
  return new Map(
    [...rows].filter(([text]) =>
      key === undefined ? text.startsWith(prefix?.toString() ?? '') : text === key.toString(),
    ),
  )
}

async function watchThrough(kind: Kind, engine: EngineFactory, seed: number): Promise<void> {
  const random = new Random(seed)
  const options = { compatible: false, cacheBytes: kind.spec.caching ? 500 : 0, residentBytes: 2_000 }
  const h = (harness = await StateHarness.open([kind.spec], engine, options))
  let committed: Rows = new Map()
  let clients: Client[] = []
  let beganAgain = false
  const open = (): void => {
    expect(h.state.reads('store')!.observe()).toBe(true)
    clients = queriesOf(kind).flatMap((query) => [
      new Client(h, query, 'committed'),
      new Client(h, query, 'latest'),
      new Client(h, query, 'committed', 200),
    ])
  }
  open()
  const readSome = (): void => {
    for (const client of clients) {
      if (random.chance(0.6) || !client.watched.hasNews) continue
      const isCommitted = client.watched.consistency === 'committed'
      const expired = h.state.reads('store')!.watched!.expiredBefore('committed')
      client.read(random.pick([1, 60, 300]), (key, value) => {
        // What expires while it is sent may still come, before it is said to have expired.
        if (kind.isTimed === true && timesOf(key).end < expired) return
        if (isCommitted) expect({ key, value }).toEqual({ key, value: committed.get(key) })
      })
    }
  }
  const expectAllSeen = (): void => {
    beganAgain ||= clients.some(({ begun }) => begun > 1)
    const latest = kind.all(h.store())
    for (const client of clients) {
      const { query, consistency } = client.watched
      const rows = consistency === 'committed' ? committed : latest
      expect({ query, consistency, seen: client.readAll() }).toEqual({
        query,
        consistency,
        seen: among(rows, query, kind),
      })
    }
  }
  for (let n = 0; n < 400; n++) {
    h.at(n)
    kind.put(h.store(), random, n)
    if (random.chance(0.1)) h.state.trimCache()
    if (random.chance(0.1)) readSome()
    if (random.chance(0.02)) expectAllSeen()
    if (random.chance(0.9)) continue

    h.state.flushCaches()
    const begun = kind.all(h.store())
    h.state.logChanges(() => undefined)
    readSome()
    // One who begins while a commit is under way misses none of it.
    if (random.chance(0.3)) clients.push(new Client(h, random.pick(queriesOf(kind)), 'committed'))
    if (random.chance(0.5)) kind.put(h.store(), random, n)
    if (random.chance(0.1)) {
      // The task is closed, and its watches with it.
      for (const { watched } of clients) watched.close()
      h.state.discard()
      committed = kind.all(h.store())
      open()
      continue
    }
    const asleep = clients.filter(
      ({ watched, isAwake }) => watched.consistency === 'committed' && !watched.hasNews && !isAwake,
    )
    h.state.committed()
    for (const { watched, isAwake } of asleep) {
      if (isAwake) continue
      const [before, after] = [among(committed, watched.query, kind), among(begun, watched.query, kind)]
      // Nobody is woken by what expires.
      const left = kind.isTimed === true ? [...before].filter(([name]) => after.has(name)) : before
      expect(after).toEqual(new Map(left))
    }
    committed = begun
    readSome()
    if (random.chance(0.2)) expectAllSeen()
    if (random.chance(0.3)) {
      h.state.flushCaches()
      committed = kind.all(h.store())
      h.state.logChanges(() => undefined)
      h.state.committed()
      await h.state.write(new Map())
    }
  }
  expectAllSeen()
  expect(beganAgain).toBe(true)
  for (const { watched } of clients) watched.close()
}

describe.each([memoryEngine, rocksdbEngine, levelEngine])('on $name', (engine) => {
  for (const kind of KINDS) {
    const seeds = engine === memoryEngine ? [1, 2, 3] : [1]
    test.each(seeds)(`${kind.name}: a watcher ends at what the store has, seed %i`, (seed) =>
      watchThrough(kind, engine, seed),
    )
  }

  test.each(KINDS)('the standby of $name shows what comes from the changelog', async (kind) => {
    const random = new Random(1)
    const h = (harness = await StateHarness.open([kind.spec], engine))
    for (let n = 0; n < 100; n++) kind.put(h.at(n).store(), random, n)
    await h.commit()
    for (let n = 100; n < 200; n++) kind.put(h.at(n).store(), random, n)
    await h.commit()
    const expected = kind.all(h.store())

    const standby = await StateHarness.open([kind.spec], engine)
    try {
      const half = Math.floor(h.log.length / 2)
      await standby.replay(h.log.slice(0, half))
      const clients = queriesOf(kind).flatMap((query) =>
        (['committed', 'latest'] as const).map((consistency) => new Client(standby, query, consistency)),
      )
      for (const client of clients) client.readAll()
      await standby.replay(h.log.slice(half))
      for (const client of clients) expect(client.readAll()).toEqual(among(expected, client.watched.query, kind))
    } finally {
      await standby.close()
    }
  })
})

test('nothing is noted of a store that nobody watches any more', async () => {
  const h = (harness = await StateHarness.open([keyValueSpec({ value: VALUES })]))
  const store = h.store<KeyValueState<string, unknown>>()
  const client = new Client(h, { op: 'watch' }, 'latest')
  client.readAll()
  store.put('a', { n: 1 }, 1)
  client.watched.close()
  const again = new Client(h, { op: 'watch' }, 'latest')
  again.readAll()
  // It is not logged yet, and changes again.
  store.put('a', { n: 2 }, 2)
  expect(again.readAll()).toEqual(new Map([['a', '{"n":2}']]))
  again.watched.close()
  store.put('a', { n: 3 }, 3)
  expect(again.watched.hasNews).toBe(false)
})

test('a session that grows is sent as it is, and not as all that it has been', async () => {
  const h = (harness = await StateHarness.open([sessionSpec({ value: VALUES, retention: RETENTION })]))
  const store = h.store<SessionState<string, unknown>>()
  h.state.reads('store')!.observe()
  const grow = (from: number, to: number): void => {
    for (let end = from; end < to; end++) {
      store.put('a', 0, end, null)
      store.put('a', 0, end + 1, { n: end + 1 })
    }
  }
  const commit = (): void => {
    h.state.logChanges(() => undefined)
    h.state.committed()
  }
  store.put('a', 0, 0, { n: 0 })
  commit()
  const clients = (['committed', 'latest'] as const).map((consistency) => new Client(h, { op: 'watch' }, consistency))
  for (const client of clients) expect(client.readAll()).toEqual(new Map([['a 0-0', '{"n":0}']]))
  grow(0, 100)
  commit()
  grow(100, 150)
  expect(clients.map((client) => client.readAll())).toEqual([
    new Map([['a 0-100', '{"n":100}']]),
    new Map([['a 0-150', '{"n":150}']]),
  ])
  // One that there was, what became of it by the commit, and of that.
  expect(clients.map(({ rows }) => rows)).toEqual([3, 4])
  for (const { watched } of clients) watched.close()
})

test('a store that keeps duplicates cannot be watched', async () => {
  const h = (harness = await StateHarness.open([windowSpec({ retainDuplicates: true })]))
  expect(h.state.reads('store')!.watched).toBeUndefined()
})

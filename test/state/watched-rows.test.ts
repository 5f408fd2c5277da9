import { afterEach, describe, expect, test } from 'vitest'
import type { EngineFactory } from '../../src/engine/engine.ts'
import { levelEngine } from '../../src/engine/leveldb/level.ts'
import { memoryEngine } from '../../src/engine/memory/memory-engine.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import { ChangeWriter, readEvents } from '../../src/query/change-page.ts'
import { WatchedRows } from '../../src/query/watched-rows.ts'
import { json } from '../../src/serde/serdes.ts'
import type { Consistency, WatchQuery } from '../../src/state/reads.ts'
import type { EntryCursor, KeyValueState, StateStore, VersionedState } from '../../src/state/states.ts'
import type { StoreSpec } from '../../src/topology/store-spec.ts'
import { Random } from './support/random.ts'
import { keyValueSpec, StateHarness, versionedSpec, windowSpec } from './support/state-harness.ts'

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

/** Values as text, by key. */
type Rows = ReadonlyMap<string, string>

interface Kind {
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

const KINDS = [keyValue(true, false), keyValue(false, true), versioned]

/** Reads a watch into a map, as a client does. */
class Client {
  readonly watched: WatchedRows
  readonly seen = new Map<string, string>()
  /** Rows that have come since the last `begin`; undefined: all rows that there were have come. */
  #arriving: Map<string, string> | undefined
  readonly #harness: StateHarness
  /** Number of times that all rows were sent. */
  begun = 0
  isAwake = false

  constructor(h: StateHarness, query: WatchQuery, consistency: Consistency, mostChanged?: number) {
    this.#harness = h
    const reads = h.state.reads('store')!
    const limit = mostChanged === undefined ? {} : { mostChanged }
    const wake = (): void => void (this.isAwake = true)
    this.watched = new WatchedRows({ reads, changes: reads.changes!, query, consistency, wake, ...limit })
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
      const [key, value] = [event.key.toString(), event.value?.toString()]
      check(key, value)
      for (const rows of [this.seen, this.#arriving]) {
        if (value === undefined) rows?.delete(key)
        else rows?.set(key, value)
      }
    }
  }

  readAll(): Rows {
    this.#harness.state.reads('store')!.changes!.look()
    while (this.watched.hasNews) this.read(100)
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

function among(rows: Rows, { key, prefix }: WatchQuery): Rows {
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
    clients = QUERIES.flatMap((query) => [
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
      client.read(random.pick([1, 60, 300]), (key, value) => {
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
      expect({ query, consistency, seen: client.readAll() }).toEqual({ query, consistency, seen: among(rows, query) })
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
    if (random.chance(0.3)) clients.push(new Client(h, random.pick(QUERIES), 'committed'))
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
      if (!isAwake) expect(among(begun, watched.query)).toEqual(among(committed, watched.query))
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
      const clients = QUERIES.flatMap((query) =>
        (['committed', 'latest'] as const).map((consistency) => new Client(standby, query, consistency)),
      )
      for (const client of clients) client.readAll()
      await standby.replay(h.log.slice(half))
      for (const client of clients) expect(client.readAll()).toEqual(among(expected, client.watched.query))
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

test('windows cannot be watched', async () => {
  const h = (harness = await StateHarness.open([windowSpec()]))
  expect(h.state.reads('store')!.changes).toBeUndefined()
})

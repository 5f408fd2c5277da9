import { afterEach, expect, test } from 'vitest'
import { json, string } from '../../src/serde/serdes.ts'
import { memoryEngine } from '../../src/engine/memory/memory-engine.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import type {
  KeyValueState,
  PeriodState,
  SessionState,
  StateStore,
  VersionedState,
  WindowState,
} from '../../src/state/states.ts'
import type {
  ReadOnlyKeyValueStore,
  ReadOnlySessionStore,
  ReadOnlyVersionedKeyValueStore,
  ReadOnlyWindowStore,
} from '../../src/state/views/stores.ts'
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

let harness: StateHarness | undefined
afterEach(async () => {
  await harness?.close()
  harness = undefined
})

const KEYS = ['', 'a', 'aa', 'ab', 'b', 'a\u0000', 'é']
const SPAN = 300_000
/** Bytes of entries that are kept although the engine has them: few, so that some are not. */
const LIMIT = 4_000
const value = json<{ n: number }>()

type KeyValues = ReadOnlyKeyValueStore<string, unknown>
type Versions = ReadOnlyVersionedKeyValueStore<string, unknown>
type Windows = ReadOnlyWindowStore<string, unknown>
type Sessions = ReadOnlySessionStore<string, unknown>

interface Kind {
  readonly name: string
  readonly spec: StoreSpec
  put(store: StateStore, random: Random, n: number): void
  /** Calls all methods of a view with arguments that are drawn. */
  show(view: unknown, random: Random, n: number): readonly unknown[]
}

const later = (random: Random, n: number): number => Math.max(0, n * 400 + random.below(120_000) - 60_000)
const valueOf = (random: Random, n: number) => (random.chance(0.25) ? null : { n })
const rows = (iterator: Iterable<unknown>): unknown[] => [...iterator]

const keyValues = (timestamped: boolean, caching: boolean): Kind => ({
  name: `a key-value store (timestamps: ${timestamped}, caching: ${caching})`,
  spec: keyValueSpec({ timestamped, caching, value }),
  put: (store, random, n) =>
    (store as KeyValueState<string, unknown>).put(random.pick(KEYS), valueOf(random, n), later(random, n)),
  show(view, random) {
    const store = view as KeyValues
    const [from, to] = [random.pick(KEYS), random.pick(KEYS)]
    return [
      store.get(from),
      rows(store.range(from, to)),
      rows(store.reverseRange(from)),
      rows(store.range(undefined, to)),
      rows(store.all()),
      rows(store.reverseAll()),
      rows(store.prefixScan(from)),
      store.approximateNumEntries(),
    ]
  },
})

const versions: Kind = {
  name: 'a versioned store',
  spec: versionedSpec({ history: SPAN, value }),
  put: (store, random, n) =>
    void (store as VersionedState<string, unknown>).put(random.pick(KEYS), valueOf(random, n), later(random, n)),
  show(view, random, n) {
    const store = view as Versions
    const times = [0, 1, 2, 3].map(() => later(random, random.below(n + 100)))
    return [store.get(random.pick(KEYS)), ...times.map((time) => store.get(random.pick(KEYS), time))]
  },
}

function showWindows(view: unknown, random: Random, n: number): readonly unknown[] {
  const store = view as Windows
  const key = random.pick(KEYS)
  const from = later(random, n)
  const to = from + random.below(200_000) - 20_000
  return [
    ...rows(store.fetch(key, -Infinity, Infinity)).map((row) => store.get(key, (row as { start: number }).start)),
    store.get(key, from),
    rows(store.fetch(key, from, to)),
    rows(store.reverseFetch(key, from, to)),
    rows(store.fetchAll(from, to)),
    rows(store.reverseFetchAll(from, to)),
    rows(store.all()),
  ]
}

const windows = (timestamped: boolean, caching: boolean): Kind => ({
  name: `a window store (timestamps: ${timestamped}, caching: ${caching})`,
  spec: windowSpec({ timestamped, caching, retention: SPAN, value }),
  put: (store, random, n) =>
    (store as WindowState<string, unknown>).put(random.pick(KEYS), later(random, n), valueOf(random, n), n),
  show: showWindows,
})

const periods: Kind = {
  name: 'a store of windows of the calendar',
  spec: periodSpec({ retention: SPAN, value }),
  put: (store, random, n) => {
    const end = later(random, n) + 5000
    ;(store as PeriodState<string, unknown>).put(random.pick(KEYS), end - 5000, end, valueOf(random, n), n)
  },
  show: showWindows,
}

const sessions = (caching: boolean): Kind => ({
  name: `a session store (caching: ${caching})`,
  spec: sessionSpec({ caching, retention: SPAN, value }),
  put: (store, random, n) => {
    const end = later(random, n)
    const start = Math.max(0, end - random.pick([0, 500, 5000]))
    ;(store as SessionState<string, unknown>).put(random.pick(KEYS), start, end, valueOf(random, n))
  },
  show(view, random, n) {
    const store = view as Sessions
    const key = random.pick(KEYS)
    const from = later(random, n)
    const to = from + random.below(200_000) - 100_000
    const found = [...store.fetch(key)]
    return [
      ...found.map(({ start, end }) => store.get(key, start, end)),
      store.get(key, from, to),
      found,
      rows(store.findSessions(key, from, to)),
      rows(store.reverseFindSessions(key, from, to)),
      rows(store.findByEnd(from, to)),
      rows(store.findByEnd(-Infinity, Infinity)),
    ]
  },
})

const KINDS: readonly Kind[] = [
  keyValues(true, false),
  keyValues(false, true),
  versions,
  windows(true, true),
  windows(false, false),
  periods,
  sessions(false),
  sessions(true),
]

for (const engine of [memoryEngine, rocksdbEngine]) {
  test.each(KINDS)(
    `$name shows outside of its task what its processor sees, and remembers nothing of it (${engine.name})`,
    async ({ spec, put, show }) => {
      const random = new Random(1)
      const options = { compatible: false, cacheBytes: spec.caching ? 2_000 : 0, residentBytes: LIMIT }
      const h = (harness = await StateHarness.open([spec], engine, options))
      const outside = h.state.outsideStore(spec.name)
      const memory = (): unknown => [h.state.dirtyBytes, h.state.cleanBytes]
      for (let n = 0; n < 300; n++) {
        h.at(n)
        put(h.store(), random, n)
        if (random.chance(0.1)) h.state.trimCache()
        if (random.chance(0.1)) await h.commit()
        if (random.chance(0.9)) continue
        h.state.limitEntries(LIMIT)
        const before = memory()
        const shown = show(outside, new Random(n), n)
        expect(memory()).toEqual(before)
        expect(shown).toEqual(show(h.state.userStore(spec.name), new Random(n), n))
      }
    },
  )
}

test('what a reader outside gets may be changed without effect', async () => {
  harness = await StateHarness.open([keyValueSpec({ value })])
  harness.store<KeyValueState<string, unknown>>().put('k', { n: 1 }, 0)
  const store = harness.state.outsideStore('store') as ReadOnlyKeyValueStore<string, { value: { n: number } }>
  for (let commits = 0; commits < 2; commits++) {
    store.get('k')!.value.n = 2
    for (const row of store.all()) row.value.value.n = 3
    expect(store.get('k')).toEqual({ value: { n: 1 }, timestamp: 0 })
    await harness.commit()
  }
})

test('an iterator of a reader outside ends when the task goes on', async () => {
  const h = (harness = await StateHarness.open([keyValueSpec({ value: string() })]))
  for (const key of ['a', 'b']) h.store<KeyValueState<string, string>>().put(key, key, 0)
  const iterator = (h.state.outsideStore('store') as KeyValues).all()
  iterator.next()
  h.state.trimCache()
  expect(() => iterator.next()).toThrow(expect.objectContaining({ code: 'MR_ITERATOR_CLOSED' }))
})

test.each([memoryEngine, rocksdbEngine])(
  'a store whose task was closed says so to readers outside ($name)',
  async (engine) => {
    const h = (harness = await StateHarness.open([keyValueSpec({ value: string() })], engine))
    h.store<KeyValueState<string, string>>().put('a', 'a', 0)
    await h.commit()
    const store = h.state.outsideStore('store') as KeyValues
    await h.state.close()
    expect(() => store.get('a')).toThrow(expect.objectContaining({ code: 'MR_STATE_CLOSED' }))
    expect(() => store.all()).toThrow(expect.objectContaining({ code: 'MR_STATE_CLOSED' }))
  },
)

const KEY_COUNT = 2000
const MANY = 50_000

test('look-ups of another processor stay within the memory of the task, though no record comes', async () => {
  const spec = keyValueSpec({ value: string() })
  const h = (harness = await StateHarness.open([spec], rocksdbEngine, { residentBytes: LIMIT }))
  for (let i = 0; i < KEY_COUNT; i++) h.store<KeyValueState<string, string>>().put(`k${i}`, 'value', i)
  await h.commit()
  const store = h.state.readOnlyStore(spec.name) as KeyValues
  for (let i = 0; i < KEY_COUNT; i++) {
    expect(store.get(`k${i}`)).toBeDefined()
    expect(h.state.cleanBytes).toBeLessThan(1.2 * MANY)
  }
})

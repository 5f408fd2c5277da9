import { afterEach, expect, test } from 'vitest'
import { string } from '../../src/serde/serdes.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import type { KeyValueState, SessionState, VersionedState, WindowState } from '../../src/state/states.ts'
import type {
  ReadOnlyKeyValueStore,
  ReadOnlySessionStore,
  ReadOnlyVersionedKeyValueStore,
  ReadOnlyWindowStore,
} from '../../src/state/views/stores.ts'
import { keyValueSpec, sessionSpec, StateHarness, versionedSpec, windowSpec } from './support/state-harness.ts'

const KEYS = 2000
const LIMIT = 50_000

let harness: StateHarness
afterEach(() => harness.close())

test.each([
  [
    'a key-value store',
    keyValueSpec({ value: string() }),
    (i: number) => harness.store<KeyValueState<string, string>>().put(`k${i}`, 'value', i),
    (store: unknown, i: number) => (store as ReadOnlyKeyValueStore<string, string>).get(`k${i}`),
  ],
  [
    'a window store',
    windowSpec({ value: string(), retention: 1_000_000 }),
    (i: number) => harness.store<WindowState<string, string>>().put(`k${i}`, i, 'value', i),
    (store: unknown, i: number) => (store as ReadOnlyWindowStore<string, string>).get(`k${i}`, i),
  ],
  [
    'a window store, by ranges',
    windowSpec({ value: string(), retention: 1_000_000 }),
    (i: number) => harness.store<WindowState<string, string>>().put(`k${i}`, i, 'value', i),
    (store: unknown, i: number) => [...(store as ReadOnlyWindowStore<string, string>).fetch(`k${i}`, 0, Infinity)][0],
  ],
  [
    'a session store',
    sessionSpec({ value: string(), retention: 1_000_000 }),
    (i: number) => harness.store<SessionState<string, string>>().put(`k${i}`, i, i, 'value'),
    (store: unknown, i: number) => (store as ReadOnlySessionStore<string, string>).get(`k${i}`, i, i),
  ],
  [
    'a versioned store',
    versionedSpec({ value: string(), history: 1_000_000 }),
    (i: number) => harness.store<VersionedState<string, string>>().put(`k${i}`, 'value', i),
    (store: unknown, i: number) => (store as ReadOnlyVersionedKeyValueStore<string, string>).get(`k${i}`),
  ],
])(
  'reads of %s from outside stay within the memory of its task, though no record comes',
  async (_kind, spec, put, get) => {
    harness = await StateHarness.open([spec], rocksdbEngine, { residentBytes: LIMIT })
    for (let i = 0; i < KEYS; i++) put(i)
    await harness.commit()
    const store = harness.state.queryStore(spec.name)
    for (let i = 0; i < KEYS; i++) {
      expect(get(store, i)).toBeDefined()
      expect(harness.state.cleanBytes).toBeLessThan(1.2 * LIMIT)
    }
  },
)

import { afterEach, expect, test } from 'vitest'
import { rocksdbEngine } from '../../../src/engine/rocksdb/rocksdb.ts'
import type { Prefetchable } from '../../../src/state/prefetchable.ts'
import type { KeyValueState } from '../../../src/state/states.ts'
import { keyValueSpec, StateHarness } from '../support/state-harness.ts'

let harness: StateHarness | undefined
afterEach(() => harness?.close())

test('rows that were read ahead outlast a write until their records have come', async () => {
  harness = await StateHarness.open([keyValueSpec()], rocksdbEngine, { residentBytes: 1 })
  const store = harness.store<KeyValueState<string, number> & Prefetchable>()
  const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`)
  for (const key of keys) store.put(key, 1, 1)
  await harness.commit()
  store.prefetch(keys)
  store.put('other', 1, 1)
  await harness.commit()
  harness.engine.get = () => {
    throw new Error('looked up one by one')
  }
  expect(keys.map((key) => store.get(key)?.value)).toEqual(keys.map(() => 1))
})

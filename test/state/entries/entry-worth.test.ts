import { afterEach, expect, test } from 'vitest'
import { rocksdbEngine } from '../../../src/engine/rocksdb/rocksdb.ts'
import { EntryWorth } from '../../../src/state/entries/entry-worth.ts'
import type { KeyValueState } from '../../../src/state/states.ts'
import type { KeyReader } from '../../../src/record/key-reader.ts'
import { Random } from '../support/random.ts'
import { keyValueSpec, StateHarness } from '../support/state-harness.ts'

const LIMIT = 1024 * 1024

let harness: StateHarness | undefined
afterEach(() => harness?.close())

/** What `divisor` comes to when all of the memory would find this share of the keys that are looked for, and a part of it that part of them. */
function after(share: number, worth = new EntryWorth()): number {
  for (let i = 0; i < 100; i++) worth.count((1000 * share) / worth.divisor, 1000)
  return worth.divisor
}

test('memory is used for entries while one key in eight is found there, else an eighth of it', () => {
  expect([0, 0.05, 0.12].map((share) => after(share))).toEqual([8, 8, 8])
  expect([0.13, 0.5, 1].map((share) => after(share))).toEqual([1, 1, 1])
})

test('all of it is used again when that would find twice as many, not to and fro', () => {
  const shrunken = (): EntryWorth => {
    const worth = new EntryWorth()
    after(0, worth)
    return worth
  }
  expect([0.05, 0.13, 0.24].map((share) => after(share, shrunken()))).toEqual([8, 8, 8])
  expect([0.26, 0.5, 1].map((share) => after(share, shrunken()))).toEqual([1, 1, 1])
})

test('a few keys are not judged by', () => {
  const worth = new EntryWorth()
  worth.count(0, 8000)
  expect(worth.divisor).toBe(1)
})

test('where nothing is looked for in the engine any more, all of it is used again, since nothing is known', () => {
  const worth = new EntryWorth()
  after(0, worth)
  const divisors = [worth, worth, worth, worth].map((same) => {
    same.written()
    return same.divisor
  })
  // Before the first of these writes there was something to judge by.
  expect(divisors).toEqual([8, 4, 2, 1])
})

test('rows that were read ahead outlast a write until their records have come', async () => {
  harness = await StateHarness.open([keyValueSpec()], rocksdbEngine, { residentBytes: 1 })
  const store = harness.store<KeyValueState<string, number> & KeyReader>()
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

test('a store whose keys hardly ever come again gives memory back, and takes it again when they do', async () => {
  harness = await StateHarness.open([keyValueSpec()], rocksdbEngine, { residentBytes: LIMIT })
  const store = harness.store<KeyValueState<string, number> & KeyReader>()
  const counts = new Map<string, number>()
  const process = async (keys: readonly string[]): Promise<void> => {
    for (let i = 0; i < keys.length; i += 128) {
      const window = keys.slice(i, i + 128)
      store.prefetch(window)
      for (const key of window) {
        const count = (store.get(key)?.value ?? 0) + 1
        expect(count).toBe((counts.get(key) ?? 0) + 1)
        counts.set(key, count)
        store.put(key, count, 1)
        harness!.state.trimCache()
      }
      if (i % 1024 === 0) await harness!.commit()
    }
    await harness!.commit()
  }
  await process(Array.from({ length: 40_000 }, (_, i) => `key-${i}`))
  expect(harness.state.cleanBytes).toBeLessThanOrEqual(LIMIT / 8)
  const random = new Random(1)
  await process(Array.from({ length: 40_000 }, () => `key-${random.below(3000)}`))
  expect(harness.state.cleanBytes).toBeGreaterThan(LIMIT / 2)
})

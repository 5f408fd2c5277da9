import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test } from 'vitest'
import { MillraceError } from '../../src/errors/millrace-error.ts'
import { int64, json, string, type Serde } from '../../src/serde/serdes.ts'
import type { EngineFactory } from '../../src/engine/engine.ts'
import { memoryEngine } from '../../src/engine/memory/memory-engine.ts'
import type { StateEntry } from '../../src/state/entries/state-entry.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import type { KeyValueEntryStore } from '../../src/state/key-value/key-value-entry-store.ts'
import { firstDifference } from '../../src/serde/first-difference.ts'
import type { KeyValueState, VersionedState, WindowState } from '../../src/state/states.ts'
import { keyValueSpec, StateHarness, versionedSpec, windowSpec } from './support/state-harness.ts'

type List = { list: number[] }

let harness: StateHarness | undefined
afterEach(async () => {
  await harness?.close()
  harness = undefined
})

function failure(body: () => unknown): MillraceError {
  try {
    body()
  } catch (error) {
    if (error instanceof MillraceError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('an object lives in one entry only', () => {
  test('a value may be changed by its owner afterwards', async () => {
    harness = await StateHarness.open([
      keyValueSpec({ value: json<List>() }),
      windowSpec({ name: 'w', value: json<List>() }),
    ])
    const state: KeyValueState<string, List> = harness.store()
    const windows: WindowState<string, List> = harness.store('w')
    const value = { list: [1] }
    state.put('k', value, 1)
    windows.put('k', 5, value, 1)
    value.list.push(2)
    expect(state.get('k')?.value).toEqual({ list: [1] })
    expect(windows.get('k', 5)?.value).toEqual({ list: [1] })
  })

  test('a key that was looked up ahead stays as it is, even if its serde keeps the bytes it is given', async () => {
    const viewing: Serde<{ readonly bytes: Uint8Array }> = {
      name: 'viewing',
      serialize: ({ bytes }) => Buffer.from(bytes),
      deserialize: (bytes) => ({ bytes }),
    }
    const spec = keyValueSpec({ key: viewing, value: string(), caching: true })
    harness = await StateHarness.open([spec], rocksdbEngine, { cacheBytes: 1_000_000 })
    const state = harness.store<KeyValueEntryStore<{ readonly bytes: Uint8Array }, string>>()
    const keys = ['first', 'other'].map((text) => ({ bytes: Buffer.from(text) }))
    const emitted: string[] = []
    state.onFlush(({ bytes }, value) => emitted.push(`${Buffer.from(bytes).toString()}=${value}`), false)
    for (const key of keys) expect(state.prefetch([key]).size).toBe(1)
    for (const key of keys) state.put(key, 'value', 1)
    await harness.commit()
    expect(emitted).toEqual(['first=value', 'other=value'])
  })

  test('a row that was read with others does not keep their memory, whether its bytes are kept or not', async () => {
    const sharing: EngineFactory = {
      ...memoryEngine,
      open: async () => {
        const engine = await memoryEngine.open('')
        const rows = Buffer.alloc(100_000)
        const row = rows.subarray(1000, 1000 + 8 + rows.write('{"list":[1]}', 1008))
        return Object.assign(engine, { beginGetMany: () => ({ take: () => [row], drop: () => {} }) })
      },
    }
    for (const sendOldValues of [true, false]) {
      harness = await StateHarness.open([keyValueSpec({ value: json<List>() })], sharing)
      const state = harness.store<KeyValueEntryStore<string, List>>()
      state.onFlush(() => {}, sendOldValues)
      state.evict(0)
      state.ask(['k'])?.take()
      const entry = state.get('k') as StateEntry<string, List> | undefined
      expect(entry?.bytes?.buffer.byteLength).toBe(sendOldValues ? 12 : undefined)
      expect(entry?.value).toEqual({ list: [1] })
      await harness.close()
    }
  })

  test('a value that is read may be changed and put: no copy on the hot path', async () => {
    harness = await StateHarness.open([keyValueSpec({ value: json<List>() })])
    const state: KeyValueState<string, List> = harness.store()
    state.put('k', { list: [1] }, 1)
    const value = state.get('k')?.value
    expect(state.get('k')?.value).toBe(value)
    await harness.commit()
    expect(state.get('k')?.value).toBe(value)
  })

  test('a copy shares nothing', async () => {
    harness = await StateHarness.open([keyValueSpec({ value: json<List>() })])
    const value = { list: [1] }
    const copy = harness.store<KeyValueState<string, List>>().copy(value)
    expect(copy).toEqual(value)
    expect(copy.list).not.toBe(value.list)
  })

  test('a past version stays as it is when a reader changes what it got', async () => {
    harness = await StateHarness.open([versionedSpec({ value: json<List>() })])
    const state: VersionedState<string, List> = harness.store()
    state.put('k', { list: [1] }, 10)
    const value = state.get('k')?.value ?? { list: [] }
    value.list.push(2)
    state.put('k', value, 20)
    expect(state.getAsOf('k', 15)?.value).toEqual({ list: [1] })
    expect(state.get('k')?.value).toEqual({ list: [1, 2] })
  })

  test('a cursor keeps showing what was there when it was opened', async () => {
    harness = await StateHarness.open([keyValueSpec({ value: string() }), windowSpec({ name: 'w', value: string() })])
    const state: KeyValueState<string, string> = harness.store()
    const windows: WindowState<string, string> = harness.store('w')
    for (const key of ['a', 'b']) state.put(key, 'old', 1)
    await harness.commit()
    state.put('c', 'old', 1)
    for (const start of [1, 2]) windows.put('k', start, 'old', 1)
    const cursor = state.range(undefined, undefined, false)
    const fetched = windows.fetch('k', 0, 9, false)
    for (const key of ['a', 'b', 'c', 'd']) state.put(key, 'new', 2)
    state.put('b', null, 2)
    for (const start of [1, 2, 3]) windows.put('k', start, 'new', 2)
    const rows: unknown[] = []
    while (cursor.next()) rows.push([cursor.key, cursor.value, cursor.timestamp])
    while (fetched.next()) rows.push([fetched.start, fetched.value, fetched.timestamp])
    cursor.close()
    fetched.close()
    expect(rows).toEqual([
      ['a', 'old', 1],
      ['b', 'old', 1],
      ['c', 'old', 1],
      [1, 'old', 1],
      [2, 'old', 1],
    ])
  })
})

describe('equal values', () => {
  test('are equal whatever their class, if it is the same', () => {
    class Money {
      cents = 5
    }
    const make = () => ({
      when: new Date(5),
      money: new Money(),
      map: new Map([[1, { a: [1] }]]),
      set: new Set(['x']),
      bytes: Buffer.of(1),
      zero: -0,
      nan: Number.NaN,
    })
    expect(firstDifference(make(), { ...make(), zero: 0, bytes: new Uint8Array([1]) })).toBeUndefined()
    expect(firstDifference([1, 2], [1])).toBe('$: 2 elements became 1')
    expect(firstDifference(new Map([[1, 2]]), new Map([[1, 3]]))).toBe('$.get(1): number 2 became number 3')
    expect(firstDifference({}, { a: 1 })).toBe('$.a: number 1 appeared')
    expect(firstDifference(Object.create(null), {})).toBeUndefined()
    expect(firstDifference({ a: undefined, b: 1 }, { b: 1, c: undefined })).toBeUndefined()
    expect(firstDifference(runInNewContext('({ a: [{}] })'), { a: [{}] })).toBeUndefined()
  })
})

describe('what a serde refuses', () => {
  test('is an error that names the store', async () => {
    const h = (harness = await StateHarness.open([keyValueSpec({ value: int64() })]))
    const state: KeyValueState<string, unknown> = h.store()
    state.put('k', 'no number', 1)
    await expect(h.commit()).rejects.toMatchObject({ code: 'MR_STATE_SERIALIZE', store: 'store' })
    const keys: KeyValueState<unknown, bigint> = h.store()
    expect(failure(() => keys.get(5)).code).toBe('MR_STATE_SERIALIZE')
  })

  test('on reading, too', async () => {
    const h = (harness = await StateHarness.open([keyValueSpec({ value: string() })]))
    h.store<KeyValueState<string, string>>().put('k', 'text', 1)
    await h.commit()
    const other: Serde<unknown> = {
      name: 'broken',
      serialize: () => Buffer.alloc(0),
      deserialize: () => {
        throw new Error('no')
      },
    }
    const again = new StateHarness([keyValueSpec({ value: other })])
    await again.open()
    await again.replay(h.log)
    const { code, message } = failure(() => again.store<KeyValueState<string, unknown>>().get('k'))
    await again.close()
    expect(code).toBe('MR_STATE_DESERIALIZE')
    expect(message).toContain('store=store')
  })
})

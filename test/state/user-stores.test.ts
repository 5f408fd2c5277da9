import { afterEach, describe, expect, expectTypeOf, test } from 'vitest'
import { int32, json, string } from '../../src/serde/serdes.ts'
import type { EngineIterator } from '../../src/engine/engine.ts'
import {
  keyValueStore,
  sessionStore,
  timestampedKeyValueStore,
  versionedKeyValueStore,
  windowStore,
} from '../../src/dsl/stores/store-builders.ts'
import type { StoreSpec } from '../../src/topology/store-spec.ts'
import type {
  KeyValueStore,
  ReadOnlyKeyValueStore,
  SessionStore,
  TimestampedKeyValueStore,
  VersionedKeyValueStore,
  WindowStore,
} from '../../src/state/views/stores.ts'
import { ENGINES, StateHarness } from './support/state-harness.ts'

type List = { list: number[] }

let harness: StateHarness | undefined
afterEach(async () => {
  await harness?.close()
  harness = undefined
})

async function userStore<S>(spec: StoreSpec, engine = ENGINES[0], compatible = false): Promise<S> {
  harness = await StateHarness.open([spec], engine, { compatible, cacheBytes: 1_000_000 })
  return harness.state.userStore(spec.name) as S
}

const lists = { key: string(), value: json<List>() }

for (const engine of ENGINES) {
  describe(`on ${engine.name}`, () => {
    test('a key-value store puts, deletes and scans in the order of key bytes', async () => {
      const spec = keyValueStore('seen', { key: string(), value: int32() })
      const store = await userStore<KeyValueStore<string, number>>(spec, engine)
      store.putAll(['c', 'b', 'ba', 'é', 'a'].map((key, value) => ({ key, value })))
      await harness?.commit()
      store.put('bb', 9)
      expect(store.get('c')).toBe(0)
      expect(store.get('x')).toBeUndefined()
      expect(store.putIfAbsent('c', 5)).toBe(0)
      expect(store.putIfAbsent('d', 5)).toBeUndefined()
      expect(store.delete('d')).toBe(5)
      expect(store.delete('d')).toBeUndefined()
      store.put('a', null)
      const keys = (entries: Iterable<{ readonly key: string }>) => [...entries].map(({ key }) => key)
      expect(keys(store.all())).toEqual(['b', 'ba', 'bb', 'c', 'é'])
      expect(keys(store.reverseAll())).toEqual(['é', 'c', 'bb', 'ba', 'b'])
      expect(keys(store.range('ba', 'c'))).toEqual(['ba', 'bb', 'c'])
      expect(keys(store.reverseRange(undefined, 'ba'))).toEqual(['ba', 'b'])
      expect(keys(store.range('c', 'b'))).toEqual([])
      expect(keys(store.prefixScan('b'))).toEqual(['b', 'ba', 'bb'])
      expect(keys(store.prefixScan(Buffer.from('é')))).toEqual(['é'])
      expect(store.approximateNumEntries()).toBe(5)
    })

    test('a store with timestamps shows them', async () => {
      const spec = timestampedKeyValueStore('seen', lists)
      const store = await userStore<TimestampedKeyValueStore<string, List>>(spec, engine)
      store.put('k', { list: [1] }, 7)
      expect(store.get('k')).toEqual({ value: { list: [1] }, timestamp: 7 })
      expect(store.putIfAbsent('k', { list: [] }, 8)).toEqual({ value: { list: [1] }, timestamp: 7 })
      expect([...store.all()]).toEqual([{ key: 'k', value: { value: { list: [1] }, timestamp: 7 } }])
      expect(store.delete('k')?.timestamp).toBe(7)
      expect(store.get('k')).toBeUndefined()
    })

    test('a versioned store returns the version valid at a time', async () => {
      const spec = versionedKeyValueStore('prices', { ...lists, history: '1m' })
      const store = await userStore<VersionedKeyValueStore<string, List>>(spec, engine)
      expect(store.put('k', { list: [1] }, 10)).toBe('latest')
      expect(store.put('k', { list: [2] }, 20)).toBe('latest')
      expect(store.put('k', { list: [0] }, 5)).toBe('historical')
      await harness?.commit()
      expect(store.get('k')).toEqual({ value: { list: [2] }, timestamp: 20, validTo: undefined })
      expect(store.get('k', 15)).toEqual({ value: { list: [1] }, timestamp: 10, validTo: 20 })
      expect(store.get('k', 4)).toBeUndefined()
      expect(store.delete('k', 30)?.timestamp).toBe(20)
      expect(store.get('k')).toBeUndefined()
      expect(store.put('other', { list: [] }, 100_000)).toBe('latest')
      expect(store.put('k', { list: [] }, 39_999)).toBe('rejected')
      expect(store.delete('k', 39_999)).toBeUndefined()
    })

    test('a window store fetches by time', async () => {
      const spec = windowStore('clicks', { key: string(), value: int32(), retention: '1h', windowSize: '10s' })
      const store = await userStore<WindowStore<string, number>>(spec, engine)
      for (const start of [0, 10_000, 20_000]) store.put('k', start / 1000, start)
      store.put('a', 5, 10_000)
      await harness?.commit()
      store.put('k', null, 0)
      expect(store.get('k', 10_000)?.value).toBe(10)
      const first = { key: 'k', start: 10_000, end: 20_000, value: 10, timestamp: -1 }
      expect([...store.fetch('k', 0, 19_999)]).toEqual([first])
      expect([...store.reverseFetch('k', 0, 99_999)].map(({ value }) => value)).toEqual([20, 10])
      expect([...store.fetchAll(10_000, 20_000)].map(({ key, value }) => [key, value])).toEqual([
        ['a', 5],
        ['k', 10],
        ['k', 20],
      ])
      expect([...store.reverseFetchAll(10_000, 10_000)].map(({ key }) => key)).toEqual(['k', 'a'])
      expect([...store.all()].length).toBe(3)
    })

    test('a session store finds sessions', async () => {
      const spec = sessionStore('visits', { ...lists, retention: '1h' })
      const store = await userStore<SessionStore<string, List>>(spec, engine)
      store.put('k', { list: [1] }, 0, 10)
      store.put('k', { list: [2] }, 20, 30)
      await harness?.commit()
      store.put('k', { list: [3] }, 40, 50)
      expect(store.get('k', 20, 30)).toEqual({ list: [2] })
      expect([...store.fetch('k')].map(({ start, end }) => [start, end])).toEqual([
        [0, 10],
        [20, 30],
        [40, 50],
      ])
      expect([...store.findSessions('k', 30, 39)].map(({ value }) => value.list)).toEqual([[2]])
      expect([...store.reverseFindSessions('k', 0, 100)].map(({ end }) => end)).toEqual([50, 30, 10])
      store.remove('k', 0, 10)
      expect([...store.findByEnd(0, 30)]).toEqual([{ key: 'k', start: 20, end: 30, value: { list: [2] } }])
    })
  })
}

describe('a scan shows rows, before and after a commit,', () => {
  const minute = 60_000

  for (const engine of ENGINES) {
    test(`of windows by start, then key; if compatible by segment, key and start (${engine.name})`, async () => {
      const spec = windowStore('clicks', { key: string(), value: int32(), retention: '2m', windowSize: '1s' })
      const order = async (compatible: boolean): Promise<string[][]> => {
        const store = await userStore<WindowStore<string, number>>(spec, engine, compatible)
        const places = [
          ['b', 5],
          ['a', 12],
          ['ab', 5],
          ['a', 5],
          ['a', minute],
        ] as const
        const shown: string[][] = []
        const show = (rows: Iterable<{ key: string; start: number }>): void => {
          shown.push(Array.from(rows, ({ key, start }) => `${key}@${start}`))
        }
        for (const [i, [key, start]] of places.entries()) {
          store.put(key, i, start)
          if (i === 2) await harness?.commit()
        }
        show(store.all())
        await harness?.commit()
        show(store.all())
        show(store.fetchAll(0, 5))
        show(store.reverseFetchAll(0, 12))
        await harness?.close()
        return shown
      }
      const rows = ['a@5', 'ab@5', 'b@5', 'a@12', 'a@60000']
      const segments = ['a@5', 'a@12', 'ab@5', 'b@5', 'a@60000']
      const first = ['a@5', 'ab@5', 'b@5']
      expect(await order(false)).toEqual([rows, rows, first, ['a@12', 'b@5', 'ab@5', 'a@5']])
      expect(await order(true)).toEqual([segments, segments, first, ['b@5', 'ab@5', 'a@12', 'a@5']])
    })

    test(`of sessions by end, start, key; if compatible, in memory the last start first (${engine.name})`, async () => {
      const spec = sessionStore('visits', { key: string(), value: int32(), retention: '1h', type: 'memory' })
      const order = async (compatible: boolean, caching = false): Promise<string[]> => {
        const store = await userStore<SessionStore<string, number>>({ ...spec, caching }, engine, compatible)
        store.put('a', 1, 5, 30)
        await harness?.commit()
        store.put('a', 2, 7, 30)
        store.put('b', 3, 6, 30)
        store.put('a', 4, 0, 20)
        const shown = [store.fetch('a'), store.reverseFindSessions('a', 0, 100), store.findByEnd(0, 100)].map((rows) =>
          Array.from(rows, ({ key, start }) => key + start).join(' '),
        )
        await harness?.close()
        return shown
      }
      expect(await order(false)).toEqual(['a0 a5 a7', 'a7 a5 a0', 'a0 a5 b6 a7'])
      expect(await order(true)).toEqual(['a0 a7 a5', 'a5 a7 a0', 'a0 a7 a5 b6'])
      expect((await order(true, true)).slice(0, 2)).toEqual(['a0 a5 a7', 'a7 a5 a0'])
    })
  }
})

describe('what a store hands out', () => {
  test('may be changed without effect, and so may what was put', async () => {
    const store = await userStore<KeyValueStore<string, List>>(keyValueStore('s', lists))
    const value = { list: [1] }
    store.put('k', value)
    value.list.push(2)
    store.get('k')?.list.push(3)
    for (const entry of store.all()) entry.value.list.push(4)
    store.range('k', 'k').next().value?.value.list.push(5)
    expect(store.get('k')).toEqual({ list: [1] })
  })

  test('may be changed in its keys, too', async () => {
    type Key = { id: number[] }
    const store = await userStore<KeyValueStore<Key, number>>(keyValueStore('s', { key: json<Key>(), value: int32() }))
    const key = { id: [1] }
    store.put(key, 1)
    key.id.push(2)
    for (const entry of store.all()) entry.key.id.push(3)
    expect([...store.all()]).toEqual([{ key: { id: [1] }, value: 1 }])
    await harness?.commit()
    expect(store.get({ id: [1] })).toBe(1)
  })

  test('is nothing after undefined was put', async () => {
    const store = await userStore<KeyValueStore<string, unknown>>(keyValueStore('s', { key: string(), value: json() }))
    store.put('k', 1)
    store.put('k', undefined)
    expect(store.get('k')).toBeUndefined()
  })

  test('has no null key: it is refused', async () => {
    const store = await userStore<KeyValueStore<string | null, List>>(keyValueStore('s', lists) as StoreSpec)
    expect(() => store.get(null)).toThrow(expect.objectContaining({ code: 'MR_STORE_NULL_KEY', store: 's' }))
    expect(() => store.put(null, { list: [] })).toThrow(expect.objectContaining({ code: 'MR_STORE_NULL_KEY' }))
  })

  test('has no null key in any method, as the bound of a range either', async () => {
    const store = await userStore<KeyValueStore<string | null, List>>(keyValueStore('s', lists) as StoreSpec)
    const views = [store, harness?.state.readOnlyStore('s'), harness?.state.outsideStore('s')]
    const value = { list: [] }
    const calls: (() => unknown)[] = [
      () => store.putIfAbsent(null, value),
      () => store.putAll([{ key: null, value }]),
      () => store.delete(null),
    ]
    for (const read of views as ReadOnlyKeyValueStore<string | null, List>[]) {
      calls.push(
        () => read.get(null),
        () => read.range(null, 'b'),
        () => read.range('a', null),
        () => read.reverseRange(null),
        () => read.reverseRange(undefined, null),
      )
    }
    for (const call of calls) {
      expect(call).toThrow(expect.objectContaining({ code: 'MR_STORE_NULL_KEY', store: 's' }))
    }
    expect([...store.range(undefined, undefined)]).toEqual([])
  })

  test('has no put for others than its processor', async () => {
    await userStore(keyValueStore('s', lists))
    for (const view of [harness?.state.readOnlyStore('s'), harness?.state.outsideStore('s')]) {
      const store = view as ReadOnlyKeyValueStore<string, List>
      expect(store.get('k')).toBeUndefined()
      expect('put' in store).toBe(false)
    }
    expectTypeOf<ReadOnlyKeyValueStore<string, List>>().not.toHaveProperty('put')
  })
})

describe('an iterator is closed', () => {
  /** Counts the engine iterators that are open. */
  function watched(h: StateHarness): { open: number } {
    const count = { open: 0 }
    const { iterate } = h.engine
    h.engine.iterate = (range) => {
      const iterator = iterate.call(h.engine, range)
      count.open++
      const { close } = iterator
      iterator.close = function (this: EngineIterator) {
        count.open--
        close.call(iterator)
      }
      return iterator
    }
    return count
  }

  async function withRows(): Promise<{
    h: StateHarness
    store: KeyValueStore<string, number>
    count: { open: number }
  }> {
    const store = await userStore<KeyValueStore<string, number>>(keyValueStore('s', { key: string(), value: int32() }))
    for (const key of ['a', 'b', 'c']) store.put(key, 1)
    if (harness === undefined) throw new Error('not open')
    await harness.commit()
    return { h: harness, store, count: watched(harness) }
  }

  test('at its end', async () => {
    const { store, count } = await withRows()
    const iterator = store.all()
    expect(count.open).toBe(1)
    expect([...iterator].length).toBe(3)
    expect(count.open).toBe(0)
    expect(iterator.next().done).toBe(true)
  })

  test('by break, by a throw, by using and by close', async () => {
    const { store, count } = await withRows()
    for (const { key } of store.all()) if (key === 'a') break
    expect(count.open).toBe(0)
    const fail = () => {
      for (const { key } of store.all()) throw new Error(key)
    }
    expect(fail).toThrow('a')
    expect(count.open).toBe(0)
    {
      using iterator = store.all()
      iterator.next()
      expect(count.open).toBe(1)
    }
    expect(count.open).toBe(0)
    const iterator = store.all()
    iterator.close()
    iterator.close()
    expect(count.open).toBe(0)
  })

  test('when the callback is over, and says so if it is used after that', async () => {
    const { h, store, count } = await withRows()
    const iterator = store.all()
    iterator.next()
    h.state.trimCache()
    expect(count.open).toBe(0)
    expect(() => iterator.next()).toThrow(expect.objectContaining({ code: 'MR_ITERATOR_CLOSED', store: 's' }))
  })

  test('if a row cannot be read', async () => {
    const { h, store, count } = await withRows()
    await h.commit()
    const { iterate } = h.engine
    h.engine.iterate = (range) => {
      const iterator = iterate.call(h.engine, range)
      return {
        next: () => iterator.next(),
        close: () => iterator.close(),
        get key() {
          return iterator.key
        },
        value: Buffer.of(1),
      }
    }
    expect(() => [...store.all()]).toThrow(expect.objectContaining({ code: 'MR_STATE_DESERIALIZE' }))
    expect(count.open).toBe(0)
  })
})

describe('a store declaration', () => {
  test('is data', () => {
    expect(keyValueStore('s', { ...lists, type: 'memory', logging: { 'segment.bytes': '1000' } })).toMatchObject({
      kind: 'keyValue',
      name: 's',
      persistent: false,
      logging: { 'segment.bytes': '1000' },
      timestamped: false,
      caching: false,
    })
    expect(keyValueStore('s', { ...lists, logging: false }).logging).toBe(false)
    expect(windowStore('w', { ...lists, retention: '1h', windowSize: '5m' })).toMatchObject({
      retention: 3_600_000,
      windowSize: 300_000,
    })
  })

  test('that is impossible is refused', () => {
    const invalid = expect.objectContaining({ code: 'MR_STORE_INVALID' })
    expect(() => keyValueStore('no good', lists)).toThrow(invalid)
    expect(() => keyValueStore('s', { key: string() } as never)).toThrow(invalid)
    expect(() => windowStore('w', { ...lists, retention: '1s', windowSize: '5m' })).toThrow(invalid)
    expect(() => sessionStore('w', { ...lists, retention: 'long' as never })).toThrow(
      expect.objectContaining({ code: 'MR_DURATION' }),
    )
  })
})

import { afterEach, describe, expect, test } from 'vitest'
import { Headers } from '../../src/record/headers.ts'
import { json, long } from '../../src/serde/serdes.ts'
import type { KeyValueState, SessionState, WindowState } from '../../src/state/states.ts'
import type { StoreSpec } from '../../src/topology/store-spec.ts'
import { ENGINES, keyValueSpec, sessionSpec, StateHarness, windowSpec } from './support/state-harness.ts'

type List = { list: number[] }

let harness: StateHarness | undefined
afterEach(async () => {
  await harness?.close()
  harness = undefined
})

async function open(specs: readonly StoreSpec[], cacheBytes = 1_000_000, engine = ENGINES[0]): Promise<StateHarness> {
  return (harness = await StateHarness.open(specs, engine, { cacheBytes }))
}

/** Collects what a cached store emits. */
function listenTo<V>(h: StateHarness, sendOldValues: boolean): { store: KeyValueState<string, V>; emitted: unknown[] } {
  const store: KeyValueState<string, V> = h.store()
  const emitted: unknown[] = []
  store.onFlush((key, newValue, oldValue, timestamp) => {
    emitted.push(structuredClone([key, newValue, oldValue, timestamp]))
  }, sendOldValues)
  return { store, emitted }
}

describe('a cached store', () => {
  test('emits each changed entry once, in the order of its latest change', async () => {
    const h = await open([keyValueSpec({ caching: true, value: long() })])
    const { store, emitted } = listenTo<number>(h, false)
    store.put('a', 1, 1)
    store.put('b', 1, 2)
    store.put('c', 1, 3)
    store.put('a', 2, 4)
    expect(emitted).toEqual([])
    h.state.flushCaches()
    expect(emitted).toEqual([
      ['b', 1, null, 2],
      ['c', 1, null, 3],
      ['a', 2, null, 4],
    ])
    h.state.flushCaches()
    expect(emitted.length).toBe(3)
  })

  test('does not cache if the application has no cache', async () => {
    const h = await open([keyValueSpec({ caching: true })], 0)
    expect(h.store<KeyValueState<string, number>>().cached).toBe(false)
  })

  for (const engine of ENGINES) {
    test(`emits the old value of the last flush if aggregators change their argument (${engine.name})`, async () => {
      const h = await open([keyValueSpec({ caching: true, value: json<List>() })], 1_000_000, engine)
      const { store, emitted } = listenTo<List>(h, true)
      const add = (n: number) => {
        const list = store.get('k')?.value ?? { list: [] }
        list.list.push(n)
        store.put('k', list, n)
      }
      add(1)
      add(2)
      h.state.flushCaches()
      add(3)
      await h.commit()
      add(4)
      h.state.flushCaches()
      add(5)
      await h.commit()
      await h.reopen()
      const again = listenTo<List>(h, true)
      const entry = again.store.get('k')
      expect(entry?.value).toEqual({ list: [1, 2, 3, 4, 5] })
      again.store.put('k', { list: [] }, 6)
      h.state.flushCaches()
      expect(emitted).toEqual([
        ['k', { list: [1, 2] }, null, 2],
        ['k', { list: [1, 2, 3] }, { list: [1, 2] }, 3],
        ['k', { list: [1, 2, 3, 4] }, { list: [1, 2, 3] }, 4],
        ['k', { list: [1, 2, 3, 4, 5] }, { list: [1, 2, 3, 4] }, 5],
      ])
      expect(again.emitted).toEqual([['k', { list: [] }, { list: [1, 2, 3, 4, 5] }, 6]])
    })

    test(`looks the old value up if the entry was put unseen (${engine.name})`, async () => {
      const h = await open([keyValueSpec({ caching: true, value: long() })], 1_000_000, engine)
      const first = listenTo<number>(h, true)
      first.store.put('k', 1, 1)
      await h.commit()
      await h.reopen()
      const { store, emitted } = listenTo<number>(h, true)
      store.put('k', 2, 2)
      store.put('new', null, 3)
      store.put('k2', 7, 4)
      h.state.flushCaches()
      expect(emitted).toEqual([
        ['k', 2, 1, 2],
        ['k2', 7, null, 4],
      ])
    })
  }

  test('emits nothing for an entry made and deleted between two flushes, but deletions of older ones', async () => {
    const h = await open([keyValueSpec({ caching: true, value: long() })])
    const { store, emitted } = listenTo<number>(h, false)
    store.put('brief', 1, 1)
    store.put('brief', null, 2)
    store.put('kept', 1, 3)
    h.state.flushCaches()
    store.put('kept', null, 4)
    h.state.flushCaches()
    expect(emitted).toEqual([
      ['kept', 1, null, 3],
      ['kept', null, null, 4],
    ])
  })

  test('logs no tombstone for entries made and deleted between two flushes, or that never existed', async () => {
    const h = await open([keyValueSpec({ caching: true, value: long() })])
    const { store } = listenTo<number>(h, false)
    store.put('brief', 1, 1)
    store.put('brief', null, 2)
    store.put('never', null, 3)
    expect(await h.commit()).toEqual([])
    store.put('brief', 2, 4)
    expect((await h.commit()).map(({ value }) => value?.length)).toEqual([8])
  })

  for (const engine of ENGINES) {
    test(`logs the tombstone of an entry emitted early, whatever happens to it later (${engine.name})`, async () => {
      const h = await open([keyValueSpec({ caching: true, value: long() })], 1_000_000, engine)
      const { store, emitted } = listenTo<number>(h, false)
      store.put('k', 1, 1)
      await h.commit()
      store.put('k', null, 2)
      h.state.flushCaches()
      store.put('k', 2, 3)
      store.put('k', null, 4)
      expect((await h.commit()).map(({ key, value }) => [key.toString(), value])).toEqual([['k', null]])
      await h.reopen()
      expect(h.store<KeyValueState<string, number>>().get('k')).toBeUndefined()
      expect(emitted.map((change) => (change as unknown[])[1])).toEqual([1, null])
    })
  }

  test('emits with the context and headers of the record that wrote last, and puts the task’s own back', async () => {
    const h = await open([keyValueSpec({ caching: true, value: long() })])
    const store: KeyValueState<string, number> = h.store()
    const seen: unknown[] = []
    store.onFlush((key, _new, _old, _timestamp, headers) => {
      const { topic, partition, offset, timestamp } = h.record
      seen.push([key, topic, partition, offset, timestamp, headers.getString('h')])
      if (key === 'b') throw new Error('downstream')
    }, false)
    h.record.set('in', 3, 10, 100, new Headers().add('h', 'one'))
    store.put('a', 1, 1)
    h.record.set('in', 3, 11, 101, new Headers().add('h', 'two'))
    store.put('b', 1, 1)
    h.record.set('other', 4, 12, 102, new Headers())
    expect(() => h.state.flushCaches()).toThrow('downstream')
    expect(seen).toEqual([
      ['a', 'in', 3, 10, 100, 'one'],
      ['b', 'in', 3, 11, 101, 'two'],
    ])
    const { topic, partition, offset, timestamp } = h.record
    expect([topic, partition, offset, timestamp]).toEqual(['other', 4, 12, 102])
  })

  test('flushes upstream stores first, then what their listeners put', async () => {
    const h = await open([
      keyValueSpec({ name: 'up', caching: true, value: long() }),
      keyValueSpec({ name: 'down', caching: true, value: long() }),
    ])
    const up: KeyValueState<string, number> = h.store('up')
    const down: KeyValueState<string, number> = h.store('down')
    const emitted: unknown[] = []
    up.onFlush((key, value) => down.put(key, value, 1), false)
    down.onFlush((key, value) => {
      emitted.push([key, value])
      if (value === 1) up.put(key, 2, 1)
    }, false)
    up.put('a', 1, 1)
    h.state.flushCaches()
    expect(emitted).toEqual([
      ['a', 1],
      ['a', 2],
    ])
  })

  test('emits the oldest early when it holds back more than its bound', async () => {
    const h = await open([keyValueSpec({ caching: true, value: long() })], 2_000)
    const { store, emitted } = listenTo<number>(h, false)
    for (let i = 0; i < 100; i++) {
      store.put(`k${i}`, i, i)
      h.state.trimCache()
    }
    expect(emitted.length).toBeGreaterThan(50)
    expect(emitted.length).toBeLessThan(100)
    expect(emitted[0]).toEqual(['k0', 0, null, 0])
    h.state.flushCaches()
    expect(emitted.length).toBe(100)
  })

  test('holds back windows and sessions alike', async () => {
    const h = await open([
      windowSpec({ name: 'windows', caching: true, value: long() }),
      sessionSpec({ name: 'sessions', caching: true, value: long() }),
    ])
    const windows: WindowState<string, number> = h.store('windows')
    const sessions: SessionState<string, number> = h.store('sessions')
    const emitted: unknown[] = []
    windows.onFlush((...args) => emitted.push(args.slice(0, 5)), true)
    sessions.onFlush((...args) => emitted.push(args.slice(0, 6)), true)
    windows.put('k', 10, 1, 11)
    windows.put('k', 10, 2, 12)
    sessions.put('k', 1, 5, 1)
    sessions.put('k', 1, 5, null)
    sessions.put('k', 1, 9, 2)
    await h.commit()
    windows.put('k', 10, 3, 13)
    sessions.put('k', 1, 9, null)
    await h.commit()
    expect(emitted).toEqual([
      ['k', 10, 2, null, 12],
      ['k', 1, 9, 2, null, 9],
      ['k', 10, 3, 2, 13],
      ['k', 1, 9, null, 2, 9],
    ])
  })

  test('tells no old value of an expired session after it was restored either, as Kafka Streams', async () => {
    const spec = sessionSpec({ caching: true, value: long(), retention: 100 })
    const first = await open([spec])
    const emissionsOf = async (h: StateHarness): Promise<unknown[]> => {
      const emitted: unknown[] = []
      const sessions: SessionState<string, number> = h.store()
      sessions.onFlush((...args) => emitted.push(args.slice(0, 5)), true)
      sessions.put('k', 1, 5, 2)
      await h.commit()
      return emitted
    }
    first.store<SessionState<string, number>>().put('k', 1, 5, 1)
    first.store<SessionState<string, number>>().put('other', 1_000, 1_000, 1)
    await first.commit()
    const restored = await open([spec])
    await restored.replay(first.log)
    expect(await emissionsOf(first)).toEqual([['k', 1, 5, 2, null]])
    expect(await emissionsOf(restored)).toEqual([['k', 1, 5, 2, null]])
  })

  test('shows held-back updates to look-ups and scans, and forgets them on discard', async () => {
    const h = await open([keyValueSpec({ caching: true, value: long() })])
    const { store, emitted } = listenTo<number>(h, false)
    store.put('k', 1, 1)
    expect(store.get('k')?.value).toBe(1)
    const cursor = store.range(undefined, undefined, false)
    expect(cursor.next()).toBe(true)
    cursor.close()
    h.state.discard()
    h.state.flushCaches()
    expect(emitted).toEqual([])
    expect(store.get('k')).toBeUndefined()
  })
})

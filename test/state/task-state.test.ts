import { afterEach, describe, expect, test } from 'vitest'
import { int32, json, string } from '../../src/serde/serdes.ts'
import type { EngineRange, KeyValueEngine } from '../../src/engine/engine.ts'
import { WriteBatch } from '../../src/engine/write-batch.ts'
import { memoryEngine } from '../../src/engine/memory/memory-engine.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import type { KeyValueState, VersionedState, WindowState } from '../../src/state/states.ts'
import type { StoreSpec } from '../../src/topology/store-spec.ts'
import { TaskState } from '../../src/state/task/task-state.ts'
import { RecordContext } from '../../src/record/record-context.ts'
import { MillraceError } from '../../src/errors/millrace-error.ts'
import {
  keyValueSpec,
  sinkInto,
  StateHarness,
  versionedSpec,
  windowSpec,
  type Logged,
} from './support/state-harness.ts'

const harnesses: StateHarness[] = []
afterEach(async () => {
  for (const harness of harnesses.splice(0)) await harness.close()
})

async function open(...args: Parameters<typeof StateHarness.open>): Promise<StateHarness> {
  const harness = await StateHarness.open(...args)
  harnesses.push(harness)
  return harness
}

const environment = {
  task: '1_0',
  record: new RecordContext(),
  drop() {},
  cacheBytes: 0,
  compatible: false,
}

const put = (h: StateHarness, store: string, key: string, value: unknown) =>
  h.store<KeyValueState<string, unknown>>(store).put(key, value, 1)
const get = (h: StateHarness, store: string, key: string) =>
  h.store<KeyValueState<string, unknown>>(store).get(key)?.value

/** `a` is committed, and `a` and `b` were put since. */
async function halfCommitted(): Promise<StateHarness> {
  const h = await open([keyValueSpec()], rocksdbEngine)
  put(h, 'store', 'a', 1)
  await h.commit()
  put(h, 'store', 'a', 2)
  put(h, 'store', 'b', 2)
  return h
}

describe('uncommitted changes', () => {
  test('never touch the engine', async () => {
    const h = await open([keyValueSpec()])
    let writes = 0
    const { write } = h.engine
    h.engine.write = (...args) => {
      writes++
      return write.apply(h.engine, args)
    }
    put(h, 'store', 'k', 1)
    h.state.flushCaches()
    h.state.logChanges((store) => sinkInto([], store))
    h.state.trimCache()
    expect(writes).toBe(0)
    await h.state.write(new Map())
    expect(writes).toBe(1)
  })

  test('are gone after a crash; committed ones are there', async () => {
    const h = await halfCommitted()
    await h.reopen()
    expect([get(h, 'store', 'a'), get(h, 'store', 'b')]).toEqual([1, undefined])
  })

  test('of a commit that fails never reach the engine, however far its write was prepared', async () => {
    const h = await halfCommitted()
    h.state.logChanges(() => undefined)
    h.state.prepareWrite()
    h.state.discard()
    put(h, 'store', 'c', 3)
    await h.commit()
    await h.reopen()
    expect(['a', 'b', 'c'].map((key) => get(h, 'store', key))).toEqual([1, undefined, 3])
  })

  test('count as dirty bytes until they are written', async () => {
    const h = await open([keyValueSpec()])
    expect(h.state.dirtyBytes).toBe(0)
    for (let i = 0; i < 100; i++) put(h, 'store', `k${i}`, 'x'.repeat(100))
    expect(h.state.dirtyBytes).toBeGreaterThan(100 * 50)
    await h.commit()
    expect(h.state.dirtyBytes).toBe(0)
  })
})

describe('a checkpoint', () => {
  test('is written with the rows and read back at opening', async () => {
    const h = await open([keyValueSpec()], rocksdbEngine)
    expect(h.state.checkpoint('store')).toBeUndefined()
    await h.state.write(new Map([['store', { offset: 17, topicId: 'x', time: 99 }]]))
    await h.reopen()
    expect(h.state.checkpoint('store')).toEqual({ offset: 17, topicId: 'x', time: 99 })
  })

  test('may have a name that no store has', async () => {
    const h = await open([keyValueSpec()], rocksdbEngine)
    await h.state.write(new Map([['topic/3', { offset: 17, topicId: 'x', time: 99 }]]))
    await h.reopen()
    expect(h.state.checkpoint('topic/3')?.offset).toBe(17)
  })

  test('of a store in memory does not outlive it', async () => {
    const specs = [keyValueSpec({ name: 'memory', persistent: false }), keyValueSpec({ name: 'disk' })]
    const h = await open(specs, rocksdbEngine)
    put(h, 'memory', 'k', 1)
    put(h, 'disk', 'k', 1)
    await h.commit(5)
    expect(h.state.checkpoint('memory')?.offset).toBe(5)
    await h.state.close()
    await h.open()
    expect(h.state.checkpoint('memory')).toBeUndefined()
    expect(h.state.checkpoint('disk')?.offset).toBe(5)
    expect([get(h, 'memory', 'k'), get(h, 'disk', 'k')]).toEqual([undefined, 1])
  })
})

describe('stores of one task', () => {
  test('do not see each other, whatever their keys', async () => {
    const specs = [keyValueSpec({ name: 'one' }), keyValueSpec({ name: 'two' })]
    const h = await open(specs)
    for (const key of ['', '\u0000', '\u0002', 'ÿ']) {
      put(h, 'one', key, `one ${key}`)
      put(h, 'two', key, `two ${key}`)
    }
    await h.commit()
    h.state.discard()
    const cursor = h.store<KeyValueState<string, string>>('one').range(undefined, undefined, true)
    const values: string[] = []
    while (cursor.next()) values.push(cursor.value)
    cursor.close()
    expect(values).toEqual(['one ÿ', 'one \u0002', 'one \u0000', 'one '])
  })

  test('keep their rows when others are added or left out', async () => {
    const engine = memoryEngine.open('')
    const openWith = (...names: string[]) =>
      TaskState.open(
        engine,
        names.map((name) => keyValueSpec({ name })),
        environment,
      )
    const write = async (state: TaskState, name: string) => {
      const store = state.state(name) as KeyValueState<string, string>
      store.put('k', name, 1)
      await state.write(new Map())
    }
    await write(await openWith('b'), 'b')
    await write(await openWith('a', 'b', 'c'), 'a')
    const state = await openWith('c', 'b', 'a')
    const values = ['a', 'b', 'c'].map((name) => (state.state(name) as KeyValueState<string, string>).get('k')?.value)
    expect(values).toEqual(['a', 'b', undefined])
  })

  test('that changed their kind begin empty', async () => {
    const engine = memoryEngine.open('')
    const first = await TaskState.open(engine, [keyValueSpec({ timestamped: true })], environment)
    ;(first.state('store') as KeyValueState<string, number>).put('k', 1, 1)
    await first.write(new Map([['store', { offset: 1, topicId: '', time: 0 }]]))
    const second = await TaskState.open(engine, [keyValueSpec({ timestamped: false })], environment)
    expect(second.checkpoint('store')).toBeUndefined()
    expect((second.state('store') as KeyValueState<string, number>).get('k')).toBeUndefined()
  })

  test('can be wiped one at a time', async () => {
    const specs = [windowSpec({ name: 'one' }), keyValueSpec({ name: 'two' })]
    const h = await open(specs, rocksdbEngine)
    h.store<WindowState<string, number>>('one').put('k', 1000, 1, 1)
    put(h, 'two', 'k', 2)
    await h.commit(9)
    await h.state.wipe('one')
    const one: WindowState<string, number> = h.store('one')
    expect([one.observedTime, one.get('k', 1000), h.state.checkpoint('one')]).toEqual([-1, undefined, undefined])
    expect([get(h, 'two', 'k'), h.state.checkpoint('two')?.offset]).toEqual([2, 9])
    await h.reopen()
    expect(h.store<WindowState<string, number>>('one').get('k', 1000)).toBeUndefined()
  })

  test('of a foreign format are refused', async () => {
    const engine = memoryEngine.open('')
    const batch = new WriteBatch()
    batch.put(Buffer.of(0, 0, 0), Buffer.from('99'))
    await engine.write(batch)
    expect(() => TaskState.open(engine, [], environment)).toThrow(expect.objectContaining({ code: 'MR_STATE_FOREIGN' }))
  })

  test('that do not exist are named', async () => {
    const h = await open([keyValueSpec()])
    expect(h.state.state('other')).toBeUndefined()
    expect(h.state.userStore('other')).toBeUndefined()
    const record: Logged = { store: 'other', timestamp: 0, key: Buffer.alloc(0), value: null, headers: undefined }
    await expect(h.replay([record])).rejects.toMatchObject({ code: 'MR_STORE_UNKNOWN', store: 'other' })
  })
})

describe('the memory that a versioned store is known to use', () => {
  const put = (h: StateHarness, key: string, value: string | null, timestamp: number) =>
    h.store<VersionedState<string, string>>().put(key, value, timestamp)

  test('stays the same while a key has as many versions as its history retains', async () => {
    const h = await open([versionedSpec({ history: 100 })])
    const bytes: number[] = []
    for (let timestamp = 0; timestamp <= 5_000; timestamp += 10) {
      put(h, 'k', 'value', timestamp)
      await h.commit()
      bytes.push(h.state.cleanBytes)
    }
    expect(bytes.at(-1)).toBeLessThan(bytes[20]! * 1.1)
  })

  test('does not grow with the deletions that expire', async () => {
    const h = await open([versionedSpec({ history: 100 })])
    const bytes: number[] = []
    for (let round = 0; round < 50; round++) {
      put(h, 'k', 'value', round * 200_000)
      await h.commit()
      put(h, 'k', null, round * 200_000 + 1)
      await h.commit()
      put(h, 'other', 'value', round * 200_000 + 100_000)
      await h.commit()
      bytes.push(h.state.cleanBytes)
    }
    expect(bytes.at(-1)).toBeLessThan(bytes[5]! * 1.1)
  })
})

test('a versioned store that could not be read is not taken for one without the row', async () => {
  const h = await open([versionedSpec({ history: 100 })])
  const store = h.store<VersionedState<string, string>>()
  for (const timestamp of [10, 20, 30]) store.put('k', `at ${timestamp}`, timestamp)
  await h.commit()
  await h.reopen()
  const again = h.store<VersionedState<string, string>>()
  const { get: engineGet, iterate } = h.engine
  const fail = (): never => {
    throw new MillraceError('MR_STATE_IO', 'the disk fails')
  }
  h.engine.get = fail
  expect(() => again.get('k')).toThrow('the disk fails')
  h.engine.get = engineGet
  expect(again.get('k')?.value).toBe('at 30')
  h.engine.iterate = fail
  expect(() => again.getAsOf('k', 15)).toThrow('the disk fails')
  h.engine.iterate = iterate
  expect(again.getAsOf('k', 15)?.value).toBe('at 10')
})

describe('expired windows', () => {
  test('follow what is committed after a commit that failed with its write prepared', async () => {
    const h = await open([windowSpec({ retention: 100, value: int32() })], rocksdbEngine)
    const windows: WindowState<string, number> = h.store()
    windows.put('k', 1000, 1, 1)
    await h.commit()
    windows.put('k', 9_000_000, 2, 2)
    h.state.logChanges(() => undefined)
    h.state.prepareWrite()
    h.state.discard()
    expect([windows.observedTime, windows.get('k', 1000)?.value]).toEqual([1000, 1])
    windows.put('k', 1010, 3, 3)
    await h.commit()
    await h.reopen()
    const again: WindowState<string, number> = h.store()
    expect([again.observedTime, again.get('k', 1010)?.value]).toEqual([1010, 3])
  })

  test('are deleted from the engine by whole segments at a commit', async () => {
    const h = await open([windowSpec({ retention: 120_000, timeOrdered: true, value: int32() })], memoryEngine, {
      compatible: false,
    })
    const windows: WindowState<string, number> = h.store()
    for (let minute = 0; minute < 10; minute++) {
      windows.put('k', minute * 60_000, minute, 1)
      await h.commit()
    }
    const iterator = h.engine.iterate({ gte: Buffer.of(0, 1), lt: Buffer.of(0, 2) })
    let rows = 0
    while (iterator.next()) rows++
    iterator.close()
    // Minutes 7, 8 and 9, each with its row by time.
    expect(rows).toBe(6)
    expect(windows.get('k', 8 * 60_000)?.value).toBe(8)
    expect(windows.get('k', 7 * 60_000)).toBeUndefined()
  })

  test('stay expired after a restart', async () => {
    const h = await open([windowSpec({ retention: 100, value: int32() })], rocksdbEngine)
    h.store<WindowState<string, number>>().put('k', 50, 1, 1)
    h.store<WindowState<string, number>>().put('k', 1000, 2, 1)
    await h.commit()
    await h.reopen()
    const windows: WindowState<string, number> = h.store()
    expect([windows.observedTime, windows.get('k', 50), windows.get('k', 1000)?.value]).toEqual([1000, undefined, 2])
  })
})

describe('a scan by time', () => {
  test('does not ask the engine again while nothing can be due', async () => {
    const h = await open([windowSpec({ retention: 1_000_000, timeOrdered: true, value: int32() })])
    const windows: WindowState<string, number> = h.store()
    for (let start = 0; start < 10; start++) windows.put('k', start * 1000, start, 1)
    await h.commit()
    let iterators = 0
    const { iterate } = h.engine
    h.engine.iterate = (range: EngineRange) => {
      iterators++
      return iterate.call(h.engine, range)
    }
    const scan = (from: number, to: number) => {
      const cursor = windows.fetchAll(from, to, false)
      const found: number[] = []
      while (cursor.next()) found.push(cursor.start)
      cursor.close()
      return found
    }
    expect(scan(0, 1500)).toEqual([0, 1000])
    expect(iterators).toBe(1)
    for (let to = 1501; to < 2000; to++) expect(scan(to, to)).toEqual([])
    expect(iterators).toBe(1)
    windows.put('b', 1900, 7, 1)
    expect(scan(1900, 1999)).toEqual([1900])
    expect(scan(2000, 2000)).toEqual([2000])
  })
})

describe('an engine that answers later', () => {
  function later(engine: KeyValueEngine): KeyValueEngine {
    const soon = () => new Promise<void>((resolve) => setImmediate(resolve))
    return {
      name: 'level',
      get: (key) => engine.get(key),
      iterate: (range) => engine.iterate(range),
      async write(batch) {
        const copy = batch.copy()
        await soon()
        await engine.write(copy)
      },
      async close() {
        await soon()
        await engine.close()
      },
    }
  }

  test('is waited for at opening, at commits and at closing', async () => {
    const engine = memoryEngine.open('')
    const specs: StoreSpec[] = [
      keyValueSpec({ value: json() }),
      keyValueSpec({ name: 'memory', persistent: false, key: string() }),
    ]
    const opening = TaskState.open(later(engine), specs, environment)
    expect(opening).toBeInstanceOf(Promise)
    const state = await opening
    const store = state.state('store') as KeyValueState<string, number>
    store.put('k', 1, 1)
    const written = state.write(new Map())
    expect(written).toBeInstanceOf(Promise)
    expect(state.dirtyBytes).toBeGreaterThan(0)
    await written
    expect(state.dirtyBytes).toBe(0)
    expect(engine.get(Buffer.from('\u0000\u0001k', 'latin1'))).toBeDefined()
    await state.close()
  })
})

import {
  defineApp,
  json,
  keyValueStore,
  long,
  StreamsBuilder,
  string,
  timestampedKeyValueStore,
  topic,
  versionedKeyValueStore,
} from 'millrace'
import type { Serde, StoreShape } from 'millrace'
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest'
import type { KeyValueState } from '../../src/state/states.ts'
import { ENGINES, StateHarness, type Logged } from './support/state-harness.ts'

interface Total {
  readonly count: number
}

const harnesses: StateHarness[] = []
afterEach(async () => {
  for (const harness of harnesses.splice(0)) await harness.close()
})

const MARK = 'fe6d72ff76f8'
const value = json<Total>()

async function open<V>(serde: Serde<V>, shape: StoreShape<V>, rows: readonly Logged[] = [], engine = ENGINES[0]!) {
  const spec = timestampedKeyValueStore('totals', { key: string(), value: serde, ...shape })
  const harness = await StateHarness.open([spec], engine)
  harnesses.push(harness)
  await harness.replay(rows)
  const state: KeyValueState<string, V> = harness.at(1).store()
  return { harness, state }
}

const logged = (bytes: Buffer): Logged => ({
  store: 'totals',
  timestamp: 1,
  key: Buffer.from('a'),
  value: bytes,
  headers: undefined,
})

const bytesOf = (records: readonly Logged[]): (string | undefined)[] =>
  records.map((record) => record.value?.toString('hex'))

const textOf = (text: string): string => Buffer.from(text).toString('hex')

describe('the bytes of values', () => {
  test.each([
    ['without a version', {}, ''],
    ['of version 0', { version: 0 }, ''],
    ['of version 1', { version: 1 }, `${MARK}0001`],
    ['of version 65535', { version: 65_535 }, `${MARK}ffff`],
  ])('%s', async (_which, shape, mark) => {
    const { harness, state } = await open(value, shape)
    state.put('a', { count: 1 }, 1)
    expect(bytesOf(await harness.commit())).toEqual([mark + textOf('{"count":1}')])
    expect(state.get('a')?.value).toEqual({ count: 1 })
  })

  test('of a serde without fast paths', async () => {
    const slow: Serde<string> = {
      name: 'slow',
      serialize: (text) => Buffer.from(text),
      deserialize: (bytes) => Buffer.from(bytes).toString(),
    }
    const { harness, state } = await open(slow, { version: 2, migrate: (old, from) => `${String(old)} of ${from}` }, [
      logged(Buffer.from('rain')),
    ])
    expect(state.get('a')?.value).toBe('rain of 0')
    state.put('a', 'sun', 1)
    expect(bytesOf(await harness.commit())).toEqual([`${MARK}0002${textOf('sun')}`])
  })
})

describe.each(ENGINES)('on $name', (engine) => {
  test('a row keeps its version until it is put, however often it is read, scanned and written around', async () => {
    const { harness } = await open(value, {}, [], engine)
    harness.store<KeyValueState<string, Total>>().put('a', { count: 1 }, 1)
    harness.store<KeyValueState<string, Total>>().put('b', { count: 2 }, 2)
    const before = await harness.commit()
    const froms: number[] = []
    const shape: StoreShape<Total> = {
      version: 3,
      migrate({ count }: Total, from) {
        froms.push(from)
        return { count: count + 10 }
      },
    }
    const { harness: next, state } = await open(value, shape, before, engine)
    expect(state.get('a')).toMatchObject({ value: { count: 11 }, timestamp: 1 })
    const rows = state.range(undefined, undefined, false)
    const found: number[] = []
    while (rows.next()) found.push(rows.value.count)
    rows.close()
    expect(found).toEqual([11, 12])
    expect(await next.commit()).toEqual([])
    state.put('b', { count: 0 }, 3)
    expect(bytesOf(await next.commit())).toEqual([`${MARK}0003${textOf('{"count":0}')}`])
    await next.reopen()
    const again: KeyValueState<string, Total> = next.store()
    expect(again.get('a')?.value).toEqual({ count: 11 })
    expect(again.get('b')?.value).toEqual({ count: 0 })
    expect(new Set(froms)).toEqual(new Set([0]))
  })
})

test('rows of another serde are read by that one', async () => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(7n)
  const { state } = await open(
    value,
    { version: 1, serdes: { 0: long() }, migrate: (old) => ({ count: old as number }) },
    [logged(bytes)],
  )
  expect(state.get('a')?.value).toEqual({ count: 7 })
})

test('a store whose serde reads any bytes does not take a value of a newer version for one of its own', async () => {
  const { harness, state } = await open(string(), { version: 1 })
  state.put('a', 'rain', 1)
  const { state: old } = await open(string(), {}, await harness.commit())
  expect(() => old.get('a')).toThrow(expect.objectContaining({ code: 'MR_STORE_VERSION', store: 'totals' }))
})

test('a value of its own version that is damaged is named so', async () => {
  const { harness, state } = await open(value, { version: 1 })
  state.put('a', { count: 1 }, 1)
  const [row] = await harness.commit()
  const { state: other } = await open(value, { version: 1 }, [logged(row!.value!.subarray(0, -1))])
  expect(() => other.get('a')).toThrow(expect.objectContaining({ code: 'MR_STATE_DESERIALIZE' }))
})

test('a value of a version before its own, without migrate(), is refused with the hint to write it', async () => {
  const { state } = await open(value, { version: 1 }, [logged(Buffer.from('{"count":1}'))])
  expect(() => state.get('a')).toThrow(
    expect.objectContaining({ code: 'MR_STORE_VERSION', hint: expect.stringContaining('a function `migrate`') }),
  )
})

test.each([
  ['nothing', () => undefined, 'it returned undefined'],
  ['null', () => null, 'it returned null'],
  ['a promise', () => Promise.reject(new Error('late')), 'it returned a promise'],
  ['what the store cannot keep', () => ({ count: NaN }), '$.count'],
])('a migrate() that returns %s is refused', async (_what, migrate, message) => {
  const { state } = await open(value, { version: 1, migrate: migrate as () => Total }, [
    logged(Buffer.from('{"count":1}')),
  ])
  expect(() => state.get('a')).toThrow(
    expect.objectContaining({ code: 'MR_STORE_MIGRATE', store: 'totals', message: expect.stringContaining(message) }),
  )
})

describe('options', () => {
  const words = topic('words', { key: string(), value: string() })
  const migrate = (): string => ''

  test.each<[string, object, string]>([
    ['migrate() without a version', { migrate }, 'but no version'],
    ['a version below 0', { version: -1 }, 'version'],
    ['a version beyond 65535', { version: 65_536 }, 'version'],
    ['an async migrate()', { version: 1, migrate: async () => '' }, 'async'],
    ['reading up to an earlier version', { version: 2, readsUpTo: 1, migrate }, 'reads up to a version before its own'],
    ['reading others without migrate()', { version: 1, readsUpTo: 2 }, 'no function migrate'],
    ['serdes without migrate()', { version: 1, serdes: { 0: long() } }, 'no function migrate'],
    ['serdes of no version', { version: 1, migrate, serdes: { first: long() } }, 'serdes'],
    ['something else than a serde', { version: 1, migrate, serdes: { 0: long } }, 'serdes'],
  ])('%s is refused', (_what, shape, message) => {
    expect(() => keyValueStore('totals', { key: string(), value: string(), ...shape })).toThrow(
      expect.objectContaining({ code: 'MR_STORE_INVALID', message: expect.stringContaining(message) }),
    )
    const builder = new StreamsBuilder()
    expect(() => builder.stream(words).toTable({ store: { name: 'totals', ...shape } })).toThrow(
      expect.objectContaining({ code: 'MR_TOPOLOGY_STORE_OPTION', message: expect.stringContaining(message) }),
    )
  })

  const shaped = { name: 'totals', version: 1, migrate }
  test.each<[string, (builder: StreamsBuilder) => void]>([
    ['a table that is rebuilt from its topic', (builder) => builder.table(words, { store: shaped })],
    ['a global table', (builder) => builder.globalTable(words, { store: shaped })],
    [
      'a global store',
      (builder) =>
        builder.addGlobalStore(keyValueStore('totals', { key: string(), value: string(), version: 1 }), words, () => ({
          process: () => {},
        })),
    ],
    [
      'the left table of a foreign-key join',
      (builder) => {
        const left = builder.stream(words).toTable({ store: shaped })
        left.join(
          builder.table(topic('right', { key: string(), value: string() })),
          (word) => word,
          (one, other) => one + other,
          { value: string() },
        )
      },
    ],
  ])('%s has no version of its own', (_what, build) => {
    const app = defineApp({ id: 'shapes', optimize: 'all', build: (builder) => void build(builder) })
    expect(() => app.topology()).toThrow(
      expect.objectContaining({ code: 'MR_TOPOLOGY_STORE_OPTION', message: expect.stringContaining('has a version') }),
    )
  })

  test('migrate() takes the type of the old values, and must return that of the store', () => {
    expectTypeOf(versionedKeyValueStore<string, Total>)
      .parameter(1)
      .toHaveProperty('migrate')
    versionedKeyValueStore('a', {
      key: string(),
      value,
      history: '1d',
      version: 1,
      migrate: (old: { sum: number }) => ({ count: old.sum }),
    })
    // @ts-expect-error a text is no total
    versionedKeyValueStore('b', { key: string(), value, history: '1d', version: 1, migrate: () => 'text' })
    const group = new StreamsBuilder().stream(words).groupByKey()
    group.count({ store: { name: 'c', version: 1, migrate: (old: Total) => old.count } })
    // @ts-expect-error a total is no count
    group.count({ store: { name: 'd', version: 1, migrate: (old: Total) => old } })
  })
})

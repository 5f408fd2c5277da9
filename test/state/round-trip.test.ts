import { afterEach, describe, expect, test } from 'vitest'
import { messageWithValues, MillraceError } from '../../src/errors/millrace-error.ts'
import { bytes, float64, json, long, type Serde } from '../../src/serde/serdes.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import type { KeyValueState, SessionState, VersionedState, WindowState } from '../../src/state/states.ts'
import { keyValueSpec, sessionSpec, StateHarness, versionedSpec, windowSpec } from './support/state-harness.ts'

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

class Money {
  cents = 5
}

const holed: number[] = [1]
holed[2] = 3

/** `make` returns a new value for each put. */
const lossy: [what: string, make: () => unknown, path: string][] = [
  ['a Date', () => ({ when: [new Date(0)] }), '$.when[0]: a Date became "1970-01-01T00:00:00.000Z"'],
  ['a Map', () => ({ totals: new Map([['a', 1]]) }), '$.totals: a Map became an object'],
  ['a Set', () => new Set([1]), '$: a Set became an object'],
  ['NaN', () => ({ rate: Number.NaN }), '$.rate: number NaN became null'],
  ['an infinity', () => [1, -Infinity], '$[1]: number -Infinity became null'],
  ['NaN by itself', () => Number.NaN, '$: number NaN became null'],
  ['a class instance', () => new Money(), '$: a Money became an object'],
  ['a class instance with toJSON', () => ({ at: new URL('http://a/') }), '$.at: a URL became "http://a/"'],
  ['a bigint', () => ({ id: 5n }), '$.id: bigint 5 became number 5'],
  ['a bigint by itself', () => 5n, '$: bigint 5 became number 5'],
  ['undefined in an array', () => ({ list: [1, undefined] }), '$.list[1]: undefined became null'],
  ['a hole in an array', () => holed, '$[1]: undefined became null'],
  ['a Buffer', () => ({ raw: Buffer.of(1) }), '$.raw: a Buffer became an object'],
  ['a typed array', () => ({ raw: new Float64Array(1) }), '$.raw: a Float64Array became an object'],
  ['a function', () => ({ f: () => 1 }), '$.f: function () => 1 was lost'],
  ['a symbol', () => ({ s: Symbol('x') }), '$.s: symbol Symbol(x) was lost'],
  ['a boxed number', () => ({ n: Object(5) }), '$.n: a Number became number 5'],
  ['an object that inherits fields', () => Object.create({ a: 1 }), '$: an object became an object'],
]

describe('json state refuses what JSON would not give back, with store and path', () => {
  for (const [what, make, path] of lossy) {
    test(`${what}, at every put`, async () => {
      harness = await StateHarness.open([
        keyValueSpec({ value: json<unknown>() }),
        keyValueSpec({ name: 'cached', value: json<unknown>(), caching: true }),
        windowSpec({ name: 'w', value: json<unknown>() }),
        sessionSpec({ name: 's', value: json<unknown>() }),
        versionedSpec({ name: 'v', value: json<unknown>() }),
      ])
      const state: KeyValueState<string, unknown> = harness.store()
      const cached: KeyValueState<string, unknown> = harness.store('cached')
      const windows: WindowState<string, unknown> = harness.store('w')
      const sessions: SessionState<string, unknown> = harness.store('s')
      const versions: VersionedState<string, unknown> = harness.store('v')
      for (let i = 0; i < 150; i++) state.put('k', { i }, 1)
      const puts = [
        () => state.put('k', make(), 1),
        () => state.put('k', make(), 1),
        () => cached.put('k', make(), 1),
        () => windows.put('k', 5, make(), 1),
        () => sessions.put('k', 1, 5, make()),
        () => versions.put('k', make(), 1),
      ]
      for (const put of puts) {
        const refused = failure(put)
        const { code, store, hint } = refused
        expect(code).toBe('MR_SERDE_ROUND_TRIP')
        expect(['store', 'cached', 'w', 's', 'v']).toContain(store)
        expect(messageWithValues(refused)).toContain(path)
        expect(hint).toContain('no Date')
      }
      expect(state.get('k')?.value).toEqual({ i: 149 })
      expect([cached.get('k'), windows.get('k', 5), versions.get('k')]).toEqual([undefined, undefined, undefined])
      await harness.commit()
    })
  }

  test('a value that holds itself', async () => {
    harness = await StateHarness.open([keyValueSpec({ value: json<unknown>() })])
    const state: KeyValueState<string, unknown> = harness.store()
    const circle: { self?: unknown } = {}
    circle.self = { circle }
    const { code, cause } = failure(() => state.put('k', circle, 1))
    expect(code).toBe('MR_STATE_SERIALIZE')
    expect(String(cause)).toContain('circular')
  })
})

const element = { n: 0 }

/** Values that lose nothing but come back in another form: as put, and as read. */
const restated: [what: string, make: () => unknown, read: unknown][] = [
  ['a field that is undefined', () => ({ a: 1, note: undefined, by: { x: undefined } }), { a: 1, by: {} }],
  ['-0', () => ({ n: -0, list: [-0] }), { n: 0, list: [0] }],
  ['-0 by itself', () => -0, 0],
  ['an object without prototype', () => Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  [
    'an accessor',
    () => ({
      n: 1,
      get next() {
        return 2
      },
    }),
    { n: 1, next: 2 },
  ],
  ['a symbol key', () => ({ list: [{ [Symbol('x')]: 1 }] }), { list: [{}] }],
  ['a hidden field', () => Object.defineProperty({ n: 1 }, 'note', { value: 'x' }), { n: 1 }],
  ['the extra fields of a match', () => ({ match: 'ab'.match(/b/) }), { match: ['b'] }],
]

describe('json state reads the same from memory and from disk', () => {
  for (const caching of [false, true]) {
    for (const [what, make, read] of restated) {
      test(`${what}, caching ${caching}`, async () => {
        const h = (harness = await StateHarness.open(
          [keyValueSpec({ value: json<unknown>(), caching }), versionedSpec({ name: 'v', value: json<unknown>() })],
          rocksdbEngine,
          { cacheBytes: 1_000_000 },
        ))
        const state: KeyValueState<string, unknown> = h.store()
        const versions: VersionedState<string, unknown> = h.store('v')
        state.put('owned', make(), 1)
        state.put('shared', make(), 1)
        versions.put('k', make(), 1)
        const seen = () => [state.get('owned')?.value, state.get('shared')?.value, versions.get('k')?.value]
        const before = seen()
        expect(before).toStrictEqual([read, read, read])
        await h.commit()
        expect(seen()).toStrictEqual(before)
        const again = (harness = new StateHarness(
          [keyValueSpec({ value: json<unknown>(), caching }), versionedSpec({ name: 'v', value: json<unknown>() })],
          rocksdbEngine,
        ))
        await again.open()
        await again.replay(h.log)
        expect(again.store<KeyValueState<string, unknown>>().get('owned')?.value).toStrictEqual(read)
        await h.close()
      })
    }
  }

  test('an object that occurs twice in a value is two objects', async () => {
    harness = await StateHarness.open([keyValueSpec({ value: json<{ n: number }[]>() })])
    const state: KeyValueState<string, { n: number }[]> = harness.store()
    for (const length of [2, 24]) {
      state.put(
        'k',
        Array.from({ length }, () => element),
        1,
      )
      const value = state.get('k')?.value ?? []
      value[0]!.n++
      expect(value[1]).toEqual({ n: 0 })
    }
    const pair = { n: 1 }
    state.put('k', [pair, { n: 2 }, pair], 1)
    const [first, , last] = state.get('k')?.value ?? []
    expect(first).toEqual(last)
    expect(first).not.toBe(last)
  })

  test('what JSON holds is the same: text with half a surrogate pair, __proto__ as a field, deep values', async () => {
    harness = await StateHarness.open([keyValueSpec({ value: json<unknown>() })])
    const state: KeyValueState<string, unknown> = harness.store()
    let deep: unknown = 1
    for (let i = 0; i < 500; i++) deep = { deep }
    for (const value of [{ text: '\ud800', ['__proto__']: { a: 1 }, none: null }, deep]) {
      state.put('k', value, 1)
      expect(state.get('k')?.value).toStrictEqual(value)
      await harness.commit()
      expect(JSON.parse(String(harness.log.at(-1)?.value))).toStrictEqual(value)
    }
  })
})

describe('other serdes', () => {
  const text: Serde<unknown> = {
    name: 'text',
    serialize: (value) => Buffer.from(JSON.stringify(value)),
    deserialize: (data) => JSON.parse(Buffer.from(data).toString()) as unknown,
  }

  test('that users write are compared at every put', async () => {
    harness = await StateHarness.open([keyValueSpec({ value: text })])
    const state: KeyValueState<string, unknown> = harness.store()
    for (let i = 0; i < 150; i++) state.put('k', { i, note: undefined }, 1)
    expect(failure(() => state.put('k', { at: new Date(0) }, 1))).toMatchObject({
      code: 'MR_SERDE_ROUND_TRIP',
      store: 'store',
      message: expect.stringContaining('serde text does not give back what it wrote: $.at: a Date became a string'),
    })
    expect(state.get('k')?.value).toStrictEqual({ i: 149 })
  })

  test('may copy values themselves, or return those that nobody changes', async () => {
    harness = await StateHarness.open([keyValueSpec({ value: { ...text, copy: (given) => given } })])
    const state: KeyValueState<string, unknown> = harness.store()
    const value = { n: 1 }
    state.put('k', value, 1)
    expect(state.get('k')?.value).toBe(value)
  })

  test('for numbers read -0 as 0 and keep NaN where they can; bytes are a Buffer', async () => {
    harness = await StateHarness.open([
      keyValueSpec({ value: float64() }),
      keyValueSpec({ name: 'l', value: long() }),
      keyValueSpec({ name: 'b', value: bytes() }),
    ])
    const numbers: KeyValueState<string, number> = harness.store()
    numbers.put('k', -0, 1)
    numbers.put('nan', Number.NaN, 1)
    harness.store<KeyValueState<string, number>>('l').put('k', -0, 1)
    harness.store<KeyValueState<string, Uint8Array>>('b').put('k', new Uint8Array([1]), 1)
    expect(numbers.get('k')?.value).toBe(0)
    expect(numbers.get('nan')?.value).toBeNaN()
    expect(harness.store<KeyValueState<string, number>>('l').get('k')?.value).toBe(0)
    expect(harness.store<KeyValueState<string, Uint8Array>>('b').get('k')?.value).toStrictEqual(Buffer.of(1))
  })
})

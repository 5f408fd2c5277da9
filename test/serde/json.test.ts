import type { StandardSchemaV1 } from '@standard-schema/spec'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { json } from '../../src/serde/json.ts'
import type { Serde, SerdeType } from '../../src/serde/serde.ts'
import { windowed } from '../../src/serde/windowed.ts'
import { string } from '../../src/serde/string.ts'
import type { Windowed } from '../../src/windowing/windowed-key.ts'

const Payment = z.object({ from: z.string(), cents: z.int(), at: z.string().transform((text) => new Date(text)) })

function data(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

test('the type of a topic comes from its schema or its type argument', () => {
  expectTypeOf(json(Payment)).toEqualTypeOf<Serde<{ from: string; cents: number; at: Date }>>()
  expectTypeOf(json<{ n: number }>()).toEqualTypeOf<Serde<{ n: number }>>()
  expectTypeOf(windowed(string(), '1m')).toEqualTypeOf<Serde<Windowed<string>>>()
  const serde = json(z.object({ n: z.coerce.number() }))
  expectTypeOf<SerdeType<typeof serde>>().toEqualTypeOf<{ n: number }>()
})

test('a schema validates and transforms what is read', () => {
  expect(json(Payment).deserialize(data({ from: 'alice', cents: 5, at: '2026-01-02T03:04:05Z', more: 1 }))).toEqual({
    from: 'alice',
    cents: 5,
    at: new Date('2026-01-02T03:04:05Z'),
  })
})

test('data that does not fit the schema is an error that names every path', () => {
  const serde = json(z.object({ from: z.string(), items: z.array(z.object({ cents: z.int() })) }))
  expect(() => serde.deserialize(data({ items: [{ cents: 1 }, { cents: 1.5 }] }))).toThrow(
    expect.objectContaining({
      code: 'MR_SCHEMA',
      message: expect.stringMatching(/\$\.from: .*\$\.items\[1\]\.cents: /),
      hint: expect.stringContaining('onDeserializationError'),
    }),
  )
})

test('stores and internal topics get plain JSON of the output: no validation, no second transformation', () => {
  const internal = json(z.object({ n: z.number().transform((n) => n * 2) })).internal
  expect(internal?.deserialize(data({ n: 'not even a number' }))).toEqual({ n: 'not even a number' })
  expect(internal?.internal).toBeUndefined()
})

test('a windowed key of a schema has its plain form inside too', () => {
  const serde = windowed(json(z.object({ id: z.string().toUpperCase() })), 10)
  const bytes = Buffer.concat([data({ id: 'a' }), Buffer.alloc(8)])
  expect(serde.deserialize(bytes).key).toEqual({ id: 'A' })
  expect(serde.internal?.deserialize(bytes).key).toEqual({ id: 'a' })
})

test('an asynchronous schema is refused at the first record, and its rejection does not end the process', async () => {
  const schema: StandardSchemaV1<string> = {
    '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('late')) },
  }
  const serde = json(schema)
  expect(() => serde.deserialize(data('x'))).toThrow(expect.objectContaining({ code: 'MR_SCHEMA_ASYNC' }))
  await new Promise((resolve) => setImmediate(resolve))
})

test('a zod schema with an asynchronous check is refused', () => {
  const serde = json(z.string().refine(async (text) => text.length > 0))
  expect(() => serde.deserialize(data('x'))).toThrow(expect.objectContaining({ code: 'MR_SCHEMA_ASYNC' }))
})

test('a toJSON that answers null is refused: the value would come back as a null', () => {
  expect(() => json<{ toJSON(): null }>().serialize({ toJSON: () => null })).toThrow(TypeError)
})

const lostInTopics: [what: string, value: unknown, message: string][] = [
  ['NaN', { rate: Number.NaN }, '$.rate: NaN'],
  ['an infinity by itself', Infinity, '$: Infinity'],
  ['a Map', { a: [new Map([[1, 2]])] }, '$.a[0]: a Map'],
  ['a Map with a field', Object.assign(new Map(), { note: 1 }), '$: a Map'],
  ['a Set', new Set([1]), '$: a Set'],
  ['undefined in an array', { a: [undefined] }, '$.a[0]: undefined'],
  ['a promise', { a: Promise.resolve(1) }, '$.a: a Promise'],
  ['an error', { error: Object.assign(new RangeError('x'), { code: 1 }) }, '$.error: a RangeError'],
  ['a regular expression', { like: /x/ }, '$.like: a RegExp'],
  ['what is iterated only', new URLSearchParams('a=1'), '$: a URLSearchParams'],
  ['a function', { f() {} }, '$.f: a function'],
  ['a symbol', [Symbol('x')], '$[0]: a symbol'],
  ['NaN in what toJSON answers', { a: { toJSON: () => ({ n: Number.NaN }) } }, '$.a.n: NaN'],
  ['a boxed NaN', { n: Object(Number.NaN) }, '$.n: NaN'],
]

test.each(lostInTopics)('what would be lost of a record is an error with its path: %s', (_what, value, message) => {
  const expected = expect.objectContaining({
    code: 'MR_SERDE_ROUND_TRIP',
    message: `json would lose a part of the value: ${message}`,
    hint: expect.stringContaining('toJSON'),
  })
  expect(() => json<unknown>().serialize(value)).toThrow(expected)
  expect(() => json<unknown>().write?.(value, Buffer.alloc(100), 0)).toThrow(expected)
})

test('what has toJSON is written as it says, a class as its fields, a field that is undefined not at all', () => {
  class Order {
    id = 7
    note: string | undefined = undefined
    lines = [new Date(0)]
    raw = Buffer.of(1)
    none = null
  }
  expect(String(json<Order>().serialize(new Order()))).toBe(
    '{"id":7,"lines":["1970-01-01T00:00:00.000Z"],"raw":{"type":"Buffer","data":[1]},"none":null}',
  )
  expect(String(json<unknown>().serialize([Object(5), new Date(Number.NaN), -0]))).toBe('[5,null,0]')
})

test('a bigint and a value that holds itself are of a type that JSON does not have', () => {
  expect(() => json<unknown>().serialize({ a: [1n] })).toThrow(
    new TypeError("json: $.a[0] is a bigint: use json({ integers: 'bigint' }) to write it exactly"),
  )
  const circle: Record<string, unknown> = { at: new Date(0) }
  circle['a'] = { circle, b: { circle } }
  expect(() => json<unknown>().serialize(circle)).toThrow(/circular/)
})

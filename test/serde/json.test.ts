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

import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { messageWithValues, type MillraceError } from '../../src/errors/millrace-error.ts'
import { firstDifference } from '../../src/serde/first-difference.ts'
import { json, type JsonIntegers } from '../../src/serde/serdes.ts'

function read(text: string, integers?: JsonIntegers): unknown {
  return json<unknown>(integers === undefined ? {} : { integers }).deserialize(Buffer.from(text))
}

function refusal(body: () => unknown): MillraceError {
  try {
    body()
  } catch (error) {
    return error as MillraceError
  }
  throw new Error('nothing was thrown')
}

/** Numbers whose digits a `number` does not keep, each with the bigint that is read; undefined if there is none. */
const inexact: [text: string, bigint: bigint | undefined][] = [
  ['9007199254740993', 9007199254740993n],
  ['-9007199254740993', -9007199254740993n],
  ['1688888483063664642', 1688888483063664642n],
  // A double holds this number, but writes it with other digits.
  ['1688888483063664640', 1688888483063664640n],
  ['12345678901234567890123', 12345678901234567890123n],
  ['1'.repeat(400), BigInt('1'.repeat(400))],
  ['9.007199254740993e15', undefined],
  ['12345678901234567.89', undefined],
  ['1e400', undefined],
]

/** Numbers that a `number` keeps, or whose fraction it rounds as usual. */
const kept = [
  ...['9007199254740991', '9007199254740992', '-9007199254740992', '9007199254740994', '1000000000000000000', '1e23'],
  ...[
    '1000000000000000000000',
    '1688888483063664600',
    '1.5e300',
    '0.1000000000000000055',
    '9007199254740991.4',
    '1e-400',
  ],
  ...['1.7976931348623157e308', '-0', '5E-0'],
]

describe('integers whose digits a number does not keep', () => {
  test.each(inexact)('%s is refused with its path, or exact', (text, bigint) => {
    const data = `{"a":[1,{"user.id":${text}}],"note":"9007199254740993"}`
    const refused = refusal(() => read(data))
    const { code, message, hint } = refused
    expect(code).toBe('MR_NUMBER_RANGE')
    expect(message).toContain(`$.a[1].user.id: a number of ${text.length} characters`)
    expect(messageWithValues(refused)).toContain(`$.a[1].user.id: ${text.slice(0, 40)}`)
    expect(hint).toContain("json({ integers: 'bigint' })")
    const withField = (field: unknown) => ({ a: [1, { 'user.id': field }], note: '9007199254740993' })
    if (bigint === undefined) expect(refusal(() => read(data, 'bigint')).hint).toContain("integers: 'string'")
    else expect(read(data, 'bigint')).toStrictEqual(withField(bigint))
    expect(read(data, 'string')).toStrictEqual(withField(text))
    expect(read(data, 'round')).toStrictEqual(withField(Number(text)))
    expect(refusal(() => read(text)).message).toContain('json: $: ')
  })

  test.each(kept)('%s is the number that it is', (text) => {
    for (const integers of ['refuse', 'bigint', 'string', 'round'] as const) {
      expect(read(`{"a":${text}}`, integers)).toStrictEqual({ a: Number(text) })
    }
  })

  test('any whole number is refused or comes back with its digits, and bigints of any size are written exactly', () => {
    const serde = json<unknown>({ integers: 'bigint' })
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (bigint) => {
        const text = `[${bigint}]`
        expect(String(serde.serialize([bigint]))).toBe(text)
        const [found] = serde.deserialize(Buffer.from(text)) as [number | bigint]
        const [digits] = read(text, 'string') as [number | string]
        if (typeof found === 'number') {
          expect(read(text)).toEqual([found])
          expect(digits).toBe(found)
          expect(BigInt(Number(found).toLocaleString('en', { useGrouping: false, maximumSignificantDigits: 21 }))).toBe(
            bigint,
          )
        } else {
          expect(found).toBe(bigint)
          expect(digits).toBe(String(bigint))
          expect(() => read(text)).toThrow(expect.objectContaining({ code: 'MR_NUMBER_RANGE' }))
        }
        const internal = serde.internal!
        for (const value of [bigint, Number(bigint), { a: [bigint, 'E-0'] }]) {
          expect(internal.deserialize(internal.serialize(value))).toStrictEqual(value)
        }
      }),
    )
  })

  test('a number of somebody else that is written like the mark of a bigint in stores is the number that it is', () => {
    expect(read('[1.5E-0,5E-0,9007199254740993]', 'bigint')).toStrictEqual([1.5, 5, 9007199254740993n])
  })

  test('bigints are exact also where a program gave them a toJSON', () => {
    const prototype = BigInt.prototype as { toJSON?: () => string }
    prototype.toJSON = function (this: bigint) {
      return String(this)
    }
    try {
      const serde = json<unknown>({ integers: 'bigint' })
      expect(String(serde.serialize({ a: 5n, b: { toJSON: () => 6n } }))).toBe('{"a":5,"b":6}')
      expect(serde.internal?.deserialize(serde.internal.serialize({ a: 5n }))).toStrictEqual({ a: 5n })
      expect(String(json<unknown>().serialize({ a: 5n }))).toBe('{"a":"5"}')
    } finally {
      delete prototype.toJSON
    }
  })

  test('a schema sees what is read, and its output is what stores get', () => {
    const Payment = z.object({ userId: z.coerce.bigint(), cents: z.int() })
    const data = Buffer.from('{"userId":1688888483063664642,"cents":5}')
    expect(() => json(Payment).deserialize(data)).toThrow(expect.objectContaining({ code: 'MR_NUMBER_RANGE' }))
    const serde = json(Payment, { integers: 'bigint' })
    expect(serde.deserialize(data)).toStrictEqual({ userId: 1688888483063664642n, cents: 5 })
    const small = serde.deserialize(Buffer.from('{"userId":7,"cents":5}'))
    expect(small).toStrictEqual({ userId: 7n, cents: 5 })
    expect(String(serde.serialize(small))).toBe('{"userId":7,"cents":5}')
    expect(serde.internal?.deserialize(serde.internal.serialize(small))).toStrictEqual(small)
  })

  test('options that do not exist are refused with the nearest that does', () => {
    const wrong = (options: object) => refusal(() => json(options as {}))
    expect(wrong({ integer: 'bigint' })).toMatchObject({
      code: 'MR_CONFIG',
      hint: expect.stringContaining('Did you mean integers'),
    })
    expect(wrong({ integers: 'bignum' })).toMatchObject({
      code: 'MR_CONFIG',
      hint: expect.stringContaining("'bigint'"),
    })
    expect(refusal(() => json(z.string(), { integer: 1 } as {}))).toMatchObject({ code: 'MR_CONFIG' })
  })
})

const names = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'toJSON', '1'))

describe('the copy that a store or a join takes of a value', () => {
  const bigints = fc.oneof(fc.bigInt({ min: -(2n ** 55n), max: 2n ** 55n }), fc.bigInt(), fc.constant(10n ** 18n))
  const leaves = fc.oneof(
    bigints,
    fc.double(),
    fc.string(),
    fc.constantFrom(null, true, undefined, -0, new Date(0), () => 1, Object(5n)),
  )
  const { value: values } = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, leaves, fc.array(tie('value')), fc.dictionary(names, tie('value'))),
  }))

  test.each([
    ["json({ integers: 'bigint' }) in a store", json<unknown>({ integers: 'bigint' }).internal!],
    ["json({ integers: 'bigint' }) on a topic", json<unknown>({ integers: 'bigint' })],
    ['json()', json<unknown>()],
  ])('with %s is what its text gives back, and an error where that is another value', (_name, serde) => {
    fc.assert(
      fc.property(values, (given) => {
        const value = { given }
        let readBack: unknown
        try {
          readBack = serde.deserialize(serde.serialize(value))
        } catch {
          expect(() => serde.copy!(value)).toThrow()
          return
        }
        if (firstDifference(value, readBack) !== undefined) expect(() => serde.copy!(value)).toThrow()
        else expect(serde.copy!(value)).toStrictEqual(readBack)
      }),
      { numRuns: 300 },
    )
  })

  test('makes no text of a value with bigints', () => {
    const stringify = vi.spyOn(JSON, 'stringify')
    const { internal } = json<unknown>({ integers: 'bigint' })
    const value = { user: 9007199254740993n, amounts: [5n, 1, null], note: '5' }
    try {
      expect(internal!.copy!(value)).toStrictEqual(value)
      expect(internal!.copy!(value)).not.toBe(value)
      expect(stringify).not.toHaveBeenCalled()
    } finally {
      stringify.mockRestore()
    }
  })
})

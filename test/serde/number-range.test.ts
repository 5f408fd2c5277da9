import { expect, test } from 'vitest'
import { float64 } from '../../src/serde/float64.ts'
import { int32 } from '../../src/serde/int32.ts'
import { int64 } from '../../src/serde/int64.ts'
import { long } from '../../src/serde/long.ts'
import { string } from '../../src/serde/string.ts'
import { uuid } from '../../src/serde/uuid.ts'

test('a count past 2^53 is an error with a code and a way out, not a rounded number', () => {
  expect(() => long().serialize(2 ** 53)).toThrow(
    expect.objectContaining({ code: 'MR_NUMBER_RANGE', hint: expect.stringContaining('int64()') }),
  )
  const tooLarge = int64().serialize(2n ** 53n)
  expect(() => long().deserialize(tooLarge)).toThrow(
    expect.objectContaining({ code: 'MR_NUMBER_RANGE', message: 'long: the bigint is out of range' }),
  )
})

test('numbers beyond the bits of their format are refused', () => {
  const range = expect.objectContaining({ code: 'MR_NUMBER_RANGE' })
  expect(() => int32().serialize(2 ** 31)).toThrow(range)
  expect(() => int32().write?.(-(2 ** 31) - 1, Buffer.alloc(8), 0)).toThrow(range)
  expect(() => int64().serialize(2n ** 63n)).toThrow(range)
})

test('negative zero and zero are one key', () => {
  expect(Object.is(float64().deserialize(float64().serialize(-0)), 0)).toBe(true)
  expect(Object.is(float64().deserialize(Buffer.from('8000000000000000', 'hex')), 0)).toBe(true)
})

test('text that UTF-8 cannot hold is refused instead of becoming another text', () => {
  const malformed = expect.objectContaining({ code: 'MR_STRING_MALFORMED' })
  expect(() => string().serialize('cut \ud83d')).toThrow(malformed)
  expect(() => string().write?.('cut \ud83d', Buffer.alloc(100), 0)).toThrow(malformed)
})

test('bytes that are not UTF-8 are read with replacement characters, as Java does', () => {
  expect(string().deserialize(Buffer.from('61ff62', 'hex'))).toBe('a\ufffdb')
})

test('a UUID in upper case is read in lower case, and refused on writing', () => {
  const upper = '123E4567-E89B-12D3-A456-426614174000'
  expect(uuid().deserialize(Buffer.from(upper))).toBe(upper.toLowerCase())
  expect(() => uuid().serialize(upper)).toThrow(expect.objectContaining({ code: 'MR_UUID' }))
})

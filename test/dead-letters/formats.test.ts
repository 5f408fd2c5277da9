import { bytes, float64, int32, int64, json, long, string, uuid, windowed } from 'millrace'
import type { Headers, Serde } from 'millrace'
import { describe, expect, test } from 'vitest'
import { readLetterHeaders } from '../../src/dead-letters/letter-headers.ts'
import { letterId, parseLetterId } from '../../src/dead-letters/letter-id.ts'
import { jsonOf } from '../../src/serde/json-of.ts'
import { encodePatch } from '../../src/dead-letters/patch.ts'
import { originHeaders } from './letters.ts'

describe('a patch that came as JSON', () => {
  const letter = { topic: 'rejected', partition: 0, offset: 7 }
  const origin = { topic: 'input', partition: 0, offset: 1, timestamp: 0 }
  const encode = (serde: Serde<never>, value: unknown): unknown => {
    const input = { keySerde: string() as Serde<unknown>, valueSerde: serde as Serde<unknown>, internal: false }
    const { value: encoded } = encodePatch({ value }, origin, input, letter)
    return encoded === null || encoded === undefined ? encoded : serde.deserialize(encoded)
  }

  test.each([
    ['a number for int64', int64(), 5, 5n],
    ['digits for int64', int64(), '-9007199254740993', -9007199254740993n],
    ['a number for long', long(), 5, 5],
    ['a number for int32', int32(), 5, 5],
    ['a fraction for float64', float64(), 0.5, 0.5],
    ['base64 for bytes', bytes(), { base64: 'AP8=' }, Buffer.from([0, 255])],
    ['base64 for JSON, where it is an object', json(), { base64: 'AP8=' }, { base64: 'AP8=' }],
    ['digits for a text', string(), '5', '5'],
    ['null', json(), null, null],
    ['nothing', json(), undefined, undefined],
    [
      'an object for a windowed key',
      windowed(string(), 10),
      { key: 'a', start: 20, end: 30 },
      { key: 'a', start: 20, end: 30 },
    ],
  ])('takes %s', (_what, serde, value, expected) => {
    expect(encode(serde as Serde<never>, value)).toEqual(expected)
  })

  test.each([
    ['a fraction for int64', int64(), 5.5],
    ['digits for int32', int32(), '5'],
    ['a number for a text', string(), 5],
    ['a text for bytes', bytes(), 'text'],
    ['what is no base64', bytes(), { base64: 'ü' }],
    ['no UUID', uuid(), 'text'],
    ['more than 64 bits', int64(), '9'.repeat(30)],
  ])('refuses %s, with the place of the dead letter', (_what, serde, value) => {
    expect(() => encode(serde as Serde<never>, value)).toThrow(
      expect.objectContaining({ code: 'MR_DEAD_LETTER_PATCH', ...letter, hint: expect.stringContaining(serde.name) }),
    )
  })
})

test('any value is shown as JSON, whatever a serde returns', () => {
  const circular: { self?: unknown } = {}
  circular.self = circular
  const values = {
    big: 9007199254740993n,
    none: Number.NaN,
    bytes: Buffer.from([0, 255]),
    map: new Map([['a', 1n]]),
    set: new Set([1]),
    date: new Date(0),
    left: undefined,
  }
  expect(jsonOf(values)).toEqual({
    big: '9007199254740993',
    none: 'NaN',
    bytes: { base64: 'AP8=' },
    map: [['a', '1']],
    set: [1],
    date: '1970-01-01T00:00:00.000Z',
  })
  expect(jsonOf(undefined)).toBe(null)
  expect(jsonOf(circular)).toContain('[Circular')
})

test('a dead letter of a dead letter has the headers of the first one among those of its record', () => {
  const inner = originHeaders('first', 1, 2).add('own', 'x')
  const outer = readLetterHeaders(
    [...originHeaders('second', 3, 4)].reduce((headers, { name, value }) => headers.add(name, value), inner.copy()),
    5,
  )
  expect(outer).toMatchObject({ origin: { topic: 'second', partition: 3, offset: 4, timestamp: 5 } })
  expect([...(outer as { original: Headers }).original]).toEqual([...inner])
})

test.each([
  ['7000', 7_000],
  ['-1', 5],
  ['9e18', 5],
  ['', 5],
  ['soon', 5],
])('the timestamp %j of an input record counts if a record may have it', (text, expected) => {
  const headers = originHeaders('input', 0, 0).add('millrace.errors.timestamp', text)
  expect(readLetterHeaders(headers, 5)).toMatchObject({ origin: { timestamp: expected } })
})

test('an id names one place, whatever is in the name of the topic', () => {
  for (const topic of ['rejected', 'dead-letters', 'a-1-2', '1-2', '-'])
    expect(parseLetterId(letterId({ topic, partition: 3, offset: 40 }))).toEqual({ topic, partition: 3, offset: 40 })
  for (const text of ['', 'rejected', 'rejected-1', '-1-2', 'a--1-2-', 'a-01-2', 'a-1-02', `a-0-${'9'.repeat(20)}`])
    expect(parseLetterId(text)).toBe(undefined)
})

import { expect, test } from 'vitest'
import { float64 } from '../../src/serde/float64.ts'
import { int32 } from '../../src/serde/int32.ts'
import { int64 } from '../../src/serde/int64.ts'
import { json } from '../../src/serde/json.ts'
import { long } from '../../src/serde/long.ts'
import type { Serde } from '../../src/serde/serde.ts'
import { sessionWindowed } from '../../src/serde/session-windowed.ts'
import { string } from '../../src/serde/string.ts'
import { uuid } from '../../src/serde/uuid.ts'
import { windowed } from '../../src/serde/windowed.ts'
import { Windowed } from '../../src/windowing/windowed-key.ts'

function hex<T>(serde: Serde<T>, value: T): string {
  return Buffer.from(serde.serialize(value)).toString('hex')
}

test('bytes are those of the Java serdes of the same data', () => {
  expect(hex(string(), 'é1')).toBe('c3a931')
  expect(hex(int32(), -2)).toBe('fffffffe')
  expect(hex(long(), 1)).toBe('0000000000000001')
  expect(hex(long(), -1)).toBe('ffffffffffffffff')
  expect(hex(long(), 1_700_000_000_000)).toBe('0000018bcfe56800')
  expect(hex(int64(), -(2n ** 63n))).toBe('8000000000000000')
  expect(hex(float64(), 1.5)).toBe('3ff8000000000000')
  expect(hex(float64(), Number.NaN)).toBe('7ff8000000000000')
  expect(hex(uuid(), '123e4567-e89b-12d3-a456-426614174000')).toBe(
    Buffer.from('123e4567-e89b-12d3-a456-426614174000').toString('hex'),
  )
})

test('a windowed key is the key and the start; a session key has its end before its start', () => {
  const start = 1_700_000_000_000
  expect(hex(windowed(string(), '1m'), new Windowed('v0', start, start + 60_000))).toBe('76300000018bcfe56800')
  expect(hex(sessionWindowed(string()), new Windowed('v0', start, start + 1))).toBe(
    '76300000018bcfe568010000018bcfe56800',
  )
})

test('a windowed key read from a topic ends where its size says', () => {
  const data = windowed(string(), 5).serialize(new Windowed('k', 10, 15))
  expect(windowed(string(), '1m').deserialize(data)).toStrictEqual(new Windowed('k', 10, 60_010))
})

test('the key of an unlimited window survives its topic', () => {
  const key = new Windowed('k', 10, Number.MAX_SAFE_INTEGER)
  const serde = windowed(string(), Number.MAX_SAFE_INTEGER)
  expect(serde.deserialize(serde.serialize(key))).toStrictEqual(key)
})

test('a windowed key goes to the partition of its inner key', () => {
  const start = 1_700_000_000_000
  for (const serde of [windowed(string(), '1m'), sessionWindowed(string())]) {
    const data = Buffer.from(serde.serialize(new Windowed('v0', start, start + 60_000)))
    expect(data.subarray(0, data.length - (serde.partitionSuffix ?? 0)).toString()).toBe('v0')
  }
})

test('a long and an int64 read each other up to 2^53 - 1', () => {
  for (const value of [0, 1, -1, 2 ** 32, -(2 ** 32), 2 ** 32 + 1, 2 ** 53 - 1, -(2 ** 53 - 1)]) {
    expect(hex(long(), value)).toBe(hex(int64(), BigInt(value)))
    expect(long().deserialize(int64().serialize(BigInt(value)))).toBe(value)
  }
})

test('json is exactly what JSON.stringify writes', () => {
  const value = { b: 1, a: ['é', null, true], '': { nested: 1.5 } }
  expect(Buffer.from(json().serialize(value)).toString()).toBe(JSON.stringify(value))
})

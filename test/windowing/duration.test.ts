import { expect, test } from 'vitest'
import { parseDuration } from '../../src/options/duration.ts'

test.each([
  [0, 0],
  [1500, 1500],
  ['250ms', 250],
  ['10s', 10_000],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['7d', 604_800_000],
  ['1.5s', 1500],
  ['1.1s', 1100],
  ['0.001s', 1],
  [' 10 s ', 10_000],
  ['0s', 0],
  ['1e3s', 1_000_000],
])('%j is %d ms', (value, ms) => {
  expect(parseDuration(value, 'it')).toBe(ms)
})

test.each([
  '5 parsecs',
  '10',
  '',
  '-5s',
  '1h30m',
  's',
  '0.5ms',
  '99999999999d',
  '1-5s',
  'e3s',
  '10S',
  'constructor',
  -1,
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
])('%j is refused, and the error says what it was for', (value) => {
  expect(() => parseDuration(value, 'the grace of tumbling()')).toThrow(
    expect.objectContaining({
      code: 'MR_DURATION',
      message: expect.stringContaining('the grace of tumbling()'),
      hint: expect.stringContaining("'10s'"),
    }),
  )
})

test('a value of another type is refused too', () => {
  // This is unchecked on purpose: programs without types make this mistake.
  expect(() => parseDuration(null as unknown as string, 'it')).toThrow(expect.objectContaining({ code: 'MR_DURATION' }))
})

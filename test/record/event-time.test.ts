import { expect, test } from 'vitest'
import { messageWithValues } from '../../src/errors/millrace-error.ts'
import { eventTime, noEventTime } from '../../src/record/event-time.ts'

test.each([
  [0, 0],
  [1_700_000_000_123, 1_700_000_000_123],
  [1_700_000_000_123.999, 1_700_000_000_123],
  [8.64e15, 8.64e15],
  [-8.64e15, -8.64e15],
  [-0.5, 0],
  [-1, -1],
  [-1.5, -1],
])('%d is the event time %d', (given, time) => {
  expect(eventTime(given)).toBe(time)
})

test.each([
  Number.NaN,
  Infinity,
  -Infinity,
  8.64e15 + 1,
  1e300,
  '5',
  '',
  5n,
  null,
  undefined,
  true,
  new Date(5),
  [5],
  {},
])('%s is no event time', (given) => {
  expect(eventTime(given)).toBeNaN()
})

test('the error says what came instead, whatever it is, and shows it to those who may see it', () => {
  const errors = ['x'.repeat(100), new Date(5), 5n, Object.create(null), Symbol('s'), () => 5, undefined].map((given) =>
    noEventTime(given, 'the time', { topic: 't', partition: 1, offset: 2 }),
  )
  expect(errors.slice(0, 3).map(({ message }) => message)).toEqual(
    ['a text of 100 characters', 'a Date', 'a bigint'].map(
      (kind) => `the time is ${kind} (topic=t, partition=1, offset=2)`,
    ),
  )
  expect(errors.map(messageWithValues)).toEqual(
    [
      `the text "${'x'.repeat(40)}"`,
      'a Date',
      'the bigint 5',
      'of type object',
      'Symbol(s)',
      'of type function',
      'undefined',
    ].map((shown) => `the time is ${shown} (topic=t, partition=1, offset=2)`),
  )
})

import { expect, test } from 'vitest'
import { hopping } from '../../src/windowing/hopping.ts'
import { joinWindow } from '../../src/windowing/join-window.ts'
import { session } from '../../src/windowing/session.ts'
import { sliding } from '../../src/windowing/sliding.ts'
import { tumbling } from '../../src/windowing/tumbling.ts'
import { unlimited } from '../../src/windowing/unlimited.ts'
import { Windowed } from '../../src/windowing/windowed-key.ts'

test('definitions are plain data in milliseconds', () => {
  expect(tumbling('1m', { grace: '10s' })).toEqual({ kind: 'tumbling', size: 60_000, advance: 60_000, grace: 10_000 })
  expect(hopping('5m', { advance: '1m' })).toEqual({ kind: 'hopping', size: 300_000, advance: 60_000, grace: 0 })
  expect(sliding('30s')).toEqual({ kind: 'sliding', difference: 30_000, grace: 0 })
  expect(session('30m', { grace: 5 })).toEqual({ kind: 'session', gap: 1_800_000, grace: 5 })
  expect(unlimited()).toEqual({ kind: 'unlimited', start: 0 })
  expect(unlimited({ start: 7 })).toEqual({ kind: 'unlimited', start: 7 })
  expect(joinWindow({ before: '5s', after: '10s', grace: '1s' })).toEqual({
    kind: 'join',
    before: 5000,
    after: 10_000,
    grace: 1000,
  })
})

test('a single duration joins both ways', () => {
  expect(joinWindow('10s')).toEqual(joinWindow({ before: '10s', after: '10s' }))
})

test('a join window may lie on one side of the record', () => {
  expect(joinWindow({ before: -3, after: 10 })).toMatchObject({ before: -3, after: 10 })
  expect(joinWindow({ before: 10, after: -10 })).toMatchObject({ before: 10, after: -10 })
})

test.each([
  ['a tumbling window of 0', () => tumbling(0)],
  ['a hopping window of 0', () => hopping(0, { advance: 1 })],
  ['a hopping window that does not advance', () => hopping(10, { advance: 0 })],
  ['a hopping window that leaves gaps', () => hopping(10, { advance: 11 })],
  ['a join window that ends before it starts', () => joinWindow({ before: -3, after: 2 })],
  ['an unlimited window that starts before time', () => unlimited({ start: -1 })],
])('%s is refused', (_what, define) => {
  expect(define).toThrow(expect.objectContaining({ code: 'MR_WINDOW', hint: expect.any(String) }))
})

test.each([
  ['the size of tumbling()', () => tumbling('1 minute' as never)],
  ['the grace of hopping()', () => hopping(10, { advance: 5, grace: -1 })],
  ['the time difference of sliding()', () => sliding('x' as never)],
  ['after of joinWindow()', () => joinWindow({ after: '-3s' as never })],
])('a bad duration names %s', (what, define) => {
  expect(define).toThrow(expect.objectContaining({ code: 'MR_DURATION', message: expect.stringContaining(what) }))
})

test('a windowed key prints as Kafka Streams prints it', () => {
  expect(`${new Windowed('alice', 0, 60_000)}`).toBe('[alice@0/60000]')
})

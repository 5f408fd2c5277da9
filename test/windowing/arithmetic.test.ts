import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { closingDelay, includesEnd, isWindowClosed } from '../../src/windowing/closing.ts'
import { hopping } from '../../src/windowing/hopping.ts'
import { joinWindow } from '../../src/windowing/join-window.ts'
import { defaultRetention, minimumRetention } from '../../src/windowing/retention.ts'
import { session } from '../../src/windowing/session.ts'
import { sliding } from '../../src/windowing/sliding.ts'
import { tumbling } from '../../src/windowing/tumbling.ts'
import { unlimited } from '../../src/windowing/unlimited.ts'
import { firstWindowStart } from '../../src/windowing/window-arithmetic.ts'
import type { FixedWindows } from '../../src/windowing/window-definition.ts'

function windowsFor(window: FixedWindows, timestamp: number): number[] {
  const starts: number[] = []
  for (let start = firstWindowStart(window, timestamp); start <= timestamp; start += window.advance) starts.push(start)
  return starts
}

test('windows of a record, as Kafka Streams answers', () => {
  expect(windowsFor(tumbling(10), 9)).toEqual([0])
  expect(windowsFor(tumbling(10), 10)).toEqual([10])
  expect(windowsFor(hopping(10, { advance: 4 }), 5)).toEqual([0, 4])
  expect(windowsFor(hopping(10, { advance: 4 }), 13)).toEqual([4, 8, 12])
  expect(windowsFor(hopping(10, { advance: 5 }), 31)).toEqual([25, 30])
})

test('a record is in exactly the windows whose bounds hold its timestamp', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }), fc.nat(500), (a, b, timestamp) => {
      const window = hopping(Math.max(a, b), { advance: Math.min(a, b) })
      const expected: number[] = []
      for (let start = 0; start <= timestamp; start += window.advance) {
        if (timestamp < start + window.size) expected.push(start)
      }
      expect(windowsFor(window, timestamp)).toEqual(expected)
    }),
  )
})

test('a window with an excluded end closes at end + grace', () => {
  const window = tumbling(10, { grace: 5 })
  expect(isWindowClosed(window, 10, 14)).toBe(false)
  expect(isWindowClosed(window, 10, 15)).toBe(true)
})

test('a window with an included end closes one millisecond later', () => {
  expect(isWindowClosed(sliding(10, { grace: 5 }), 10, 15)).toBe(false)
  expect(isWindowClosed(sliding(10, { grace: 5 }), 10, 16)).toBe(true)
  expect(isWindowClosed(joinWindow({ after: 10, grace: 5 }), 10, 15)).toBe(false)
  expect(isWindowClosed(joinWindow({ after: 10, grace: 5 }), 10, 16)).toBe(true)
})

test('a session closes gap + grace after its last record', () => {
  const window = session(5, { grace: 20 })
  expect(isWindowClosed(window, 15, 40)).toBe(false)
  expect(isWindowClosed(window, 14, 40)).toBe(true)
})

test('an unlimited window never closes', () => {
  expect(isWindowClosed(unlimited(), 10, Number.MAX_SAFE_INTEGER)).toBe(false)
  expect(closingDelay(unlimited())).toBe(Number.POSITIVE_INFINITY)
})

test('closing follows from the delay and from whether the end is included', () => {
  const windows = [
    tumbling(7, { grace: 3 }),
    hopping(9, { advance: 2, grace: 1 }),
    sliding(4, { grace: 2 }),
    session(3, { grace: 4 }),
    joinWindow({ after: 2, grace: 6 }),
    unlimited(),
  ]
  fc.assert(
    fc.property(fc.constantFrom(...windows), fc.nat(50), fc.nat(50), (window, end, streamTime) => {
      const last = streamTime - closingDelay(window)
      expect(isWindowClosed(window, end, streamTime)).toBe(includesEnd(window) ? end < last : end <= last)
    }),
  )
})

test('retention covers every record that can still count', () => {
  expect(minimumRetention(tumbling(10, { grace: 5 }))).toBe(15)
  expect(minimumRetention(hopping(10, { advance: 2, grace: 5 }))).toBe(15)
  expect(minimumRetention(sliding(10, { grace: 5 }))).toBe(25)
  expect(minimumRetention(session(10, { grace: 5 }))).toBe(15)
  expect(minimumRetention(joinWindow({ before: 1, after: 2, grace: 4 }))).toBe(7)
})

test('sessions are kept 1 ms longer than in Kafka Streams, sliding windows 2 ms longer, other windows as long', () => {
  expect(defaultRetention(session(10, { grace: 5 }))).toBe(16)
  expect(defaultRetention(sliding(10, { grace: 5 }))).toBe(27)
  for (const window of [tumbling(10), hopping(10, { advance: 2 }), joinWindow(5), unlimited()]) {
    expect(defaultRetention(window)).toBe(minimumRetention(window))
  }
})

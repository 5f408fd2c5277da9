import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/platform/clock.ts'

const DAY = 86_400_000

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('a timer of thirty days, longer than Node.js has them, ends after thirty days', () => {
  let calls = 0
  systemClock.schedule(30 * DAY, () => calls++)
  vi.advanceTimersByTime(30 * DAY - 1)
  expect(calls).toBe(0)
  vi.advanceTimersByTime(1)
  expect(calls).toBe(1)
  vi.advanceTimersByTime(60 * DAY)
  expect(calls).toBe(1)
})

test('a long timer can be cancelled at any time, and one without end never ends', () => {
  const never = vi.fn<() => void>()
  const timer = systemClock.schedule(60 * DAY, never)
  systemClock.schedule(Infinity, never)
  vi.advanceTimersByTime(40 * DAY)
  timer.cancel()
  vi.advanceTimersByTime(400 * DAY)
  expect(never).not.toHaveBeenCalled()
})

test('the monotonic clock goes on when the date is set back', () => {
  const [date, monotonic] = [systemClock.now(), systemClock.monotonic()]
  vi.advanceTimersByTime(1_000)
  vi.setSystemTime(date - DAY)
  expect(systemClock.now()).toBe(date - DAY)
  expect(systemClock.monotonic()).toBe(monotonic + 1_000)
})

import { describe, expect, test } from 'vitest'
import { calendar, windowsOf } from '../../src/index.ts'
import type { CalendarOptions, CalendarUnit, PeriodWindows } from '../../src/index.ts'

const HOUR = 3_600_000
const at = (instant: string) => Date.parse(instant)

function windowAt(windows: PeriodWindows, time: number): { readonly start: number; readonly end: number } {
  const [window, ...others] = windows.windowsOf(time)
  expect(others).toEqual([])
  if (window === undefined) throw new Error('a calendar has a window for every time')
  return window
}

const shown = ({ start, end }: { start: number; end: number }) =>
  `${new Date(start).toISOString()} ${new Date(end).toISOString()} ${(end - start) / HOUR}h`

function windowOf(unit: CalendarUnit, options: CalendarOptions, instant: string): string {
  return shown(windowAt(calendar(unit, options), at(instant)))
}

describe('days', () => {
  test('have 23 hours when the clocks go forward and 25 when they go back', () => {
    const berlin = { timeZone: 'Europe/Berlin' }
    expect(windowOf('day', berlin, '2026-01-15T12:00Z')).toBe('2026-01-14T23:00:00.000Z 2026-01-15T23:00:00.000Z 24h')
    expect(windowOf('day', berlin, '2026-03-29T12:00Z')).toBe('2026-03-28T23:00:00.000Z 2026-03-29T22:00:00.000Z 23h')
    expect(windowOf('day', berlin, '2026-10-25T12:00Z')).toBe('2026-10-24T22:00:00.000Z 2026-10-25T23:00:00.000Z 25h')
  })

  test('begin at their first instant, where midnight does not exist and where it comes twice', () => {
    // Beirut's clocks went from 00:00 to 01:00, Havana's from 01:00 back to 00:00.
    const beirut = { timeZone: 'Asia/Beirut' }
    expect(windowOf('day', beirut, '2022-03-27T12:00Z')).toBe('2022-03-26T22:00:00.000Z 2022-03-27T21:00:00.000Z 23h')
    const havana = { timeZone: 'America/Havana' }
    expect(windowOf('day', havana, '2022-11-06T12:00Z')).toBe('2022-11-06T04:00:00.000Z 2022-11-07T05:00:00.000Z 25h')
  })

  test('keep what comes after their beginning, when the clocks go back to the day before', () => {
    // St. John's, 2010-11-07: at 00:01 back to 23:01 of the day before. The new day had begun a minute earlier.
    const johns = { timeZone: 'America/St_Johns' }
    const day = '2010-11-07T02:30:00.000Z 2010-11-08T03:30:00.000Z 25h'
    for (const instant of ['2010-11-07T02:30Z', '2010-11-07T02:31Z', '2010-11-07T03:29Z', '2010-11-07T12:00Z']) {
      expect(windowOf('day', johns, instant)).toBe(day)
    }
    expect(windowOf('day', johns, '2010-11-07T02:29:59.999Z')).toBe(
      '2010-11-06T02:30:00.000Z 2010-11-07T02:30:00.000Z 24h',
    )
  })

  test('that a zone skipped have no window', () => {
    // Apia crossed the date line: 2011-12-31 followed 2011-12-29.
    const apia = { timeZone: 'Pacific/Apia' }
    expect(windowOf('day', apia, '2011-12-30T09:59Z')).toBe('2011-12-29T10:00:00.000Z 2011-12-30T10:00:00.000Z 24h')
    expect(windowOf('day', apia, '2011-12-30T10:00Z')).toBe('2011-12-30T10:00:00.000Z 2011-12-31T10:00:00.000Z 24h')
  })

  test.each(['UTC', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/St_Johns', 'Antarctica/Vostok', 'Pacific/Apia'])(
    'follow one another in %s without gap or overlap, none longer than maxSize',
    (timeZone) => {
      for (const unit of ['day', 'week', 'month'] as const) {
        const windows = calendar(unit, { timeZone })
        let { start, end } = windowAt(windows, at('1993-06-01T00:00Z'))
        for (let i = 0; i < 400; i++) {
          expect(end - start).toBeGreaterThan(0)
          expect(end - start).toBeLessThanOrEqual(windows.maxSize)
          expect(windowAt(windows, start)).toEqual({ start, end })
          expect(windowAt(windows, end - 1)).toEqual({ start, end })
          const next = windowAt(windows, end)
          expect(next.start).toBe(end)
          ;({ start, end } = next)
        }
      }
    },
  )
})

test('weeks begin on Monday, or on the day that is given', () => {
  // 2026-10-25, a Sunday: the clocks of Berlin go back.
  const berlin = { timeZone: 'Europe/Berlin' }
  expect(windowOf('week', berlin, '2026-10-25T12:00Z')).toBe('2026-10-18T22:00:00.000Z 2026-10-25T23:00:00.000Z 169h')
  expect(windowOf('week', { ...berlin, weekStart: 'sunday' }, '2026-10-25T12:00Z')).toBe(
    '2026-10-24T22:00:00.000Z 2026-10-31T23:00:00.000Z 169h',
  )
  expect(windowOf('week', { ...berlin, weekStart: 'thursday' }, '2026-01-15T12:00Z')).toBe(
    '2026-01-14T23:00:00.000Z 2026-01-21T23:00:00.000Z 168h',
  )
})

test('months have the days that they have', () => {
  const newYork = { timeZone: 'America/New_York' }
  expect(windowOf('month', newYork, '2028-02-29T12:00Z')).toBe('2028-02-01T05:00:00.000Z 2028-03-01T05:00:00.000Z 696h')
  expect(windowOf('month', newYork, '2026-03-31T12:00Z')).toBe('2026-03-01T05:00:00.000Z 2026-04-01T04:00:00.000Z 743h')
})

test.each([
  ['a unit', () => calendar('year' as 'day', { timeZone: 'UTC' })],
  ['a unit named like a method', () => calendar('toString' as 'day', { timeZone: 'UTC' })],
  ['a time zone', () => calendar('day', { timeZone: 'Europe/Atlantis' })],
  ['a time zone left out', () => calendar('day', {} as CalendarOptions)],
  ['options left out', () => calendar('day', undefined as unknown as CalendarOptions)],
  ['a time zone that is no text', () => calendar('day', { timeZone: 60 as unknown as string })],
  ['a first day of the week', () => calendar('week', { timeZone: 'UTC', weekStart: 'Monday' as 'monday' })],
  ['a first day of the week for days', () => calendar('day', { timeZone: 'UTC', weekStart: 'monday' })],
  ['windows that are no function', () => windowsOf([] as never, { maxSize: '1h' })],
  ['a size of 0', () => windowsOf(() => [], { maxSize: 0 })],
])('%s that is impossible is refused where it is written', (_what, define) => {
  expect(define).toThrow(expect.objectContaining({ code: 'MR_WINDOW' }))
})

test('a time beyond the calendar is an error that says so', () => {
  expect(() => calendar('month', { timeZone: 'UTC' }).windowsOf(8.64e15)).toThrow(
    new RangeError('the time 8640000000000000 is beyond the calendar'),
  )
})

test.each([
  ['nothing', undefined],
  ['no array', { start: 0, end: 10 }],
  ['a fraction', [{ start: 0.5, end: 10 }]],
  ['no end', [{ start: 0 }]],
  ['null', [null]],
  ['a window before the time', [{ start: 0, end: 5 }]],
  ['a window after the time', [{ start: 6, end: 10 }]],
  ['a window before the epoch', [{ start: -1, end: 10 }]],
  ['a window longer than maxSize', [{ start: 0, end: 11 }]],
])('a function that returns %s for a time is an error that names the time', (_what, windows) => {
  const { windowsOf: find } = windowsOf(() => windows as never, { maxSize: 10 })
  expect(() => find(5)).toThrow(/^the result of the function of windowsOf\(\) for the time 5 (is|has) /)
})

test('a promise among the windows of a time is such an error, and its rejection ends nothing', () => {
  const rejected = (): never => Promise.reject(new Error('nobody waits for it')) as never
  const { windowsOf: find } = windowsOf(() => [{ start: 0, end: 10 }, rejected(), rejected()], { maxSize: 10 })
  expect(() => find(5)).toThrow(/^the result of the function of windowsOf\(\) for the time 5 has /)
})

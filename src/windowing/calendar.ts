import { Temporal } from 'temporal-polyfill'
import { MillraceError } from '../errors/millrace-error.ts'
import { checkOptionNames, parseDuration } from '../options/options.ts'
import type { PeriodWindows, WindowBounds } from './period.ts'
import { CALENDAR, type CalendarOptions, type Weekday } from './window-options.ts'

/** The part of the calendar that is one window of `calendar()`. */
export type CalendarUnit = 'day' | 'week' | 'month'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const DAYS: Readonly<Record<CalendarUnit, number>> = { day: 1, week: 7, month: 31 }
/** ms by which a window may be longer than its days: since 1970, clocks were set back by at most 7 h (Vostok, 1994). */
const LONGEST_SHIFT = 8 * HOUR
const WEEKDAYS: readonly Weekday[] = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']

/**
 * Makes windows of the calendar of a time zone: its days, its weeks, or its months. They follow one another without gap
 * or overlap. A day begins with its first instant, so that it has 23 or 25 hours when the clocks change.
 *
 * Both bounds of a window are stored with its rows, and those of a window that has records never change: new time zone
 * data applies to windows that begin later.
 *
 * @param unit `'day'`, `'week'` or `'month'`
 * @throws MR_WINDOW for an unknown unit, time zone or first day of the week; MR_DURATION; MR_TOPOLOGY_WINDOWS by
 * `windowedBy` under `compatibility`: Kafka Streams has no such windows
 * @example
 * ```ts
 * payments.groupByKey().windowedBy(calendar('day', { timeZone: 'Europe/Berlin', grace: '10m' })).count()
 * ```
 * Days, their first instants and their lengths are those of ECMAScript's Temporal (`ZonedDateTime.startOfDay`).
 */
export function calendar(unit: CalendarUnit, options: CalendarOptions): PeriodWindows {
  if (!Object.hasOwn(DAYS, unit)) {
    throw invalid(`calendar() has no unit ${JSON.stringify(unit)}`, "Give 'day', 'week' or 'month'.")
  }
  checkOptionNames(CALENDAR, options ?? {}, 'calendar()')
  const timeZone = checkTimeZone(options?.timeZone)
  const weekStart = checkWeekStart(unit, options.weekStart)
  return {
    kind: 'period',
    maxSize: DAYS[unit] * DAY + LONGEST_SHIFT,
    grace: parseDuration(options.grace ?? 0, 'the grace of calendar()'),
    disjoint: true,
    windowsOf: remembering((timestamp) => periodOf(unit, timeZone, weekStart, timestamp)),
  }
}

function checkTimeZone(timeZone: unknown): string {
  if (typeof timeZone === 'string') {
    try {
      return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(timeZone).timeZoneId
    } catch {
      // The error is thrown below.
    }
  }
  throw invalid(
    `calendar() has no time zone ${JSON.stringify(timeZone) ?? 'undefined'}`,
    "Give a name of the IANA time zone database, as in { timeZone: 'Europe/Berlin' }, or give 'UTC'.",
  )
}

/** Returns the number of the first day of the week: 1 is Monday, as in Temporal. */
function checkWeekStart(unit: CalendarUnit, weekStart: Weekday | undefined): number {
  if (weekStart === undefined) return 1
  if (unit !== 'week') {
    throw invalid(`calendar('${unit}') has a weekStart`, "Leave it out, or make windows of weeks: calendar('week', …).")
  }
  const index = WEEKDAYS.indexOf(weekStart)
  if (index === -1) {
    throw invalid(`calendar() has no weekStart ${JSON.stringify(weekStart)}`, `Give one of ${WEEKDAYS.join(', ')}`)
  }
  return index + 1
}

function periodOf(unit: CalendarUnit, timeZone: string, weekStart: number, timestamp: number): WindowBounds {
  try {
    const date = Temporal.Instant.fromEpochMilliseconds(timestamp).toZonedDateTimeISO(timeZone).toPlainDate()
    let first = firstDay(unit, weekStart, date)
    let next = nextPeriod(unit, first)
    let end = startOf(next, timeZone)
    // Clocks that are set back across midnight repeat the end of a day, which then belongs to the day that has begun.
    while (end <= timestamp) {
      first = next
      next = nextPeriod(unit, first)
      end = startOf(next, timeZone)
    }
    return { start: startOf(first, timeZone), end }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new RangeError(`the time ${timestamp} is beyond the calendar`, { cause: error })
  }
}

function firstDay(unit: CalendarUnit, weekStart: number, date: Temporal.PlainDate): Temporal.PlainDate {
  switch (unit) {
    case 'day':
      return date
    case 'week':
      return date.subtract({ days: (date.dayOfWeek - weekStart + 7) % 7 })
    case 'month':
      return date.with({ day: 1 })
  }
}

function nextPeriod(unit: CalendarUnit, first: Temporal.PlainDate): Temporal.PlainDate {
  return unit === 'month' ? first.add({ months: 1 }) : first.add({ days: DAYS[unit] })
}

/** Returns the first instant of a date; if the zone skipped that date, the first instant of the next. */
function startOf(date: Temporal.PlainDate, timeZone: string): number {
  return date.toZonedDateTime(timeZone).epochMilliseconds
}

/** ms of a quarter of an hour. Zones differ from UTC by multiples of it, so that bounds seldom lie within a quarter. */
const QUARTER = HOUR / 4
const SLOTS = 1024

/** Asks the calendar, which takes microseconds, once for each quarter of an hour. */
function remembering(periodAt: (timestamp: number) => WindowBounds): (timestamp: number) => readonly WindowBounds[] {
  const slots: (readonly [WindowBounds] | undefined)[] = Array.from({ length: SLOTS })
  return (timestamp) => {
    const slot = Math.floor(timestamp / QUARTER) % SLOTS
    const known = slots[slot]
    if (known !== undefined && timestamp >= known[0].start && timestamp < known[0].end) return known
    return (slots[slot] = [periodAt(timestamp)])
  }
}

function invalid(message: string, hint: string): MillraceError {
  return new MillraceError('MR_WINDOW', message, { hint })
}

import { duration, text, wholeNumber, type Duration, type TableOf } from '../options/options.ts'

/** A day of the week, as `calendar('week', …)` takes it for its first day. */
export type Weekday = 'monday' | 'tuesday' | 'wednesday' | 'thursday' | 'friday' | 'saturday' | 'sunday'

/** Bounds of a join window. */
export interface JoinWindowBounds {
  /** How much earlier than the left record the right one may be; 0 by default. A negative number (ms): it is later. */
  readonly before?: Duration
  /** How much later than the left record the right one may be; 0 by default. A negative number (ms): it is earlier. */
  readonly after?: Duration
  /** How long after the window's end (in stream time) records still join, and unmatched ones wait; 0 if not given. */
  readonly grace?: Duration
}

/** The options of `calendar()`. */
export interface CalendarOptions {
  /** A name of the IANA time zone database, such as `'Europe/Berlin'`, or `'UTC'`. No default, since hosts differ. */
  readonly timeZone: string
  /** First day of a week. Weeks only; Monday if not given. */
  readonly weekStart?: Weekday
  /** How long after its end (in stream time) a window still takes late records; 0 if not given. */
  readonly grace?: Duration
}

/** The options of windows that take late records for a while. */
export const GRACE = {
  grace: duration({
    default: 0,
    description: 'how long after its end, in stream time, a window still takes late records',
    alsoCalled: ['gracePeriod'],
  }),
}

/** The options of `hopping`. */
export const HOPPING = {
  advance: duration({ required: true, description: 'from one start to the next', alsoCalled: ['advanceBy'] }),
  ...GRACE,
}

/** The options of `unlimited`. */
export const UNLIMITED = {
  start: wholeNumber({
    default: 0,
    description: 'where the window starts, ms since the epoch',
    alsoCalled: ['startOn'],
  }),
}

/** The options of `calendar`. */
export const CALENDAR = {
  timeZone: text({ required: true, description: 'a name of the IANA time zone database', alsoCalled: ['zone', 'tz'] }),
  weekStart: text({ default: 'monday', description: 'first day of a week', alsoCalled: ['firstDay'] }),
  ...GRACE,
} satisfies TableOf<CalendarOptions>

/** The options of `windowsOf`. */
export const WINDOWS_OF = { maxSize: duration({ required: true, description: 'no window is longer' }), ...GRACE }

/** The options of `joinWindow`. */
export const JOIN_WINDOW = {
  before: duration({ default: 0, description: 'how much earlier than the left record the right one may be' }),
  after: duration({ default: 0, description: 'how much later than the left record the right one may be' }),
  ...GRACE,
} satisfies TableOf<JoinWindowBounds>

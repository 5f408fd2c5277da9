import { MillraceError, type ErrorPlace } from '../errors/millrace-error.ts'

/** How far from the epoch an event time may be, ms: as far as a `Date` can, about 275,000 years. */
const FARTHEST = 8.64e15

/**
 * The rule for event times, the same wherever one comes in: a finite number within ±8.64e15 is one, cut to whole ms. Anything else is none,
 * whatever it could be converted to: NaN is returned, which the caller must refuse or hand to a handler. A negative time passes; what becomes
 * of it depends on where it came in.
 */
export function eventTime(value: unknown): number {
  // Adding 0 leaves no negative zero.
  return typeof value === 'number' && value >= -FARTHEST && value <= FARTHEST ? Math.trunc(value) + 0 : Number.NaN
}

/**
 * As `eventTime`, for callers that have nobody to ask.
 *
 * @param what names the time in the error: `the timestamp of a record`
 * @throws MR_TIMESTAMP
 */
export function requireEventTime(value: unknown, what: string, place: ErrorPlace): number {
  const time = eventTime(value)
  if (Number.isNaN(time)) throw noEventTime(value, what, place)
  return time
}

/** @param hint what to do besides */
export function noEventTime(value: unknown, what: string, place: ErrorPlace, hint?: string): MillraceError {
  return new MillraceError('MR_TIMESTAMP', `${what} is ${shown(value)}`, {
    ...place,
    hint: `An event time is a number of milliseconds since the epoch, within ±8.64e15: Date.parse() makes one of text, getTime() of a Date.${hint === undefined ? '' : ` ${hint}`}`,
  })
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 40))}`
  if (value instanceof Date) return 'a Date'
  if (typeof value === 'bigint') return `the bigint ${value}`
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
    ? `of type ${typeof value}`
    : String(value)
}

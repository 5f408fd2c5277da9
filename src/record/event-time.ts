import { hidingValues, MillraceError, type ErrorPlace } from '../errors/millrace-error.ts'

/** The greatest distance of an event time from the epoch, ms: the range of `Date`, about 275,000 years. */
const FARTHEST = 8.64e15

/**
 * Applies the rule for event times, which is the same wherever one comes in: a finite number within ±8.64e15 is an
 * event time, cut to whole ms. For anything else, even if it could be converted, NaN is returned, which the caller must
 * refuse or hand to a handler. A negative time passes: each caller decides about it.
 */
export function eventTime(value: unknown): number {
  // Adding 0 leaves no negative zero.
  return typeof value === 'number' && value >= -FARTHEST && value <= FARTHEST ? Math.trunc(value) + 0 : Number.NaN
}

/**
 * Does the same as `eventTime` for callers without a handler.
 *
 * @param what names the time in the error: `the timestamp of a record`
 * @throws MR_TIMESTAMP
 */
export function requireEventTime(value: unknown, what: string, place: ErrorPlace): number {
  const time = eventTime(value)
  if (Number.isNaN(time)) throw noEventTime(value, what, place)
  return time
}

/** @param hint another remedy, as a sentence */
export function noEventTime(value: unknown, what: string, place: ErrorPlace, hint?: string): MillraceError {
  const error = new MillraceError('MR_TIMESTAMP', `${what} is ${kindOf(value)}`, {
    ...place,
    hint:
      'An event time is a number of milliseconds since the epoch, within ±8.64e15: ' +
      `Date.parse() makes one of text, getTime() of a Date.${hint === undefined ? '' : ` ${hint}`}`,
  })
  return hidingValues(error, `${what} is ${shown(value)}`)
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return `a text of ${value.length} characters`
  return typeof value === 'bigint' ? 'a bigint' : shown(value)
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 40))}`
  if (value instanceof Date) return 'a Date'
  if (typeof value === 'bigint') return `the bigint ${value}`
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
    ? `of type ${typeof value}`
    : String(value)
}

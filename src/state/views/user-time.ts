import { eventTime, noEventTime, requireEventTime } from '../../record/event-time.ts'

/** Returns the time of an entry by the rule of `eventTime`. @throws MR_TIMESTAMP */
export function requireTime(value: unknown, what: string, store: string): number {
  return requireEventTime(value, what, { store })
}

/** Returns the first whole time of a range, which may be infinite. @throws MR_TIMESTAMP */
export function lowerBound(value: unknown, store: string): number {
  return Math.ceil(bound(value, 'the lower bound of a range of times', store))
}

/** Returns the last whole time of a range, which may be infinite. @throws MR_TIMESTAMP */
export function upperBound(value: unknown, store: string): number {
  return Math.floor(bound(value, 'the upper bound of a range of times', store))
}

function bound(value: unknown, what: string, store: string): number {
  if (typeof value !== 'number' || Number.isNaN(value)) throw noEventTime(value, what, { store })
  // No entry lies beyond the range of event times.
  return Number.isNaN(eventTime(value)) ? Math.sign(value) * Infinity : value
}

import { eventTime, noEventTime, requireEventTime } from '../../record/event-time.ts'

/** The time of an entry, as `eventTime` has it. @throws MR_TIMESTAMP */
export function requireTime(value: unknown, what: string, store: string): number {
  return requireEventTime(value, what, { store })
}

/** The first time of a range: whatever is not below it. May be infinite. @throws MR_TIMESTAMP */
export function lowerBound(value: unknown, store: string): number {
  return Math.ceil(bound(value, 'the lower bound of a range of times', store))
}

/** The last time of a range: whatever is not above it. May be infinite. @throws MR_TIMESTAMP */
export function upperBound(value: unknown, store: string): number {
  return Math.floor(bound(value, 'the upper bound of a range of times', store))
}

function bound(value: unknown, what: string, store: string): number {
  if (typeof value !== 'number' || Number.isNaN(value)) throw noEventTime(value, what, { store })
  // No entry is further away than event times reach.
  return Number.isNaN(eventTime(value)) ? Math.sign(value) * Infinity : value
}

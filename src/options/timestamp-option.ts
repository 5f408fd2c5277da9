import { option } from './kinds.ts'

/** Largest time that a `Date` can have, ms. */
const LATEST = 8.64e15

/** A time in ms since the epoch; a fraction is cut off. */
export const timestampOption = option<number>(
  'ms since the epoch',
  { required: true, description: 'a time' },
  (given, place) => {
    if (typeof given === 'number' && Math.abs(given) <= LATEST) return Math.trunc(given)
    throw place.refuse(given, "Give milliseconds since the epoch, as in Date.parse('2026-11-01T00:00Z').")
  },
)

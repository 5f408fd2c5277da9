import { option, type About, type Option, type Place } from '../options/options.ts'
import { parseTime } from '../record-forms/time-text.ts'

/** An option that takes a time. It is read as ms since the epoch. */
export function timeOption(about: About<number>): Option<number | undefined> & { readonly value: string } {
  return { ...option<number>('ms, or 2030-01-31T12:00:00Z', about, readTime), value: 'time' }
}

function readTime(value: unknown, place: Place): number {
  const time = parseTime(String(value))
  if (time !== undefined) return time
  throw place.refuse(value, 'Give ms since the epoch, or a time as in 2030-01-31T12:00:00Z.')
}

import type { OffsetSpec } from '../log/log.ts'
import { option, readMembers } from '../options/options.ts'
import { timestampOption } from '../options/timestamp-option.ts'

/** The option for where an application begins. */
export const position = option<OffsetSpec>(
  "`'earliest'`, `'latest'`, `{ timestamp }`",
  { default: 'earliest', description: 'where the application begins in its source topics' },
  (given, place) => {
    if (given === 'earliest' || given === 'latest') return given
    if (typeof given === 'object' && given !== null && 'timestamp' in given)
      return readMembers({ timestamp: timestampOption }, given, place)
    throw place.refuse(given, "Give 'earliest', 'latest' or { timestamp }.")
  },
)

import { duration, flag, oneOf, option, wholeNumber, type Option } from '../options/options.ts'
import type { Position } from './row-request.ts'
import type { Consistency } from '../state/reads.ts'

/* The options of queries. The docs of the views say what they mean. */

const TIMEOUT = 5_000
const LONGEST_TIMEOUT = 600_000

const time = option<number>(
  'ms since the epoch, or a date',
  { description: 'bound of times, included' },
  (given, place) => {
    const ms = given instanceof Date ? given.getTime() : given
    if (typeof ms === 'number' && !Number.isNaN(ms)) return ms
    throw place.refuse(given, 'Give ms since the epoch, or a valid date.')
  },
)

const signal = option<AbortSignal>('AbortSignal', { description: 'ends the query' }, (given, place) => {
  if (given instanceof AbortSignal) return given
  throw place.refuse(given, 'Give the signal of an AbortController.')
})

const at = option<Position>(
  'position, by topic and partition',
  { description: 'what the answer must have in it' },
  (given, place) => {
    if (isPosition(given)) return given
    throw place.refuse(given, 'Give the position of an answer, such as { orders: { 0: 18 } }.')
  },
)

function isPosition(given: unknown): given is Position {
  const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
  if (!isObject(given)) return false
  return Object.values(given).every(
    (offsets) => isObject(offsets) && Object.values(offsets).every((offset) => Number.isSafeInteger(offset)),
  )
}

/** Any value: the serde of the keys decides. */
const key = (description: string): Option<unknown> => option<unknown>('key', { description }, (given) => given)
const bound = key('bound of keys, included')

const prefix = option<string | Uint8Array>(
  'text or bytes',
  { description: 'what serialized keys begin with' },
  (given, place) => {
    if (typeof given === 'string' || given instanceof Uint8Array) return given
    throw place.refuse(given, 'Give text, which is taken as UTF-8, or bytes.')
  },
)

/** Options of every query. */
export const QUERY = {
  consistency: oneOf<Consistency>(['committed', 'latest'], {
    description: 'the last commit, or what has changed since, too',
  }),
  role: oneOf<'active' | 'any'>(['active', 'any'], { default: 'active', description: 'whether a standby may answer' }),
  maxLag: wholeNumber({ default: 0, description: 'offsets that a standby may be behind' }),
  at,
  partition: wholeNumber({ description: 'the partition that is asked' }),
  timeout: duration({
    default: TIMEOUT,
    most: LONGEST_TIMEOUT,
    description: 'for how long an answer is waited for',
  }),
  signal,
}

const SCAN = {
  ...QUERY,
  reverse: flag({ default: false, description: 'descending order' }),
  limit: wholeNumber({ description: 'greatest number of rows' }),
}

export const PREFIX = SCAN
export const KEYS = { ...SCAN, from: bound, to: bound }
export const TIMES = { ...SCAN, from: time, to: time }
export const VERSION = { ...QUERY, asOf: time }
export const WATCH_TIMES = { ...QUERY, key: key('the key that is watched'), from: time, to: time }
export const WATCH = { ...QUERY, key: key('the key that is watched'), prefix }

import { MillraceError } from '../errors/millrace-error.ts'
import { firstDifference } from './first-difference.ts'
import { exactJson } from './json-integers.ts'
import { jsonLoss, type JsonLoss } from './json-loss.ts'
import { copyOfPlainJson, isPlainJson, type KeepsBigint } from './plain-json.ts'
import { roundTrip, wrongType } from './serde-error.ts'

/** How values with bigints are written and read; a format without it has no bigint. */
export interface BigintForm {
  write(value: unknown): string
  read(text: string): unknown
  /** True: `read` gives a bigint back of what `write` makes of this one. */
  readonly keeps: KeepsBigint
}

/**
 * What a topic gets.
 *
 * @throws MR_SERDE_ROUND_TRIP if something would be lost; `TypeError` for values without JSON
 */
export function jsonText(value: unknown, bigints: BigintForm | undefined): string {
  const text: string | undefined = isPlainJson(value) ? JSON.stringify(value) : checkedText(value, bigints)
  // `null` on the wire is not a JSON text: what comes out as one (a toJSON that answers null) would be lost.
  if (text === undefined || text === 'null') throw wrongType('json', 'a value that JSON can hold', value)
  return text
}

/** What a store keeps. @throws MR_SERDE_ROUND_TRIP; `TypeError` for what holds itself */
export function copyOfJson(value: unknown, bigints: BigintForm | undefined): unknown {
  const copy = copyOfPlainJson(value, bigints?.keeps)
  if (copy !== undefined) return copy
  const { write, read } = bigints ?? asNumbers
  const text: string | undefined = write(value)
  const readBack = text === undefined ? undefined : read(text)
  const difference = firstDifference(value, readBack)
  if (difference !== undefined) throw roundTrip('json', difference)
  return readBack
}

/** What would become of bigints without a form for them. */
const asNumbers: Omit<BigintForm, 'keeps'> = { write: exactJson, read: JSON.parse }

function checkedText(value: unknown, bigints: BigintForm | undefined): string | undefined {
  // These are values of another type, of which `JSON.stringify` makes nothing.
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') return undefined
  const { lost, bigint } = lossOf(value, bigints === undefined)
  if (lost !== undefined) {
    throw new MillraceError('MR_SERDE_ROUND_TRIP', `json: this would be lost: ${lost}`, {
      hint: 'Write what JSON can hold: null for what is not there, a list for a Set, an object for a Map; a class may have a toJSON.',
    })
  }
  if (bigint === undefined) return JSON.stringify(value)
  if (bigints === undefined) {
    throw new TypeError(`json: ${bigint}: a bigint, which json({ integers: 'bigint' }) writes exactly`)
  }
  return bigints.write(value)
}

function lossOf(value: unknown, asksBigints: boolean): JsonLoss {
  try {
    return jsonLoss(value, asksBigints)
  } catch (error) {
    // It holds itself: `JSON.stringify` says so.
    if (error instanceof RangeError) return { lost: undefined, bigint: undefined }
    throw error
  }
}

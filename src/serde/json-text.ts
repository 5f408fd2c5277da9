import { MillraceError } from '../errors/millrace-error.ts'
import { exactJson } from './json-integers.ts'
import { jsonLoss, type JsonLoss } from './json-loss.ts'
import { copyOfPlainJson, isPlainJson, type KeepsBigint } from './plain-json.ts'
import { checkRoundTrip, wrongType } from './serde-error.ts'

/** The functions that write and read values with bigints; a format without them refuses bigints. */
export interface BigintForm {
  write(value: unknown): string
  read(text: string): unknown
  /** Returns true for a bigint that `read` returns as a bigint after `write`. */
  readonly keeps: KeepsBigint
}

/**
 * Returns the text of a value for a topic.
 *
 * @throws MR_SERDE_ROUND_TRIP if something would be lost; `TypeError` for values without JSON
 */
export function jsonText(value: unknown, bigints: BigintForm | undefined): string {
  const text: string | undefined = isPlainJson(value) ? JSON.stringify(value) : checkedText(value, bigints)
  // `null` on the wire is not a JSON text: a value that is written as `null` (by its toJSON) would be lost.
  if (text === undefined || text === 'null') throw wrongType('json', 'a value that JSON can hold', value)
  return text
}

/** Copies a value for a store. @throws MR_SERDE_ROUND_TRIP; `TypeError` for a value that holds itself */
export function copyOfJson(value: unknown, bigints: BigintForm | undefined): unknown {
  const copy = copyOfPlainJson(value, bigints?.keeps)
  if (copy !== undefined) return copy
  const { write, read } = bigints ?? asNumbers
  const text: string | undefined = write(value)
  const readBack = text === undefined ? undefined : read(text)
  checkRoundTrip('json', value, readBack)
  return readBack
}

/** Writes and reads bigints as numbers: the copy shows the difference. */
const asNumbers: Omit<BigintForm, 'keeps'> = { write: exactJson, read: JSON.parse }

function checkedText(value: unknown, bigints: BigintForm | undefined): string | undefined {
  // These are values without JSON, for which `JSON.stringify` returns undefined.
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') return undefined
  const { lost, bigint } = lossOf(value, bigints === undefined)
  if (lost !== undefined) {
    throw new MillraceError('MR_SERDE_ROUND_TRIP', `json would lose a part of the value: ${lost}`, {
      hint:
        'Write values that JSON can hold: null for a missing value, a list for a Set, an object for a Map. ' +
        'A class may have a toJSON.',
    })
  }
  if (bigint === undefined) return JSON.stringify(value)
  if (bigints === undefined) {
    throw new TypeError(`json: ${bigint} is a bigint: use json({ integers: 'bigint' }) to write it exactly`)
  }
  return bigints.write(value)
}

function lossOf(value: unknown, asksBigints: boolean): JsonLoss {
  try {
    return jsonLoss(value, asksBigints)
  } catch (error) {
    // The value holds itself: `JSON.stringify` reports that.
    if (error instanceof RangeError) return { lost: undefined, bigint: undefined }
    throw error
  }
}

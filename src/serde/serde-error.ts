import { hidingValues, MillraceError } from '../errors/millrace-error.ts'
import { firstDifference, firstDifferenceInKind } from './first-difference.ts'

const LENGTH_HINT = 'Check the serdes of the topic: the data was written by another serde.'

/** @throws MR_SERDE_LENGTH if the bytes cannot hold the window that follows the key */
export function checkSuffix(serde: string, actual: number, least: number): void {
  if (actual < least) {
    throw new MillraceError('MR_SERDE_LENGTH', `${serde}: expected at least ${least} bytes, got ${actual}`, {
      hint: LENGTH_HINT,
    })
  }
}

/** @throws MR_SERDE_LENGTH */
export function checkLength(serde: string, actual: number, expected: number): void {
  if (actual !== expected) {
    throw new MillraceError('MR_SERDE_LENGTH', `${serde}: expected ${expected} bytes, got ${actual}`, {
      hint: LENGTH_HINT,
    })
  }
}

export function numberRange(serde: string, value: number | bigint, hint: string): MillraceError {
  const error = new MillraceError('MR_NUMBER_RANGE', `${serde}: the ${typeof value} is out of range`, { hint })
  return hidingValues(error, `${serde}: ${value} is out of range`)
}

/** Checks a value that is put into a store: it must come back the same. @throws MR_SERDE_ROUND_TRIP */
export function checkRoundTrip(serde: string, value: unknown, readBack: unknown): void {
  const difference = firstDifference(value, readBack)
  if (difference === undefined) return
  const what = `serde ${serde} does not give back what it wrote: `
  const kinds = firstDifferenceInKind(value, readBack) ?? 'they differ'
  const error = new MillraceError('MR_SERDE_ROUND_TRIP', what + kinds, {
    hint:
      'Keep to values that the serde can hold (JSON: no Date, NaN, Map or class instance; bigints with ' +
      "json({ integers: 'bigint' })), or use another serde for this store.",
  })
  throw hidingValues(error, what + difference)
}

/** Makes the error for a value of a type that a serde does not take. A `TypeError` is always fatal. */
export function wrongType(serde: string, expected: string, value: unknown): TypeError {
  const what = `serde ${serde} takes ${expected}, got `
  return hidingValues(new TypeError(what + kindOf(value)), what + describe(value))
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== 'Object' ? `an object of class ${name}` : 'an object'
}

function describe(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') {
    return `the ${typeof value} ${JSON.stringify(String(value)).slice(0, 60)}`
  }
  return typeof value === 'boolean' ? String(value) : kindOf(value)
}

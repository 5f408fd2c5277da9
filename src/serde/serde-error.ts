import { MillraceError } from '../errors/millrace-error.ts'

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
  return new MillraceError('MR_NUMBER_RANGE', `${serde}: ${value} is out of range`, { hint })
}

/** Makes the error for a value that is put into a store and would not come back the same. */
export function roundTrip(serde: string, difference: string): MillraceError {
  return new MillraceError('MR_SERDE_ROUND_TRIP', `serde ${serde} does not give back what it wrote: ${difference}`, {
    hint:
      'Keep to values that the serde can hold (JSON: no Date, NaN, Map or class instance; bigints with ' +
      "json({ integers: 'bigint' })), or use another serde for this store.",
  })
}

/** Makes the error for a value of a type that a serde does not take. A `TypeError` is always fatal. */
export function wrongType(serde: string, expected: string, value: unknown): TypeError {
  return new TypeError(`serde ${serde} takes ${expected}, got ${describe(value)}`)
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'object') {
    const name: unknown = value.constructor?.name
    return typeof name === 'string' && name !== 'Object' ? `an object of class ${name}` : 'an object'
  }
  if (typeof value === 'function' || typeof value === 'symbol' || value === undefined) return typeof value
  return `${typeof value} ${JSON.stringify(String(value)).slice(0, 60)}`
}

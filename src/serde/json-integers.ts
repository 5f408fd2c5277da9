import { hidingValues, messageOf, MillraceError } from '../errors/millrace-error.ts'

export const INTEGERS = ['refuse', 'bigint', 'string', 'round'] as const

/** How `json()` reads integers that a `number` does not hold. */
export type JsonIntegers = (typeof INTEGERS)[number]

/** The bound from which on a `number` is always whole, and may have other digits than the text it was read from. */
const INEXACT = 2 ** 53

/** Number of characters that an error shows. */
const SHOWN = 40

/** A reviver as V8 calls it: with the text of the value, if the value is a primitive. */
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown
const parseWith = JSON.parse as (text: string, reviver: Reviver) => unknown

/** A number that differs from its text. */
class Inexact {
  readonly source: string
  readonly value: number

  constructor(source: string, value: number) {
    this.source = source
    this.value = value
  }
}

/**
 * Parses JSON. `integers` decides about a number whose digits would not survive. To search the text for such digits
 * costs as much as to parse it, so the numbers that were read are examined instead: only from 2^53 on can a number
 * differ from its text, and only then the text is parsed again, number by number.
 *
 * @throws SyntaxError; MR_NUMBER_RANGE
 */
export function parseJson(text: string, integers: JsonIntegers): unknown {
  const value = parsed(text)
  return integers === 'round' || !holdsLarge(value) ? value : parseExactly(text, integers, false)
}

/**
 * The mark in stores and internal topics of a bigint that would be read as a number. No writer of JSON gives a number
 * this exponent.
 */
const MARK = 'E-0'

/** Parses the JSON that `internalJson` wrote. */
export function parseInternalJson(text: string): unknown {
  return text.includes(MARK) ? parseExactly(text, 'bigint', true) : parseJson(text, 'bigint')
}

/** Returns the JSON of a value that holds bigints, each with all its digits. */
export function exactJson(value: unknown): string {
  return JSON.stringify(
    value,
    bigintsAs((bigint) => String(bigint)),
  )
}

/** Does the same for what `parseJson` read: plain values, none of which holds itself or has a `toJSON`. */
export function exactJsonOfParsed(value: unknown): string {
  // A replacer is called for every value, which costs more than the rest of the JSON. Bigints are few.
  return holdsBigint(value) ? exactJson(value) : JSON.stringify(value)
}

function holdsBigint(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint'
  const fields = value as Record<string, unknown>
  for (const name in fields) {
    const field = fields[name]
    if (typeof field === 'bigint' || (typeof field === 'object' && holdsBigint(field))) return true
  }
  return false
}

/** Returns the JSON of a value in a form from which every bigint is read back as a bigint. */
export function internalJson(value: unknown): string {
  return JSON.stringify(
    value,
    bigintsAs((bigint) => (isReadAsBigint(bigint) ? String(bigint) : `${bigint}${MARK}`)),
  )
}

/** True if the digits of a bigint are read as a bigint. If not, a number has the same digits. */
export function isReadAsBigint(bigint: bigint): boolean {
  return !hasDigits(Number(bigint), String(bigint))
}

/** A function of ES2026, in Node since 21. */
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): unknown }

function bigintsAs(textOf: (bigint: bigint) => string) {
  return function (this: Record<string, unknown>, key: string, value: unknown): unknown {
    // Many programs give `BigInt.prototype` a `toJSON`, which has been called by now.
    const field = this[key]
    if (typeof field === 'bigint') return rawJSON(textOf(field))
    return typeof value === 'bigint' ? rawJSON(textOf(value)) : value
  }
}

function holdsLarge(value: unknown): boolean {
  if (typeof value === 'number') return value >= INEXACT || value <= -INEXACT
  return typeof value === 'object' && value !== null && holdsLargeInside(value)
}

/** Looks for a large number. Makes no call for a number or a text: every value that is read passes here. */
function holdsLargeInside(value: object): boolean {
  if (Array.isArray(value)) {
    const elements: readonly unknown[] = value
    for (let i = 0; i < elements.length; i++) {
      const element = elements[i]
      if (typeof element === 'number') {
        if (element >= INEXACT || element <= -INEXACT) return true
      } else if (typeof element === 'object' && element !== null && holdsLargeInside(element)) return true
    }
    return false
  }
  const fields = value as Record<string, unknown>
  for (const name in fields) {
    const field = fields[name]
    if (typeof field === 'number') {
      if (field >= INEXACT || field <= -INEXACT) return true
    } else if (typeof field === 'object' && field !== null && holdsLargeInside(field)) return true
  }
  return false
}

/** @param marked true: `internalJson` wrote the text, so that its mark is that of a bigint */
function parseExactly(text: string, integers: Exclude<JsonIntegers, 'round'>, marked: boolean): unknown {
  let found = false
  const value = parseWith(text, (_key, read, { source }) => {
    if (typeof read !== 'number' || source === undefined) return read
    if (marked && source.endsWith(MARK)) return BigInt(source.slice(0, -MARK.length))
    if ((read < INEXACT && read > -INEXACT) || hasDigits(read, source)) return read
    if (integers === 'string') return source
    if (integers === 'bigint' && /^-?\d+$/.test(source)) return BigInt(source)
    found = true
    return new Inexact(source, read)
  })
  if (found) throw refusal(value, integers)
  return value
}

function refusal(value: unknown, integers: 'refuse' | 'bigint' | 'string'): MillraceError {
  const { path, inexact } = findInexact(value, '$') ?? { path: '$', inexact: new Inexact('', Number.NaN) }
  const { source, value: read } = inexact
  const shown = source.length > SHOWN ? `${source.slice(0, SHOWN)}…` : source
  const error = new MillraceError(
    'MR_NUMBER_RANGE',
    `json: ${path}: a number of ${source.length} characters would be read as another one`,
    {
      hint:
        integers === 'bigint'
          ? "Use json({ integers: 'string' }) to read such a number as its text, or 'round' to read the nearest one: " +
            'a bigint has neither fraction nor exponent.'
          : "Use json({ integers: 'bigint' }) to read such integers exactly, 'string' to read their text, " +
            "or 'round' to read the nearest number.",
    },
  )
  return hidingValues(error, `json: ${path}: ${shown} would be read as ${read}`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // V8 puts the text, or its part around the place, into those of its messages that have no position.
    const said = messageOf(error)
    throw said.includes('is not valid JSON') ? hidingValues(new SyntaxError('it is not valid JSON'), said) : error
  }
}

function findInexact(value: unknown, path: string): { readonly path: string; readonly inexact: Inexact } | undefined {
  if (value instanceof Inexact) return { path, inexact: value }
  if (typeof value !== 'object' || value === null) return undefined
  const isArray = Array.isArray(value)
  for (const [name, field] of Object.entries(value)) {
    const found = findInexact(field, isArray ? `${path}[${name}]` : `${path}.${name}`)
    if (found !== undefined) return found
  }
  return undefined
}

/** True if a number has the digits of its text: `1e3` and `1000` have the same digits. */
function hasDigits(value: number, text: string): boolean {
  const written = String(value)
  if (written === text) return true
  const one = decimal(written)
  const other = decimal(text)
  return one !== undefined && other !== undefined && one.digits === other.digits && one.exponent === other.exponent
}

/** Returns the digits of a number, without zeros at either end, and its power of ten. The sign always survives. */
function decimal(text: string): { readonly digits: string; readonly exponent: number } | undefined {
  const parts = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (parts === null) return undefined
  const [, whole = '', fraction = '', exponent = '0'] = parts
  const digits = whole + fraction
  let first = 0
  while (first < digits.length && digits[first] === '0') first++
  let end = digits.length
  while (end > first && digits[end - 1] === '0') end--
  return { digits: digits.slice(first, end), exponent: Number(exponent) - fraction.length + (digits.length - end) }
}

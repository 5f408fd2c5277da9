import { MillraceError } from '../errors.ts'
import { validateName } from '../topology/names.ts'
import { parseDuration } from '../windowing/index.ts'
import type { Duration } from '../windowing/index.ts'
import { parseByteSize } from './byte-size.ts'
import type { ByteSize } from './byte-size.ts'

/** What is said of a setting that has an impossible value. */
export function badConfig(key: string, value: unknown, hint: string, cause?: unknown): MillraceError {
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return new MillraceError('MR_CONFIG', `the setting ${key} is ${shown}`, { hint, cause })
}

export function object(key: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) throw badConfig(key, value, 'give an object')
}

export function name(key: string, value: string): string {
  try {
    return validateName(value)
  } catch (cause) {
    throw badConfig(key, value, 'use 1 to 249 of the characters A-Z, a-z, 0-9, ".", "_" and "-"', cause)
  }
}

export function fn<F extends (...args: never) => unknown>(key: string, value: F): F {
  if (typeof value !== 'function') throw badConfig(key, value, 'give a function')
  return value
}

export function integer(key: string, value: number | undefined, byDefault: number, least: number): number {
  if (value === undefined) return byDefault
  if (Number.isSafeInteger(value) && value >= least) return value
  throw badConfig(key, value, `give a whole number from ${least} on`)
}

export function byteSize(key: string, value: ByteSize | undefined, byDefault: number, least: number): number {
  if (value === undefined) return byDefault
  const bytes = parseByteSize(value)
  if (bytes >= least) return bytes
  const from = least === 0 ? '' : `, from ${least / 2 ** 20}MiB on`
  throw badConfig(key, value, `give whole bytes, or a number with kB, KiB, MB, MiB, GB or GiB, as in '512MiB'${from}`)
}

/** In ms. */
export function duration(key: string, value: Duration | undefined, byDefault: number): number {
  if (value === undefined) return byDefault
  try {
    return parseDuration(value, key)
  } catch (cause) {
    throw badConfig(key, value, "give whole milliseconds, not negative, or a text such as '10s'", cause)
  }
}

/** One of several words; the first if not given. */
export function oneOf<Word extends string>(key: string, value: Word | undefined, words: readonly Word[]): Word {
  const found = value === undefined ? words[0] : words.find((word) => word === value)
  if (found !== undefined) return found
  throw badConfig(key, value, `give ${words.map((word) => JSON.stringify(word)).join(' or ')}`)
}

/** A function, or a word it could answer. */
export function decision<D extends string | ((...args: never) => unknown)>(
  key: string,
  value: D,
  words: readonly string[],
): D {
  if (typeof value === 'function' || words.some((word) => word === value)) return value
  throw badConfig(key, value, `give a function, or ${words.map((word) => JSON.stringify(word)).join(' or ')}`)
}

import { MillraceError } from '../errors/millrace-error.ts'

type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9'

/**
 * A length of time: milliseconds, or a number with a unit: `'250ms'`, `'10s'`, `'5m'`, `'1h'`, `'7d'`. Text of unknown
 * form, as from the environment, goes through `parseDuration` first.
 */
export type Duration = number | (`${Digit}${string}` & `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`)

// What the type above takes: any number of JavaScript that begins with a digit.
const FORM = /^(\d\S*?)\s*(ms|s|m|h|d)$/
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Returns a duration in milliseconds: a whole number, not negative.
 *
 * @param what the purpose of the duration, as the error names it: `the grace of tumbling()`
 * @throws MR_DURATION for anything else
 * @example
 * ```ts
 * parseDuration('1.5s', 'the timeout') // 1500
 * ```
 */
export function parseDuration(value: number | string, what: string): number {
  const ms = typeof value === 'number' ? value : typeof value === 'string' ? parseText(value) : Number.NaN
  if (!Number.isSafeInteger(ms) || ms < 0) {
    const shown = typeof value === 'string' ? JSON.stringify(value) : String(value)
    throw new MillraceError('MR_DURATION', `${what}: ${shown} is not a duration`, {
      hint: "Give whole milliseconds, not negative, or a number with ms, s, m, h or d, as in '10s'.",
    })
  }
  return ms
}

function parseText(text: string): number {
  const match = FORM.exec(text.trim())
  const unit = UNITS[match?.[2] ?? '']
  if (match === null || unit === undefined) return Number.NaN
  const ms = Number(match[1]) * unit
  const whole = Math.round(ms)
  // 1.1 s is 1100.0000000000002 ms in floating point.
  return Math.abs(ms - whole) < 1e-6 ? whole : Number.NaN
}

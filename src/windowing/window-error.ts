import { MillraceError } from '../errors/millrace-error.ts'

/** @throws MR_WINDOW */
export function checkPositive(ms: number, what: string): void {
  if (ms === 0) throw new MillraceError('MR_WINDOW', `${what} is 0`, { hint: 'Give at least 1 ms.' })
}

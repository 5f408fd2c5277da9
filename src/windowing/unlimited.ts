import { MillraceError } from '../errors/millrace-error.ts'
import { checkOptionNames } from '../options/options.ts'
import { UNLIMITED } from './window-options.ts'

/** One window without an end. Milliseconds since the epoch. */
export interface UnlimitedWindows {
  readonly kind: 'unlimited'
  readonly start: number
}

/** The `end` that keys of unlimited windows have. */
export const UNLIMITED_END = Number.MAX_SAFE_INTEGER

/**
 * Makes one window from `start` on, which never closes. Records before `start` belong to no window.
 *
 * @param options.start milliseconds since the epoch; 0 if not given
 * @throws MR_CONFIG for an option that is unknown; MR_WINDOW if `start` is not a whole number from 0 on
 * @example
 * ```ts
 * votes.groupByKey().windowedBy(unlimited({ start: Date.UTC(2026, 0, 1) })).count()
 * ```
 * Behaves as Kafka Streams' `UnlimitedWindows`.
 */
export function unlimited(options: { readonly start?: number } = {}): UnlimitedWindows {
  checkOptionNames(UNLIMITED, options, 'unlimited()')
  const start = options.start ?? 0
  if (!Number.isSafeInteger(start) || start < 0) {
    throw new MillraceError('MR_WINDOW', `the start of unlimited() is ${start}`, {
      hint: 'Give milliseconds since the epoch, from 0 on.',
    })
  }
  return { kind: 'unlimited', start }
}

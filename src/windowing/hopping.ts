import { MillraceError } from '../errors/millrace-error.ts'
import { checkOptionNames, parseDuration, type Duration } from '../options/options.ts'
import { HOPPING } from './window-options.ts'
import { checkPositive } from './window-error.ts'

/** Windows of one size; one starts every `advance`. Milliseconds. */
export interface HoppingWindows {
  readonly kind: 'hopping'
  readonly size: number
  readonly advance: number
  readonly grace: number
}

/**
 * Makes overlapping windows `[start, start + size)`. One starts at every multiple of `advance` since the epoch, and a
 * record belongs to all that hold its timestamp.
 *
 * @param options.advance from one start to the next: more than 0, at most `size`
 * @param options.grace how long after its end (in stream time) a window still takes late records; 0 if not given
 * @throws MR_CONFIG for an option that is unknown; MR_WINDOW for an impossible size or advance; MR_DURATION
 * @example
 * ```ts
 * readings.groupByKey().windowedBy(hopping('5m', { advance: '1m' })).count()
 * ```
 * Behaves as Kafka Streams' `TimeWindows.ofSizeAndGrace(…).advanceBy(…)`.
 */
export function hopping(
  size: Duration,
  options: { readonly advance: Duration; readonly grace?: Duration },
): HoppingWindows {
  checkOptionNames(HOPPING, options, 'hopping()')
  const sizeMs = parseDuration(size, 'the size of hopping()')
  const advance = parseDuration(options.advance, 'the advance of hopping()')
  checkPositive(sizeMs, 'the size of hopping()')
  checkPositive(advance, 'the advance of hopping()')
  if (advance > sizeMs) {
    throw new MillraceError(
      'MR_WINDOW',
      `the advance of hopping() is ${advance} ms, more than its size of ${sizeMs} ms`,
      { hint: 'Choose an advance of at most the size: records between two windows would belong to none.' },
    )
  }
  return { kind: 'hopping', size: sizeMs, advance, grace: parseDuration(options.grace ?? 0, 'the grace of hopping()') }
}

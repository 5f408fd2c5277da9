import { checkOptionNames, parseDuration, type Duration } from '../options/options.ts'
import { GRACE } from './window-options.ts'
import { checkPositive } from './window-error.ts'

/** Windows of one size that follow one another without gap or overlap. Milliseconds. */
export interface TumblingWindows {
  readonly kind: 'tumbling'
  readonly size: number
  /** Equal to `size`: a tumbling window is a hopping window that advances by its size. */
  readonly advance: number
  readonly grace: number
}

/**
 * Makes windows `[start, start + size)`, aligned to the epoch: `tumbling('1m')` has one for each minute of the clock
 * (UTC).
 *
 * @param options.grace how long after its end (in stream time) a window still takes late records; 0 if not given
 * @throws MR_CONFIG for an option that is unknown; MR_WINDOW if `size` is 0; MR_DURATION
 * @example
 * ```ts
 * payments.groupByKey().windowedBy(tumbling('1m', { grace: '10s' })).count()
 * ```
 * Behaves as Kafka Streams' `TimeWindows.ofSizeAndGrace`.
 */
export function tumbling(size: Duration, options: { readonly grace?: Duration } = {}): TumblingWindows {
  checkOptionNames(GRACE, options, 'tumbling()')
  const ms = parseDuration(size, 'the size of tumbling()')
  checkPositive(ms, 'the size of tumbling()')
  return {
    kind: 'tumbling',
    size: ms,
    advance: ms,
    grace: parseDuration(options.grace ?? 0, 'the grace of tumbling()'),
  }
}

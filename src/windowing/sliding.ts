import { checkOptionNames, parseDuration, type Duration } from '../options/options.ts'
import { GRACE } from './window-options.ts'

/** Windows whose places depend on the records. Milliseconds. */
export interface SlidingWindows {
  readonly kind: 'sliding'
  readonly difference: number
  readonly grace: number
}

/**
 * Makes windows `[end - difference, end]`, both bounds included. One ends at each record and one starts just after
 * each, so that every set of records at most `difference` apart is aggregated once.
 *
 * @param difference greatest distance of two records in one window; may be 0
 * @param options.grace how long after its end (in stream time) a window still takes late records; 0 if not given
 * @throws MR_CONFIG for an option that is unknown; MR_DURATION
 * @example
 * ```ts
 * logins.groupByKey().windowedBy(sliding('30s', { grace: '5s' })).count()
 * ```
 * Behaves as Kafka Streams' `SlidingWindows` (KIP-450).
 */
export function sliding(difference: Duration, options: { readonly grace?: Duration } = {}): SlidingWindows {
  checkOptionNames(GRACE, options, 'sliding()')
  return {
    kind: 'sliding',
    difference: parseDuration(difference, 'the time difference of sliding()'),
    grace: parseDuration(options.grace ?? 0, 'the grace of sliding()'),
  }
}

import { checkOptionNames, parseDuration, type Duration } from '../options/options.ts'
import { GRACE } from './window-options.ts'

/** Windows from the first to the last record of a burst of activity. Milliseconds. */
export interface SessionWindows {
  readonly kind: 'session'
  readonly gap: number
  readonly grace: number
}

/**
 * Makes sessions `[first, last]` of records of one key that follow each other by at most `gap`. A record between two
 * sessions merges them.
 *
 * @param gap inactivity that ends a session; records exactly this far apart still belong together
 * @param options.grace how long a session can still grow once `gap` has passed since its last record (in stream time);
 * 0 if not given
 * @throws MR_CONFIG for an option that is unknown; MR_DURATION
 * @example
 * ```ts
 * clicks.groupByKey().windowedBy(session('30m')).count()
 * ```
 * Behaves as Kafka Streams' `SessionWindows.ofInactivityGapAndGrace`.
 */
export function session(gap: Duration, options: { readonly grace?: Duration } = {}): SessionWindows {
  checkOptionNames(GRACE, options, 'session()')
  const ms = parseDuration(gap, 'the gap of session()')
  return { kind: 'session', gap: ms, grace: parseDuration(options.grace ?? 0, 'the grace of session()') }
}

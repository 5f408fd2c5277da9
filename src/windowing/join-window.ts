import { MillraceError } from '../errors/millrace-error.ts'
import { checkOptionNames, parseDuration, type Duration } from '../options/options.ts'
import { GRACE, JOIN_WINDOW, type JoinWindowBounds } from './window-options.ts'

/** The time that may lie between two joined records. Milliseconds. */
export interface JoinWindows {
  readonly kind: 'join'
  /** A right record may be this much earlier than the left one; negative: it must be later by that much. */
  readonly before: number
  /** A right record may be this much later than the left one; negative: it must be earlier by that much. */
  readonly after: number
  readonly grace: number
}

/**
 * Makes a window in which a left record at `t` joins the right records in `[t - before, t + after]`, both bounds
 * included. A single duration is both `before` and `after`. `joinWindow(0)` joins records with equal timestamps.
 *
 * @param options.grace how long after the window's end (in stream time) records still join; 0 if not given
 * @throws MR_CONFIG for an option that is unknown; MR_WINDOW if the window ends before it starts; MR_DURATION
 * @example
 * ```ts
 * clicks.join(views, (click, view) => ({ click, view }), joinWindow('10s', { grace: '1s' }))
 * clicks.join(views, (click, view) => ({ click, view }), joinWindow({ before: '5s', after: '10s', grace: '1s' }))
 * ```
 * Stands for Kafka Streams' `JoinWindows`, whose edges depend on other keys (docs/differences.md, 19 and 20).
 */
export function joinWindow(window: Duration, options?: { readonly grace?: Duration }): JoinWindows
export function joinWindow(bounds: JoinWindowBounds): JoinWindows
export function joinWindow(window: Duration | JoinWindowBounds, options = {}): JoinWindows {
  checkOptionNames(
    typeof window === 'object' ? JOIN_WINDOW : GRACE,
    typeof window === 'object' ? window : options,
    'joinWindow()',
  )
  const bounds: JoinWindowBounds = typeof window === 'object' ? window : { before: window, after: window, ...options }
  const before = parseBound(bounds.before ?? 0, 'before of joinWindow()')
  const after = parseBound(bounds.after ?? 0, 'after of joinWindow()')
  if (before + after < 0) {
    throw new MillraceError('MR_WINDOW', `joinWindow() ends before it starts: before ${before} ms, after ${after} ms`, {
      hint: 'Give a before and an after whose sum is not negative.',
    })
  }
  return { kind: 'join', before, after, grace: parseDuration(bounds.grace ?? 0, 'the grace of joinWindow()') }
}

function parseBound(value: Duration, what: string): number {
  return typeof value === 'number' && value < 0 ? -parseDuration(-value, what) : parseDuration(value, what)
}

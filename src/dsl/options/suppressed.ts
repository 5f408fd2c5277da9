import { parseDuration, readOptions, type Duration } from '../../options/options.ts'
import type { Windowed } from '../../windowing/windows.ts'
import { STRICT_BUFFER, TIME_LIMIT_BUFFER } from './option-tables.ts'
import type { StrictBuffer, TimeLimitBuffer } from './operator-options.ts'

declare const KEYS: unique symbol

/** When `suppress` emits a change: made by `untilWindowCloses` and `untilTimeLimit`. `K` is what keys must be. */
export interface Suppressed<in K = unknown> {
  readonly [KEYS]: (key: K) => void
  readonly kind: 'windowClose' | 'timeLimit'
  /** Limit of `timeLimit`, ms. */
  readonly limit: number
  /** Infinity: no bound. */
  readonly maxRecords: number
  /** Infinity: no bound. */
  readonly maxBytes: number
  readonly whenFull: 'emitEarly' | 'shutDown'
}

/**
 * Emits one result per window: the final one, once the window takes no more records. Only for windowed tables.
 *
 * @throws MR_TOPOLOGY_SUPPRESS for impossible bounds
 * @example
 * ```ts
 * counts.suppress(untilWindowCloses()).toStream().to(finalCounts)
 * ```
 * Behaves as Kafka Streams' `Suppressed.untilWindowCloses` (KIP-328).
 */
export function untilWindowCloses(buffer: StrictBuffer = {}): Suppressed<Windowed<unknown>> {
  const bounds = readOptions(STRICT_BUFFER, buffer, 'untilWindowCloses()')
  return suppressed({ kind: 'windowClose', limit: 0, ...bounds, whenFull: 'shutDown' })
}

/**
 * Emits at most one change per key and `limit` of stream time. A change is held back until `limit` has passed since the
 * first one held back; later ones replace it meanwhile.
 *
 * @throws MR_DURATION; MR_TOPOLOGY_SUPPRESS for impossible bounds
 * @example
 * ```ts
 * balances.suppress(untilTimeLimit('10s', { maxRecords: 10_000 })).toStream().to(calmBalances)
 * ```
 * Behaves as Kafka Streams' `Suppressed.untilTimeLimit` (KIP-328).
 */
export function untilTimeLimit(limit: Duration, buffer: TimeLimitBuffer = {}): Suppressed {
  const ms = parseDuration(limit, 'the limit of untilTimeLimit()')
  return suppressed({ kind: 'timeLimit', limit: ms, ...readOptions(TIME_LIMIT_BUFFER, buffer, 'untilTimeLimit()') })
}

/** No property tells the type of the keys at run time. */
function suppressed<K>(made: Omit<Suppressed, typeof KEYS>): Suppressed<K> {
  return made as Suppressed<K>
}

import { parseDuration, type Duration } from '../options/duration.ts'
import type { PeriodWindows } from '../windowing/period.ts'
import type { Windowed } from '../windowing/windowed-key.ts'
import type { Serde } from './serde.ts'
import { BOTH_BOUNDS, startOnly, windowKeys } from './windowed-serdes.ts'

/**
 * Returns a serde for keys of windows in a topic.
 *
 * Keys of tumbling, hopping, sliding and unlimited windows: the key's bytes, then the window's start (8 bytes, ms, big
 * endian), as Kafka's `TimeWindowedSerializer` writes them. The end is not written: it follows from `size`.
 *
 * Keys of windows made by `calendar()` and `windowsOf()`: the key's bytes, then the window's end and start, as Kafka's
 * `SessionWindowedSerializer` writes them.
 *
 * @param size the length of the windows (for sliding windows, their time difference), or the result of `calendar()` or
 * `windowsOf()`
 * @throws MR_DURATION for an impossible size; MR_SERDE_LENGTH for data that is too short; what `inner` throws
 * @example
 * ```ts
 * const perMinute = topic('per-minute', { key: windowed(string(), '1m'), value: long() })
 * const days = calendar('day', { timeZone: 'Asia/Tokyo' })
 * const perDay = topic('per-day', { key: windowed(string(), days), value: long() })
 * ```
 */
export function windowed<K>(inner: Serde<K>, size: Duration | PeriodWindows): Serde<Windowed<K>> {
  const name = `windowed(${inner.name})`
  if (typeof size === 'object') return windowKeys(name, inner, BOTH_BOUNDS)
  return windowKeys(name, inner, startOnly(parseDuration(size, 'the size of windowed()')))
}

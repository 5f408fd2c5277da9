import type { Windowed } from '../windowing/windowed-key.ts'
import type { Serde } from './serde.ts'
import { BOTH_BOUNDS, windowKeys } from './windowed-serdes.ts'

/**
 * Returns a serde for keys of session windows in a topic: the key's bytes, then the session's end, then its start (8
 * bytes each, ms, big endian), as Kafka's `SessionWindowedSerializer` writes them.
 *
 * @throws MR_SERDE_LENGTH for data that is too short; what `inner` throws
 * @example
 * ```ts
 * const visits = topic('visits', { key: sessionWindowed(string()), value: long() })
 * ```
 */
export function sessionWindowed<K>(inner: Serde<K>): Serde<Windowed<K>> {
  return windowKeys(`sessionWindowed(${inner.name})`, inner, BOTH_BOUNDS)
}

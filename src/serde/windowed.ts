import { parseDuration } from '../options/duration.ts'
import type { Duration } from '../options/duration.ts'
import type { PeriodWindows } from '../windowing/period.ts'
import { Windowed } from '../windowing/windowed-key.ts'
import { readLong, writeLong } from './big-endian.ts'
import { boundedKeys } from './bounded-keys.ts'
import { asBuffer } from './byte-view.ts'
import { readInner, serialized, writeInner } from './call-serde.ts'
import { checkSuffix, wrongType } from './serde-error.ts'
import type { Serde } from './serde.ts'

/**
 * Keys of tumbling, hopping, sliding and unlimited windows in a topic: the key's bytes, then the window's start (8 bytes,
 * ms, big endian), as Kafka's `TimeWindowedSerializer` writes them. The end is not written: `size` tells it.
 *
 * Keys of windows made by `calendar()` and `windowsOf()`: the key's bytes, then the window's end and start, as Kafka's
 * `SessionWindowedSerializer` writes them.
 *
 * @param size how long the windows are (a sliding window's: its time difference), or what `calendar()` or `windowsOf()` returned
 * @throws MR_DURATION for an impossible size; MR_SERDE_LENGTH for data too short; else what `inner` throws
 * @example
 * ```ts
 * const perMinute = topic('per-minute', { key: windowed(string(), '1m'), value: long() })
 * const days = calendar('day', { timeZone: 'Asia/Tokyo' })
 * const perDay = topic('per-day', { key: windowed(string(), days), value: long() })
 * ```
 */
export function windowed<K>(inner: Serde<K>, size: Duration | PeriodWindows): Serde<Windowed<K>> {
  if (typeof size === 'object') return boundedKeys(`windowed(${inner.name})`, inner)
  const length = parseDuration(size, 'the size of windowed()')
  const outer = build(inner, length)
  return inner.internal === undefined ? outer : { ...outer, internal: build(inner.internal, length) }
}

function build<K>(inner: Serde<K>, size: number): Serde<Windowed<K>> {
  const name = `windowed(${inner.name})`

  const read = (buffer: Buffer, start: number, end: number): Windowed<K> => {
    checkSuffix(name, end - start, 8)
    const windowStart = readLong(buffer, end - 8)
    return new Windowed(
      readInner(inner, buffer, start, end - 8),
      windowStart,
      Math.min(windowStart + size, Number.MAX_SAFE_INTEGER),
    )
  }

  return {
    name,
    partitionSuffix: 8,
    serialize(value) {
      if (!(value instanceof Windowed)) throw wrongType(name, 'a Windowed key', value)
      const key = serialized(inner, value.key)
      const bytes = Buffer.allocUnsafe(key.length + 8)
      bytes.set(key)
      writeLong(value.start, bytes, key.length)
      return bytes
    },
    deserialize: (bytes) => read(asBuffer(bytes), 0, bytes.length),
    read,
    write(value, buffer, offset) {
      if (!(value instanceof Windowed)) throw wrongType(name, 'a Windowed key', value)
      const end = writeInner(inner, value.key, buffer, offset)
      return end === -1 || buffer.length - end < 8 ? -1 : writeLong(value.start, buffer, end)
    },
  }
}

import { readLong, writeLong } from './big-endian.ts'
import { fixedLength } from './fixed-length.ts'
import { checkLength, numberRange, wrongType } from './serde-error.ts'
import { withoutNegativeZero } from './negative-zero.ts'
import type { Serde } from './serde.ts'

/**
 * Returns a serde for whole numbers in Java's 8-byte big-endian `long`, as `number`: the format of `count()`. A number
 * is exact up to 2^53 - 1. Beyond that, reading and writing throw instead of rounding silently. `int64()` has no such
 * bound.
 *
 * @throws MR_NUMBER_RANGE beyond ±(2^53 - 1); MR_SERDE_LENGTH for other than 8 bytes; `TypeError` for a value that is
 * not a whole number
 * @example
 * ```ts
 * const counts = topic('counts', { key: string(), value: long() })
 * ```
 */
export function long(): Serde<number> {
  return longSerde
}

const longSerde = fixedLength<number>(8, {
  name: 'long',
  copy: withoutNegativeZero,

  read(buffer, start, end) {
    checkLength('long', end - start, 8)
    return readLong(buffer, start)
  },

  write(value, buffer, offset) {
    check(value)
    return buffer.length - offset < 8 ? -1 : writeLong(value, buffer, offset)
  },
})

function check(value: number): void {
  if (Number.isSafeInteger(value)) return
  if (!Number.isInteger(value)) throw wrongType('long', 'a whole number', value)
  throw numberRange('long', value, 'Use int64(), whose values are bigint.')
}

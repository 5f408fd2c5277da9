import { fixedLength } from './fixed-length.ts'
import { checkLength, numberRange, wrongType } from './serde-error.ts'
import { withoutNegativeZero } from './negative-zero.ts'
import type { Serde } from './serde.ts'

/**
 * Returns a serde for whole numbers from -2^31 to 2^31 - 1, in the bytes of Kafka's `IntegerSerializer`: 4, big endian.
 *
 * @throws MR_NUMBER_RANGE for a number beyond 32 bits; MR_SERDE_LENGTH for other than 4 bytes; `TypeError` for a value
 * that is not a whole number
 * @example
 * ```ts
 * const readings = topic('readings', { key: int32(), value: float64() })
 * ```
 */
export function int32(): Serde<number> {
  return int32Serde
}

const int32Serde = fixedLength<number>(4, {
  name: 'int32',
  copy: withoutNegativeZero,

  read(buffer, start, end) {
    checkLength('int32', end - start, 4)
    return buffer.readInt32BE(start)
  },

  write(value, buffer, offset) {
    check(value)
    return buffer.length - offset < 4 ? -1 : buffer.writeInt32BE(value, offset)
  },
})

function check(value: number): void {
  if (!Number.isInteger(value)) throw wrongType('int32', 'a whole number', value)
  if (value !== (value | 0)) throw numberRange('int32', value, 'Use long() or int64().')
}

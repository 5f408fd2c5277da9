import { fixedLength } from './fixed-length.ts'
import { checkLength, wrongType } from './serde-error.ts'
import { withoutNegativeZero } from './negative-zero.ts'
import type { Serde } from './serde.ts'

/**
 * Returns a serde for any number, in the bytes of Kafka's `DoubleSerializer`: 8 bytes, IEEE 754, big endian. Negative
 * zero is read and written as zero and every NaN as the same NaN, so that equal numbers have equal bytes and can be
 * keys.
 *
 * @throws MR_SERDE_LENGTH for other than 8 bytes; `TypeError` for a value that is not a number
 * @example
 * ```ts
 * const temperatures = topic('temperatures', { key: string(), value: float64() })
 * ```
 */
export function float64(): Serde<number> {
  return float64Serde
}

const float64Serde = fixedLength<number>(8, {
  name: 'float64',
  copy: withoutNegativeZero,

  read(buffer, start, end) {
    checkLength('float64', end - start, 8)
    return buffer.readDoubleBE(start) + 0
  },

  write: (value, buffer, offset) => (buffer.length - offset < 8 ? -1 : put(value, buffer, offset)),
})

function put(value: number, buffer: Buffer, offset: number): number {
  if (typeof value !== 'number') throw wrongType('float64', 'a number', value)
  if (Number.isNaN(value)) {
    buffer.writeUInt32BE(0x7ff80000, offset)
    return buffer.writeUInt32BE(0, offset + 4)
  }
  // -0 + 0 is 0; every other number stays the same.
  return buffer.writeDoubleBE(value + 0, offset)
}

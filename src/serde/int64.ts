import { fixedLength } from './fixed-length.ts'
import { checkLength, numberRange, wrongType } from './serde-error.ts'
import type { Serde } from './serde.ts'

const LOWEST = -(2n ** 63n)
const HIGHEST = 2n ** 63n - 1n

/**
 * Returns a serde for Java's 8-byte big-endian `long` over its whole range, as `bigint`. Where 2^53 is enough, `long()`
 * is faster.
 *
 * @throws MR_NUMBER_RANGE beyond 64 bits; MR_SERDE_LENGTH for other than 8 bytes; `TypeError` for a value that is no
 * bigint
 * @example
 * ```ts
 * const ledger = topic('ledger', { key: string(), value: int64() })
 * ```
 */
export function int64(): Serde<bigint> {
  return int64Serde
}

const int64Serde = fixedLength<bigint>(8, {
  name: 'int64',
  copy: (value) => value,

  read(buffer, start, end) {
    checkLength('int64', end - start, 8)
    return buffer.readBigInt64BE(start)
  },

  write(value, buffer, offset) {
    check(value)
    return buffer.length - offset < 8 ? -1 : buffer.writeBigInt64BE(value, offset)
  },
})

function check(value: bigint): void {
  if (typeof value !== 'bigint') throw wrongType('int64', 'a bigint', value)
  if (value < LOWEST || value > HIGHEST)
    throw numberRange('int64', value, 'Keep to 64 bits, which is all that the format holds.')
}

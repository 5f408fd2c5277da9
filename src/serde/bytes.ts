import { asBuffer } from './byte-view.ts'
import { wrongType } from './serde-error.ts'
import type { Serde } from './serde.ts'

/**
 * Returns a serde for bytes as they are. Its values are separate `Buffer`s: neither reading nor writing shares memory
 * with the log or the store.
 *
 * @throws `TypeError` for a value that is not a `Uint8Array`
 * @example
 * ```ts
 * const images = topic('images', { key: string(), value: bytes() })
 * ```
 */
export function bytes(): Serde<Buffer> {
  return bytesSerde
}

const bytesSerde: Serde<Buffer> = {
  name: 'bytes',

  serialize(value) {
    check(value)
    return Buffer.from(value)
  },

  deserialize: (data) => Buffer.from(data),

  copy(value) {
    check(value)
    return Buffer.from(value)
  },

  read: (buffer, start, end) => Buffer.from(buffer.subarray(start, end)),

  write(value, buffer, offset) {
    check(value)
    if (buffer.length - offset < value.length) return -1
    asBuffer(value).copy(buffer, offset)
    return offset + value.length
  },
}

function check(value: Buffer): void {
  if (!(value instanceof Uint8Array)) throw wrongType('bytes', 'a Buffer', value)
}

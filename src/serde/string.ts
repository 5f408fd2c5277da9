import { MillraceError } from '../errors/millrace-error.ts'
import { asBuffer } from './byte-view.ts'
import { wrongType } from './serde-error.ts'
import type { Serde } from './serde.ts'

/**
 * Returns a serde for text in UTF-8, as Kafka's `StringSerializer` writes it.
 *
 * Bytes that are not UTF-8 are read as U+FFFD, as in Java. Text that UTF-8 cannot hold (half of a surrogate pair) is
 * refused on writing: two different texts would become the same bytes. `T` is the type of the values, if it is narrower
 * than text: a branded id, or a union of literals. Nothing checks it on reading.
 *
 * @throws MR_STRING_MALFORMED on writing text with a lone surrogate; `TypeError` for a value that is not a string
 * @example
 * ```ts
 * const words = topic('words', { key: string(), value: string() })
 * const users = topic('users', { key: string<UserId>(), value: json<User>() })
 * ```
 */
export function string<T extends string = string>(): Serde<T> {
  return stringSerde as Serde<T>
}

const stringSerde: Serde<string> = {
  name: 'string',
  primitive: true,
  copy: (value) => value,

  serialize(value) {
    if (typeof value !== 'string') throw wrongType('string', 'a string', value)
    const bytes = Buffer.from(value, 'utf8')
    if (bytes.length !== value.length) checkWellFormed(value)
    return bytes
  },

  deserialize: (bytes) => asBuffer(bytes).toString('utf8'),

  read: (buffer, start, end) => buffer.toString('utf8', start, end),

  write(value, buffer, offset) {
    if (typeof value !== 'string') throw wrongType('string', 'a string', value)
    const room = buffer.length - offset
    // `Buffer.write` truncates silently, so it may only be called when everything fits.
    if (value.length * 3 > room && Buffer.byteLength(value, 'utf8') > room) return -1
    const written = buffer.write(value, offset, 'utf8')
    // Text with as many bytes as UTF-16 units is ASCII.
    if (written !== value.length) checkWellFormed(value)
    return offset + written
  },
}

function checkWellFormed(value: string): void {
  if (!value.isWellFormed()) {
    throw new MillraceError('MR_STRING_MALFORMED', 'string: the text holds half of a surrogate pair', {
      hint: 'Replace such halves by value.toWellFormed(). The text was probably cut inside a character.',
    })
  }
}

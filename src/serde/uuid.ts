import { hidingValues, MillraceError } from '../errors/millrace-error.ts'
import { asBuffer } from './byte-view.ts'
import { checkLength, wrongType } from './serde-error.ts'
import type { Serde } from './serde.ts'

const LENGTH = 36
const CANONICAL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/**
 * Returns a serde for UUIDs as text of 36 characters, the format of Kafka's `UUIDSerializer`. Values are in lower case,
 * as `crypto.randomUUID()` makes them. Data in upper case is read as the same UUID in lower case. `T` is the type of
 * the values, such as a branded id.
 *
 * @throws MR_UUID for text that is not a UUID in lower case; MR_SERDE_LENGTH for other than 36 bytes; `TypeError` for a
 * value that is not a string
 * @example
 * ```ts
 * const sessions = topic('sessions', { key: uuid(), value: json<Session>() })
 * ```
 */
export function uuid<T extends string = string>(): Serde<T> {
  return uuidSerde as Serde<T>
}

const uuidSerde: Serde<string> = {
  name: 'uuid',
  primitive: true,
  copy: (value) => value,

  serialize(value) {
    check(value)
    return Buffer.from(value, 'latin1')
  },

  deserialize: (bytes) => parse(asBuffer(bytes), 0, bytes.length),

  read: parse,

  write(value, buffer, offset) {
    check(value)
    return buffer.length - offset < LENGTH ? -1 : offset + buffer.write(value, offset, 'latin1')
  },
}

function parse(buffer: Buffer, start: number, end: number): string {
  checkLength('uuid', end - start, LENGTH)
  const text = buffer.toString('latin1', start, end)
  if (CANONICAL.test(text)) return text
  const lower = text.toLowerCase()
  check(lower)
  return lower
}

function check(value: string): void {
  if (typeof value !== 'string') throw wrongType('uuid', 'a string', value)
  if (!CANONICAL.test(value)) {
    const error = new MillraceError('MR_UUID', `uuid: ${value.length} characters are not a UUID in lower case`, {
      hint: 'Make values by crypto.randomUUID(), and call toLowerCase() on values from elsewhere.',
    })
    throw hidingValues(error, `uuid: ${JSON.stringify(value.slice(0, 50))} is not a UUID in lower case`)
  }
}

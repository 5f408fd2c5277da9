import { Windowed } from '../windowing/windowed-key.ts'
import { readLong, writeLong } from './big-endian.ts'
import { asBuffer } from './byte-view.ts'
import { readInner, writeInner } from './inner-key.ts'
import { checkSuffix, wrongType } from './serde-error.ts'
import type { Serde } from './serde.ts'

/**
 * Keys of session windows in a topic: the key's bytes, then end and start of the session (8 bytes each, ms, big endian;
 * the end first), as Kafka's `SessionWindowedSerializer` writes them.
 *
 * @throws MR_SERDE_LENGTH for data too short; else what `inner` throws
 * @example
 * ```ts
 * const visits = topic('visits', { key: sessionWindowed(string()), value: long() })
 * ```
 */
export function sessionWindowed<K>(inner: Serde<K>): Serde<Windowed<K>> {
  const outer = build(inner)
  return inner.internal === undefined ? outer : { ...outer, internal: build(inner.internal) }
}

function build<K>(inner: Serde<K>): Serde<Windowed<K>> {
  const name = `sessionWindowed(${inner.name})`

  const read = (buffer: Buffer, start: number, end: number): Windowed<K> => {
    checkSuffix(name, end - start, 16)
    return new Windowed(
      readInner(inner, buffer, start, end - 16),
      readLong(buffer, end - 8),
      readLong(buffer, end - 16),
    )
  }

  return {
    name,
    partitionSuffix: 16,
    serialize(value) {
      if (!(value instanceof Windowed)) throw wrongType(name, 'a Windowed key', value)
      const key = inner.serialize(value.key)
      const bytes = Buffer.allocUnsafe(key.length + 16)
      bytes.set(key)
      writeLong(value.start, bytes, writeLong(value.end, bytes, key.length))
      return bytes
    },
    deserialize: (bytes) => read(asBuffer(bytes), 0, bytes.length),
    read,
    write(value, buffer, offset) {
      if (!(value instanceof Windowed)) throw wrongType(name, 'a Windowed key', value)
      const end = writeInner(inner, value.key, buffer, offset)
      if (end === -1 || buffer.length - end < 16) return -1
      return writeLong(value.start, buffer, writeLong(value.end, buffer, end))
    },
  }
}

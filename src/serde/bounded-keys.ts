import { Windowed } from '../windowing/windowed-key.ts'
import { readLong, writeLong } from './big-endian.ts'
import { asBuffer } from './byte-view.ts'
import { readInner, serialized, writeInner } from './call-serde.ts'
import { checkSuffix, wrongType } from './serde-error.ts'
import type { Serde } from './serde.ts'

/** Keys with both bounds of their window: the key's bytes, the window's end, its start. */
export function boundedKeys<K>(name: string, inner: Serde<K>): Serde<Windowed<K>> {
  const outer = build(name, inner)
  return inner.internal === undefined ? outer : { ...outer, internal: build(name, inner.internal) }
}

function build<K>(name: string, inner: Serde<K>): Serde<Windowed<K>> {
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
      const key = serialized(inner, value.key)
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

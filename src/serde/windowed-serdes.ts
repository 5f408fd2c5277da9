import { Windowed } from '../windowing/windowed-key.ts'
import { asBuffer } from './byte-view.ts'
import { readInner, serialized, writeInner } from './call-serde.ts'
import { readLong, writeLong } from './big-endian.ts'
import { checkSuffix, wrongType } from './serde-error.ts'
import type { Serde } from './serde.ts'

/** The format of a window's bytes, which follow those of its key. */
interface WindowBytes {
  readonly length: number
  /** @param end the offset after the bytes */
  read<K>(key: K, buffer: Buffer, end: number): Windowed<K>
  /** Returns the offset after the bytes. */
  write(window: Windowed<unknown>, bytes: Buffer, offset: number): number
}

/** The format for windows of a known size, in ms: the window's start. */
export function startOnly(size: number): WindowBytes {
  return {
    length: 8,
    read: (key, buffer, end) => {
      const start = readLong(buffer, end - 8)
      return new Windowed(key, start, Math.min(start + size, Number.MAX_SAFE_INTEGER))
    },
    write: ({ start }, bytes, offset) => writeLong(start, bytes, offset),
  }
}

/** The format for sessions and for windows with individual bounds: the window's end, then its start. */
export const BOTH_BOUNDS: WindowBytes = {
  length: 16,
  read: (key, buffer, end) => new Windowed(key, readLong(buffer, end - 8), readLong(buffer, end - 16)),
  write: ({ start, end }, bytes, offset) => writeLong(start, bytes, writeLong(end, bytes, offset)),
}

/** Makes a serde for keys with their window. */
export function windowKeys<K>(name: string, inner: Serde<K>, window: WindowBytes): Serde<Windowed<K>> {
  const outer = build(name, inner, window)
  return inner.internal === undefined ? outer : { ...outer, internal: build(name, inner.internal, window) }
}

function build<K>(name: string, inner: Serde<K>, window: WindowBytes): Serde<Windowed<K>> {
  const { length } = window
  const read = (buffer: Buffer, start: number, end: number): Windowed<K> => {
    checkSuffix(name, end - start, length)
    return window.read(readInner(inner, buffer, start, end - length), buffer, end)
  }
  return {
    name,
    partitionSuffix: length,
    serialize(value) {
      if (!(value instanceof Windowed)) throw wrongType(name, 'a Windowed key', value)
      const key = serialized(inner, value.key)
      const bytes = Buffer.allocUnsafe(key.length + length)
      bytes.set(key)
      window.write(value, bytes, key.length)
      return bytes
    },
    deserialize: (bytes) => read(asBuffer(bytes), 0, bytes.length),
    read,
    write(value, buffer, offset) {
      if (!(value instanceof Windowed)) throw wrongType(name, 'a Windowed key', value)
      const end = writeInner(inner, value.key, buffer, offset)
      return end === -1 || buffer.length - end < length ? -1 : window.write(value, buffer, end)
    },
  }
}

import { asBuffer } from './byte-view.ts'
import type { Serde } from './serde.ts'

type Direct<T> = Required<Pick<Serde<T>, 'name' | 'copy' | 'read' | 'write'>>

/** Completes a serde of primitive values that all take `length` bytes. `read` and `write` check bytes and values. */
export function fixedLength<T>(length: number, serde: Direct<T>): Serde<T> {
  return {
    ...serde,
    primitive: true,

    serialize(value) {
      const bytes = Buffer.allocUnsafe(length)
      serde.write(value, bytes, 0)
      return bytes
    },

    deserialize: (bytes) => serde.read(asBuffer(bytes), 0, bytes.length),
  }
}

import type { Serde } from './serde.ts'

/** Reads through a serde that may lack the fast path. */
export function readInner<T>(serde: Serde<T>, buffer: Buffer, start: number, end: number): T {
  return serde.read === undefined ? serde.deserialize(buffer.subarray(start, end)) : serde.read(buffer, start, end)
}

/** Writes through a serde that may lack the fast path; -1 if the buffer is too small. */
export function writeInner<T>(serde: Serde<T>, value: T, buffer: Buffer, offset: number): number {
  if (serde.write !== undefined) return serde.write(value, buffer, offset)
  const bytes = serde.serialize(value)
  if (buffer.length - offset < bytes.length) return -1
  buffer.set(bytes, offset)
  return offset + bytes.length
}

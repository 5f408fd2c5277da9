import type { Serde } from '../serde/serde.ts'

/** The key or value that lies at a range of a fetched buffer; null if it starts below 0. @throws what the serde throws */
export function decode(serde: Serde<unknown>, buffer: Buffer, start: number, end: number): unknown {
  if (start < 0) return null
  return serde.read === undefined ? serde.deserialize(buffer.subarray(start, end)) : serde.read(buffer, start, end)
}

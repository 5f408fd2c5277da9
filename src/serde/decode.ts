import { readInner } from './call-serde.ts'
import type { Serde } from './serde.ts'

/** Reads the key or value at a range of a fetched buffer; null if it starts below 0. @throws as `readInner` */
export function decode(serde: Serde<unknown>, buffer: Buffer, start: number, end: number): unknown {
  if (start < 0) return null
  return readInner(serde, buffer, start, end)
}

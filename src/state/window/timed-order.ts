import { writeLong } from '../../serde/big-endian.ts'
import type { Retention } from '../segment-retention.ts'

/** The order of all keys' rows: `time` is a window's start or a session's end, `sub` its sequence number or start. */
export interface TimedPlace {
  readonly time: number
  readonly sub: number
  readonly keyBytes: Buffer
}

export type TimedOrder = (a: TimedPlace, b: TimedPlace) => number

/** Windows by (start, key, sequence). */
export function byStart(a: TimedPlace, b: TimedPlace): number {
  return a.time - b.time || Buffer.compare(a.keyBytes, b.keyBytes) || a.sub - b.sub
}

/** Sessions by (end, start, key). */
export function byEnd(a: TimedPlace, b: TimedPlace): number {
  return a.time - b.time || a.sub - b.sub || Buffer.compare(a.keyBytes, b.keyBytes)
}

/** Sessions by (end, key, start), the last start first: Kafka Streams' stores in memory. */
export function byEndAndKey(a: TimedPlace, b: TimedPlace): number {
  return a.time - b.time || Buffer.compare(a.keyBytes, b.keyBytes) || b.sub - a.sub
}

/** Windows by (segment, key, start): the rows of Kafka Streams' persistent stores in the order of their bytes. */
export function bySegment(retention: Retention): TimedOrder {
  return (a, b) =>
    retention.segment(a.time) - retention.segment(b.time) || compareWithTime(a, b) || a.time - b.time || a.sub - b.sub
}

/** Compares keys as they lie before their times: of two keys of which one begins the other, the time decides. */
function compareWithTime(a: TimedPlace, b: TimedPlace): number {
  const length = Math.min(a.keyBytes.length, b.keyBytes.length)
  const order = a.keyBytes.compare(b.keyBytes, 0, length, 0, length)
  if (order !== 0 || a.keyBytes.length === b.keyBytes.length) return order
  return Buffer.compare(withTime(a), withTime(b))
}

function withTime({ keyBytes, time, sub }: TimedPlace): Buffer {
  const row = Buffer.alloc(keyBytes.length + 12)
  keyBytes.copy(row)
  writeLong(time, row, keyBytes.length)
  row.writeInt32BE(sub, keyBytes.length + 8)
  return row
}

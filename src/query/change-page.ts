import { NO_BYTES } from '../platform/no-bytes.ts'
import type { RowNow } from '../state/reads.ts'
import { PageBuffer } from './page-buffer.ts'

/** A part of what a watch shows. */
export type WatchEvent =
  /** The rows that there are follow, each as `value`. A key that is not among them has no row. */
  | { readonly kind: 'begin' }
  /** These were all rows: what follows are changes. */
  | { readonly kind: 'current' }
  /** Windows and sessions that end before this time (ms) have expired. */
  | { readonly kind: 'expired'; readonly before: number }
  | ChangedRow

/** A row as it is now. `start` and `end` are -1 in stores of keys. */
export interface ChangedRow extends RowNow {
  /** `value`: one of those that there were. `change`: it has changed since. */
  readonly kind: 'value' | 'change'
}

const KINDS = ['begin', 'current', 'value', 'change', 'expired'] as const
/** Bytes before key and value: kind, what there is besides, the lengths, the timestamp (`before` of `expired`). */
const HEADER = 1 + 1 + 4 + 4 + 8
const HAS_VALUE = 1
/** Start and end follow the header. */
const HAS_BOUNDS = 2
const BOUNDS = 8 + 8

/** Writes events one after the other, each as its header, perhaps the bounds of its time, its key and its value. */
export class ChangeWriter extends PageBuffer {
  mark(kind: 'begin' | 'current'): void {
    this.add(kind, NO_ROW)
  }

  expired(before: number): void {
    this.add('expired', { ...NO_ROW, timestamp: before })
  }

  add(kind: WatchEvent['kind'], { key, value, timestamp, start, end }: RowNow): void {
    const valueLength = value?.length ?? 0
    const hasBounds = end >= 0
    const begin = this.extend(HEADER + (hasBounds ? BOUNDS : 0) + key.length + valueLength)
    const { buffer } = this
    let at = buffer.writeUInt8(KINDS.indexOf(kind), begin)
    at = buffer.writeUInt8((value === undefined ? 0 : HAS_VALUE) | (hasBounds ? HAS_BOUNDS : 0), at)
    at = buffer.writeUInt32BE(key.length, at)
    at = buffer.writeUInt32BE(valueLength, at)
    at = buffer.writeDoubleBE(timestamp, at)
    if (hasBounds) at = buffer.writeDoubleBE(end, buffer.writeDoubleBE(start, at))
    key.copy(buffer, at)
    value?.copy(buffer, at + key.length)
  }
}

const NO_ROW: RowNow = { key: NO_BYTES, value: undefined, timestamp: -1, start: -1, end: -1 }

/** Returns the events of a page. They share its memory. @throws RangeError if the page is cut, or is none */
export function readEvents(page: Buffer): WatchEvent[] {
  const events: WatchEvent[] = []
  for (let at = 0; at < page.length;) {
    const kind = KINDS[page.readUInt8(at)]
    const has = page.readUInt8(at + 1)
    const hasBounds = (has & HAS_BOUNDS) !== 0
    const keyStart = at + HEADER + (hasBounds ? BOUNDS : 0)
    const keyEnd = keyStart + page.readUInt32BE(at + 2)
    const end = keyEnd + page.readUInt32BE(at + 6)
    if (kind === undefined || end > page.length) throw new RangeError('the page is cut')
    const timestamp = page.readDoubleBE(at + 10)
    if (kind === 'begin' || kind === 'current') events.push({ kind })
    else if (kind === 'expired') events.push({ kind, before: timestamp })
    else {
      const [rowStart, rowEnd] = hasBounds ? [page.readDoubleBE(at + 18), page.readDoubleBE(at + 26)] : [-1, -1]
      const value = (has & HAS_VALUE) === 0 ? undefined : page.subarray(keyEnd, end)
      const key = page.subarray(keyStart, keyEnd)
      events.push({ kind, key, value, timestamp, start: rowStart, end: rowEnd })
    }
    at = end
  }
  return events
}

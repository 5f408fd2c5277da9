import { PageBuffer } from './page-buffer.ts'

/** A part of what a watch shows. */
export type WatchEvent =
  /** The rows that there are follow, each as `value`. A key that is not among them has no row. */
  | { readonly kind: 'begin' }
  /** These were all rows: what follows are changes. */
  | { readonly kind: 'current' }
  | ChangedRow

/** A row as it is now. */
export interface ChangedRow {
  /** `value`: one of those that there were. `change`: it has changed since. */
  readonly kind: 'value' | 'change'
  readonly key: Buffer
  /** Undefined: there is no such row. */
  readonly value: Buffer | undefined
  /** Event time, ms; -1 in stores without timestamps, and without a row. */
  readonly timestamp: number
}

const KINDS = ['begin', 'current', 'value', 'change'] as const
/** Bytes before the key and the value: kind, whether there is a value, their lengths, the timestamp. */
const HEADER = 1 + 1 + 4 + 4 + 8

/** Writes events one after the other, each as kind, lengths, timestamp, key and value. */
export class ChangeWriter extends PageBuffer {
  mark(kind: 'begin' | 'current'): void {
    this.#add(kind, NO_KEY, undefined, -1)
  }

  add({ kind, key, value, timestamp }: ChangedRow): void {
    this.#add(kind, key, value, timestamp)
  }

  #add(kind: WatchEvent['kind'], key: Buffer, value: Buffer | undefined, timestamp: number): void {
    const valueLength = value?.length ?? 0
    const begin = this.extend(HEADER + key.length + valueLength)
    const { buffer } = this
    let at = buffer.writeUInt8(KINDS.indexOf(kind), begin)
    at = buffer.writeUInt8(value === undefined ? 0 : 1, at)
    at = buffer.writeUInt32BE(key.length, at)
    at = buffer.writeUInt32BE(valueLength, at)
    at = buffer.writeDoubleBE(timestamp, at)
    key.copy(buffer, at)
    value?.copy(buffer, at + key.length)
  }
}

const NO_KEY = Buffer.alloc(0)

/** Returns the events of a page. They share its memory. @throws RangeError if the page is cut, or is none */
export function readEvents(page: Buffer): WatchEvent[] {
  const events: WatchEvent[] = []
  for (let at = 0; at < page.length;) {
    const kind = KINDS[page.readUInt8(at)]
    const hasValue = page.readUInt8(at + 1) === 1
    const keyStart = at + HEADER
    const keyEnd = keyStart + page.readUInt32BE(at + 2)
    const end = keyEnd + page.readUInt32BE(at + 6)
    if (kind === undefined || end > page.length) throw new RangeError('the page is cut')
    if (kind === 'begin' || kind === 'current') events.push({ kind })
    else {
      const value = hasValue ? page.subarray(keyEnd, end) : undefined
      events.push({ kind, key: page.subarray(keyStart, keyEnd), value, timestamp: page.readDoubleBE(at + 10) })
    }
    at = end
  }
  return events
}

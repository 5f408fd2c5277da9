import type { StoredRow } from '../state/reads.ts'
import { PageBuffer } from './page-buffer.ts'

/** Bytes before the key and the value of a row: their lengths, its timestamp, the bounds of its window. */
const HEADER = 4 + 4 + 3 * 8

/** Writes rows one after the other, each as its lengths, times, key and value. */
export class PageWriter extends PageBuffer {
  add({ key, value, timestamp, start, end }: StoredRow): void {
    const begin = this.extend(HEADER + key.length + value.length)
    const { buffer } = this
    let at = buffer.writeUInt32BE(key.length, begin)
    at = buffer.writeUInt32BE(value.length, at)
    at = buffer.writeDoubleBE(timestamp, at)
    at = buffer.writeDoubleBE(start, at)
    at = buffer.writeDoubleBE(end, at)
    key.copy(buffer, at)
    value.copy(buffer, at + key.length)
  }
}

/** Returns the rows of a page. They share its memory. @throws RangeError if the page is cut */
export function readRows(page: Buffer): StoredRow[] {
  const rows: StoredRow[] = []
  for (let at = 0; at < page.length;) {
    const keyStart = at + HEADER
    const keyEnd = keyStart + page.readUInt32BE(at)
    const end = keyEnd + page.readUInt32BE(at + 4)
    if (end > page.length) throw new RangeError('the page is cut')
    rows.push({
      key: page.subarray(keyStart, keyEnd),
      value: page.subarray(keyEnd, end),
      timestamp: page.readDoubleBE(at + 8),
      start: page.readDoubleBE(at + 16),
      end: page.readDoubleBE(at + 24),
    })
    at = end
  }
  return rows
}

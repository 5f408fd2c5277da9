/*
 * A value that tells its shape begins with a mark: six bytes, and the version in two. Values without a mark are of
 * version 0, as those of stores that never had a version: their bytes are not touched. UTF-8 has none of the bytes FE,
 * FF and F8, so text and JSON never begin so, and of numbers one in 2^48 does.
 */

/** The first byte of a mark, for a look that costs nothing. */
export const MARK_START = 0xfe
export const MARK_LENGTH = 8
export const LATEST_VERSION = 0xffff

const REST = 0x6d72ff76
const LAST = 0xf8

/** Returns the version that the bytes begin with; 0 if they do not tell one. */
export function shapeVersionOf(buffer: Buffer, start: number, end: number): number {
  if (end - start < MARK_LENGTH || buffer[start] !== MARK_START) return 0
  if (buffer.readUInt32BE(start + 1) !== REST || buffer[start + 5] !== LAST) return 0
  return buffer.readUInt16BE(start + 6)
}

/** Writes a mark at `offset`, and returns the offset after it. */
export function writeMark(version: number, buffer: Buffer, offset: number): number {
  buffer[offset] = MARK_START
  buffer.writeUInt32BE(REST, offset + 1)
  buffer[offset + 5] = LAST
  return buffer.writeUInt16BE(version, offset + 6)
}

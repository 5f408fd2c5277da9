import { endianness } from 'node:os'
import type { RowList } from './row-list.ts'

const LOW = endianness() === 'LE' ? 0 : 1
const HIGH = 1 - LOW

/**
 * Returns the numbers of rows, nearly in the order of their keys; rows with the same key keep their order. For a key
 * that follows the one before, an engine need not search again. The order need not be exact for that: keys are compared
 * by about six bytes after their common prefix. These bytes and the number of the row form one number of 64 bits, so
 * that sorting calls no function and makes no object.
 */
export function keyOrder(rows: RowList): Uint32Array {
  const { length } = rows
  const numbers = new BigUint64Array(length)
  const halves = new Uint32Array(numbers.buffer)
  const bits = Math.ceil(Math.log2(length + 1))
  const common = commonPrefix(rows)
  for (let row = 0; row < length; row++) {
    const buffer = rows.buffer(row)
    const start = rows.start(row) + common
    const end = rows.keyEnd(row)
    halves[2 * row + HIGH] = fourBytes(buffer, start, end)
    halves[2 * row + LOW] = ((fourBytes(buffer, start + 4, end) >>> bits) << bits) | row
  }
  numbers.sort()
  const mask = 2 ** bits - 1
  const rowsInOrder = new Uint32Array(length)
  for (let i = 0; i < length; i++) rowsInOrder[i] = halves[2 * i + LOW]! & mask
  return rowsInOrder
}

/** Returns the length of the prefix that all keys share. */
function commonPrefix(rows: RowList): number {
  if (rows.length === 0) return 0
  const first = rows.buffer(0)
  const firstStart = rows.start(0)
  let common = rows.keyEnd(0) - firstStart
  for (let row = 1; row < rows.length; row++) {
    const buffer = rows.buffer(row)
    const start = rows.start(row)
    const most = Math.min(common, rows.keyEnd(row) - start)
    common = 0
    while (common < most && buffer[start + common] === first[firstStart + common]) common++
  }
  return common
}

/** Reads four bytes as a number; bytes after the end count as 0. */
function fourBytes(buffer: Buffer, start: number, end: number): number {
  let value = 0
  for (let i = start; i < start + 4; i++) value = (value << 8) | (i < end ? buffer[i]! : 0)
  return value
}

import { RecordSlice } from '../../src/record/record-slice.ts'
import type { Headers } from '../../src/record/headers.ts'

/** A record whose key and value lie in ranges of a buffer that the caller may change afterwards; a start below 0 is null. */
export function sliceOf(
  timestamp: number,
  buffer: Buffer,
  [keyStart, keyEnd]: readonly [number, number],
  [valueStart, valueEnd]: readonly [number, number],
  headers?: Headers,
): RecordSlice {
  const slice = new RecordSlice()
  slice.timestamp = timestamp
  slice.buffer = buffer
  slice.setKey(keyStart, keyEnd)
  slice.setValue(valueStart, valueEnd)
  slice.headers = headers
  return slice
}

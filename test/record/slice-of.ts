import { RecordSlice } from '../../src/record/record-slice.ts'
import type { Headers } from '../../src/record/headers.ts'

/** Makes a slice over a buffer, which the caller may change once the slice is appended. A start below 0 means null. */
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

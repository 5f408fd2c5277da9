import { NO_BYTES } from '../platform/no-bytes.ts'
import type { RecordSlice } from '../record/record-slice.ts'

/** Partition of a record that names none. */
export const ANY_PARTITION = -1

/** Reads the record that is in a line of input. */
export interface RecordSource {
  /**
   * Fills a slice with the record in `buffer[start, end)`, a line without its end. The slice is valid until the next
   * call. Its timestamp is -1 if the line has none.
   *
   * @returns the partition that the line names, or `ANY_PARTITION`
   * @throws LineError
   */
  read(buffer: Buffer, start: number, end: number, slice: RecordSlice): number
}

/** A line that holds no record. */
export class LineError extends Error {
  readonly hint: string

  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

/** Gives a slice bytes of its own. */
export function fill(slice: RecordSlice, key: Buffer | null, value: Buffer | null): void {
  const keyEnd = key?.length ?? 0
  if (key === null || value === null) slice.buffer = key ?? value ?? NO_BYTES
  else {
    slice.buffer = Buffer.allocUnsafe(keyEnd + value.length)
    key.copy(slice.buffer, 0)
    value.copy(slice.buffer, keyEnd)
  }
  slice.setKey(key === null ? -1 : 0, keyEnd)
  slice.setValue(value === null ? -1 : keyEnd, keyEnd + (value?.length ?? 0))
}

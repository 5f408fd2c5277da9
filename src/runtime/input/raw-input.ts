import type { RecordCursor } from '../../log/log.ts'
import { NO_HEADERS } from '../../record/headers.ts'
import type { RawInput } from '../../record/raw-input.ts'
import { copyOfRange } from '../../record/record-slice.ts'

/** Copies the current record. */
export function rawInput(cursor: RecordCursor): RawInput {
  return {
    timestamp: cursor.timestamp,
    headers: cursor.headers(NO_HEADERS).copy(),
    key: copyOfRange(cursor.buffer, cursor.keyStart, cursor.keyEnd),
    value: copyOfRange(cursor.buffer, cursor.valueStart, cursor.valueEnd),
  }
}

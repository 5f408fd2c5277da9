import type { RecordCursor, TopicPartition } from '../log/log.ts'
import { Headers } from '../record/headers.ts'
import { copyOfRange } from '../record/record-slice.ts'
import type { RecordPlace } from './letter-id.ts'

/** A record as it lies in a topic. */
export interface StoredRecord extends RecordPlace {
  readonly timestamp: number
  readonly headers: Headers
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** Copies the current record of a cursor. */
export function storedRecord({ topic, partition }: TopicPartition, cursor: RecordCursor): StoredRecord {
  return {
    topic,
    partition,
    offset: cursor.offset,
    timestamp: cursor.timestamp,
    headers: cursor.headers(new Headers()),
    key: copyOfRange(cursor.buffer, cursor.keyStart, cursor.keyEnd),
    value: copyOfRange(cursor.buffer, cursor.valueStart, cursor.valueEnd),
  }
}

import { MillraceError } from '../errors.ts'
import { eventTime } from '../record/event-time.ts'
import { bytes } from '../serde/bytes.ts'
import type { Serde } from '../serde/serde.ts'
import type { RecordWriter } from './record-writer.ts'
import { deadLetterHeaders, type DeadLetter } from './task-errors.ts'

/** Writes the raw input record, with headers that tell what happened (KIP-1034), to the dead letter topic. */
export function deadLetterWriter(topic: string | undefined, writer: RecordWriter): DeadLetter {
  return (record, error) => {
    if (topic === undefined) {
      throw new MillraceError('MR_CONFIG', "an error handler answered 'deadLetter' but no deadLetterTopic is set", {
        node: record.node,
        cause: error,
        hint: 'Set deadLetterTopic in defineApp.',
      })
    }
    const raw = bytes() as Serde<unknown>
    const target = { node: record.node, keySerde: raw, valueSerde: raw, partitioner: undefined }
    const headers = deadLetterHeaders(record.headers, record, error)
    const time = eventTime(record.timestamp)
    writer.write(topic, target, record.rawKey, record.rawValue, time >= 0 ? time : 0, headers)
  }
}

import { deadLetterHeaders } from '../../application/dead-letter-headers.ts'
import { MillraceError } from '../../errors/millrace-error.ts'
import { eventTime } from '../../record/event-time.ts'
import { describeRefusal, refusalHint, type AppendOrigin, type Replacement } from '../../log/refusal.ts'
import { isPromise, type MaybePromise } from '../../platform/maybe-promise.ts'
import { bytes } from '../../serde/bytes.ts'
import type { Serde } from '../../serde/serde.ts'
import type { FailedRecord } from '../../application/application.ts'
import type { RecordWriter } from '../output/record-writer.ts'

/** Writes raw input records to the dead letter topic, with headers that say what happened (KIP-1034). */
export class DeadLetters {
  readonly #topic: string | undefined
  readonly #writer: RecordWriter

  constructor(topic: string | undefined, writer: RecordWriter) {
    this.#topic = topic
    this.#writer = writer
  }

  /** @throws MR_CONFIG if there is no such topic */
  write(record: FailedRecord, error: MillraceError): void {
    const topic = this.#requireTopic(record, error)
    const raw = bytes() as Serde<unknown>
    const target = { node: record.node, keySerde: raw, valueSerde: raw, partitioner: undefined }
    const headers = deadLetterHeaders(record.headers, record, error)
    const origin = originOf(record, error)
    this.#writer.write(topic, target, record.rawKey, record.rawValue, timestampOf(record), headers, undefined, origin)
  }

  /** Returns the dead letter for the producer to write in place of a refused record. @throws MR_CONFIG as `write` */
  instead(record: FailedRecord, error: MillraceError): MaybePromise<Replacement> {
    const topic = this.#requireTopic(record, error)
    const { rawKey: key, rawValue: value } = record
    const timestamp = timestampOf(record)
    const headers = deadLetterHeaders(record.headers, record, error)
    const letter = { topic, timestamp, key, value, headers, origin: originOf(record, error) }
    const chosen = this.#writer.partitionOf(topic, key)
    return isPromise(chosen) ? chosen.then((partition) => ({ ...letter, partition })) : { ...letter, partition: chosen }
  }

  #requireTopic(record: FailedRecord, error: MillraceError): string {
    if (this.#topic !== undefined) return this.#topic
    throw new MillraceError('MR_CONFIG', "an error handler returned 'deadLetter', but no deadLetterTopic is set", {
      node: record.node,
      cause: error,
      hint: 'Set deadLetterTopic in defineApp.',
    })
  }
}

/** Returns an origin that throws if the dead letter is refused, too: nothing may be lost. */
function originOf(record: FailedRecord, cause: MillraceError): AppendOrigin {
  const { node, task, topic, partition, offset } = record
  return {
    refused: (refusal) => {
      const hint = `A dead letter has more headers than the input record. ${refusalHint(refusal)}`
      const place = { node, task, ...(topic === null ? {} : { topic, partition, offset }) }
      throw new MillraceError('MR_PRODUCE', `a dead letter: ${describeRefusal(refusal)}`, { ...place, hint, cause })
    },
  }
}

function timestampOf({ timestamp }: FailedRecord): number {
  const time = eventTime(timestamp)
  return time >= 0 ? time : 0
}

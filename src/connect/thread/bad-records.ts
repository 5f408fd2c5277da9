import { deadLetterHeaders } from '../../application/dead-letter-headers.ts'
import type { FailedRecord, Logger } from '../../application/application.ts'
import { RecordEncoder } from '../../client/record-encoder.ts'
import { MillraceError, withPlace } from '../../errors/millrace-error.ts'
import type { LogProducer } from '../../log/log.ts'
import { describeRefusal, refusalHint, type AppendOrigin, type Replacement } from '../../log/refusal.ts'
import { eventTime } from '../../record/event-time.ts'
import type { Headers } from '../../record/headers.ts'
import { RecordSlice } from '../../record/record-slice.ts'
import { bytes } from '../../serde/serdes.ts'
import type { ConnectorSpec } from '../definition/connector.ts'
import type { ConnectorCounters } from './counters.ts'

/** A record that cannot be read, transformed or written. */
export type BadRecord = Omit<FailedRecord, 'node'>

interface BadRecordsOptions {
  readonly spec: ConnectorSpec
  readonly deadLetterTopic: string | undefined
  readonly counters: ConnectorCounters
  readonly logger: Logger
}

/** Decides about bad records as the connector's `onError` says. */
export class BadRecords {
  readonly #options: BadRecordsOptions
  #producer: LogProducer | undefined
  #encoder: RecordEncoder | undefined

  constructor(options: BadRecordsOptions) {
    this.#options = options
  }

  /** Must be called before anything is decided. @throws MR_TOPIC_UNKNOWN if the dead letter topic does not exist */
  async open(producer: LogProducer): Promise<void> {
    this.#producer = producer
    const { spec, deadLetterTopic: name } = this.#options
    if (spec.onError !== 'deadLetter' || name === undefined) return
    const raw = bytes()
    this.#encoder = new RecordEncoder({ name, keySerde: raw, valueSerde: raw }, await producer.loadPartitionCount(name))
  }

  /** Counts a record that is given up, and writes its dead letter if there is to be one. @throws the error, to fail */
  giveUp(error: MillraceError, record: BadRecord): void {
    if (this.#decide(error, record) === 'continue') return
    const { topic, partition, slice, origin } = this.#letter(error, record)
    this.#producer?.append(topic, partition, slice, origin)
  }

  /** Does the same as `giveUp` for a record that the log refuses: the letter is what is written instead. */
  instead(error: MillraceError, record: BadRecord): Replacement | undefined {
    if (this.#decide(error, record) === 'continue') return undefined
    const { topic, partition, headers, origin, timestamp } = this.#letter(error, record)
    return { topic, partition, timestamp, key: record.rawKey, value: record.rawValue, headers, origin }
  }

  #decide(error: MillraceError, record: BadRecord): 'continue' | 'deadLetter' {
    const { spec, counters, logger } = this.#options
    if (spec.onError === 'fail') throw withPlace(error, { hint: `${error.hint ?? ''} ${SKIP}`.trim() })
    counters.bad++
    if (spec.onError === 'deadLetter') counters.deadLetters++
    const { topic, partition, offset } = record
    const place = topic === null ? {} : { topic, partition, offset }
    logger.warn({ connector: spec.name, ...place, err: error, onError: spec.onError }, 'a record is given up')
    return spec.onError
  }

  #letter(error: MillraceError, record: BadRecord) {
    const { spec, deadLetterTopic: topic } = this.#options
    const encoder = this.#encoder
    if (topic === undefined || encoder === undefined)
      throw new MillraceError('MR_INTERNAL', 'the dead letter topic of a connector was not opened')
    const headers: Headers = deadLetterHeaders(record.headers, { ...record, node: spec.name }, error)
    const time = eventTime(record.timestamp)
    const timestamp = time >= 0 ? time : 0
    const slice = RecordSlice.of(timestamp, record.rawKey, record.rawValue, headers)
    return { topic, partition: encoder.placeOf(slice), slice, headers, timestamp, origin: letterOrigin(error) }
  }
}

const SKIP = "onError: 'continue' leaves such records out and counts them, 'deadLetter' also keeps them."

/** Returns an origin that throws if the dead letter is refused, too: nothing may be lost. */
function letterOrigin(cause: MillraceError): AppendOrigin {
  return {
    refused: (refusal) => {
      const hint = `A dead letter has more headers than its record. ${refusalHint(refusal)}`
      throw new MillraceError('MR_PRODUCE', `a dead letter: ${describeRefusal(refusal)}`, { hint, cause })
    },
  }
}

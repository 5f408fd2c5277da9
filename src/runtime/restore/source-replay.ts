import { MillraceError } from '../../errors/millrace-error.ts'
import type { RecordCursor } from '../../log/log.ts'
import { eventTime, noEventTime } from '../../record/event-time.ts'
import type { Headers } from '../../record/headers.ts'
import { readInner, writeInner } from '../../serde/call-serde.ts'
import type { Serde } from '../../serde/serde.ts'
import type { ChangelogRecord } from '../../state/states.ts'
import type { StoreSpec } from '../../topology/store-spec.ts'
import type { SourceNode } from '../../topology/topology.ts'

/**
 * A source topic that serves as a store's changelog holds what users wrote, not what the store does. Records that
 * cannot be read were skipped; a schema may have changed values, an extractor timestamps. This gives each record as the
 * store got it when it was processed. Kafka Streams copies the bytes, and fails when it reads a skipped record from the
 * store.
 */
export class SourceReplay {
  readonly #source: SourceNode
  readonly #spec: StoreSpec
  readonly #topic: string
  readonly #partition: number
  readonly #maySkip: boolean
  #partitionTime = -1
  readonly #record = {
    timestamp: -1,
    buffer: Buffer.allocUnsafe(256),
    keyStart: -1,
    keyEnd: -1,
    valueStart: -1,
    valueEnd: -1,
    headers: (none: Headers): Headers => none,
  }

  /** @param maySkip records without event time were skipped when they were processed */
  constructor(source: SourceNode, spec: StoreSpec, topic: string, partition: number, maySkip: boolean) {
    this.#maySkip = maySkip
    this.#source = source
    this.#spec = spec
    this.#topic = topic
    this.#partition = partition
  }

  /** Valid until the next call. Undefined: the record never reached the store. */
  recordAt(cursor: RecordCursor): ChangelogRecord | undefined {
    const { keyStart, keyEnd, valueStart, valueEnd, buffer } = cursor
    if (keyStart < 0) return undefined
    const { keySerde, valueSerde } = this.#source
    let key: unknown
    let value: unknown = null
    try {
      key = readInner(keySerde, buffer, keyStart, keyEnd)
      if (valueStart >= 0) value = readInner(valueSerde, buffer, valueStart, valueEnd)
      // A store does not take what it would not give back.
      if (value !== null) this.#spec.valueSerde.copy?.(value)
    } catch {
      // It was counted when it was processed: an offset behind it could not have been committed otherwise.
      return undefined
    }
    const timestamp = this.#timestampOf(key, value, cursor)
    if (!(timestamp >= 0)) return undefined
    if (timestamp > this.#partitionTime) this.#partitionTime = timestamp
    const record = this.#record
    record.timestamp = timestamp
    record.keyStart = 0
    record.keyEnd = this.#write(this.#spec.keySerde, key, 0)
    record.valueStart = value === null ? -1 : record.keyEnd
    record.valueEnd = value === null ? -1 : this.#write(this.#spec.valueSerde, value, record.keyEnd)
    return record
  }

  /** NaN or negative: the record was dropped when it was processed. @throws MR_TIMESTAMP if it could not have been */
  #timestampOf(key: unknown, value: unknown, { timestamp, offset }: RecordCursor): number {
    const { timestampExtractor } = this.#source
    if (timestampExtractor === undefined) return eventTime(timestamp)
    const [topic, partition] = [this.#topic, this.#partition]
    let found: unknown
    let cause: unknown
    try {
      found = timestampExtractor({ key, value, timestamp, topic, partition, offset }, this.#partitionTime)
    } catch (error) {
      cause = error
    }
    const time = eventTime(found)
    if (!Number.isNaN(time) || this.#maySkip) return time
    throw new MillraceError(
      'MR_TIMESTAMP',
      'the timestamp function of the topic fails for a record that was processed',
      {
        store: this.#spec.name,
        topic,
        partition,
        offset,
        cause: cause ?? noEventTime(found, 'what it returned', {}),
        hint:
          "The function has changed, or onDeserializationError was 'continue' or 'deadLetter' before: " +
          'set it to that again.',
      },
    )
  }

  #write(serde: Serde<unknown>, value: unknown, offset: number): number {
    const record = this.#record
    for (;;) {
      const end = writeInner(serde, value, record.buffer, offset)
      if (end !== -1) return end
      const larger = Buffer.allocUnsafe(record.buffer.length * 2)
      record.buffer.copy(larger, 0, 0, offset)
      record.buffer = larger
    }
  }
}

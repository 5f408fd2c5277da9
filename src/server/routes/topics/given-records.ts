import { RecordEncoder } from '../../../client/record-encoder.ts'
import { isMillraceError, messageOf, MillraceError } from '../../../errors/millrace-error.ts'
import type { TopicDescription } from '../../../log/log.ts'
import { systemClock } from '../../../platform/clock.ts'
import { eventTime } from '../../../record/event-time.ts'
import { RecordSlice } from '../../../record/record-slice.ts'
import { JsonLines, type PartBytes } from '../../../record-forms/json-lines.ts'
import { ANY_PARTITION, LineError } from '../../../record-forms/record-source.ts'
import { bytes } from '../../../serde/bytes.ts'
import { readInner } from '../../../serde/call-serde.ts'
import type { Serde } from '../../../serde/serde.ts'
import type { PlacedRecord } from './topic-producer.ts'
import type { TopicsOfLog } from './topics-of-log.ts'

/** Makes records of requests into bytes, and finds their partitions. One encoder a topic serves all requests. */
export class GivenRecords {
  readonly #topics: TopicsOfLog
  readonly #encoders = new Map<string, RecordEncoder>()

  constructor(topics: TopicsOfLog) {
    this.#topics = topics
  }

  /** @throws MR_SERVER_RECORD, MR_PARTITION_UNKNOWN: with the number of the record, from 0 on */
  read(topic: TopicDescription, given: readonly unknown[], key: PartBytes, value: PartBytes): readonly PlacedRecord[] {
    const encoder = this.#encoderOf(topic)
    const lines = new JsonLines(key, value)
    const now = systemClock.now()
    return given.map((record, index) => {
      try {
        const slice = new RecordSlice()
        const partition = lines.readJson(record, slice)
        if (slice.timestamp === -1) slice.timestamp = now
        else if (Number.isNaN(eventTime(slice.timestamp))) throw new LineError('the timestamp is out of bounds', TIMES)
        return { slice, partitions: this.#place(topic.name, encoder, slice, partition) }
      } catch (error) {
        throw inRecord(error, index, topic.name)
      }
    })
  }

  #place(name: string, encoder: RecordEncoder, slice: RecordSlice, named: number): readonly number[] {
    if (named !== ANY_PARTITION) {
      encoder.requirePartition(named)
      return [named]
    }
    const { partitioner, serdes } = this.#topics.own.get(name) ?? {}
    if (partitioner === undefined || serdes === undefined) return [encoder.placeOf(slice)]
    const { buffer, keyStart, keyEnd, valueStart, valueEnd } = slice
    const key = decoded(serdes.key, buffer, keyStart, keyEnd)
    const value = decoded(serdes.value, buffer, valueStart, valueEnd)
    encoder.slice.buffer = buffer
    encoder.slice.setKey(keyStart, keyEnd)
    const chosen = encoder.choose(key, value)
    return typeof chosen === 'number' ? [chosen] : chosen
  }

  #encoderOf({ name, partitions }: TopicDescription): RecordEncoder {
    const known = this.#encoders.get(name)
    if (known?.partitions === partitions) return known
    const { serdes, partitioner } = this.#topics.own.get(name) ?? {}
    const [keySerde, valueSerde] = [serdes?.key ?? bytes(), serdes?.value ?? bytes()]
    const encoder = new RecordEncoder({ name, keySerde, valueSerde, partitioner }, partitions)
    this.#encoders.set(name, encoder)
    return encoder
  }
}

const TIMES = 'Give ms since the epoch, or a time as in 2030-01-31T12:00:00Z.'

function decoded(serde: Serde<unknown>, buffer: Buffer, start: number, end: number): unknown {
  if (start < 0) return null
  try {
    return readInner(serde, buffer, start, end)
  } catch (error) {
    throw new LineError(`its partition cannot be chosen: ${messageOf(error)}`, 'Name the partition.')
  }
}

/** Returns the error of a record with its number. */
function inRecord(error: unknown, index: number, topic: string): unknown {
  if (error instanceof LineError) {
    return new MillraceError('MR_SERVER_RECORD', `record ${index}: ${error.message}`, {
      topic,
      hint: 'No record of the request was written. See GET /openapi.json for what a record has.',
    })
  }
  if (!isMillraceError(error)) return error
  const { code, hint } = error
  return new MillraceError(code, `record ${index}: ${error.message}`, { hint })
}

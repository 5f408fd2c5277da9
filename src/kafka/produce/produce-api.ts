import { Writer, createAPI, type Reader } from '@platformatic/kafka'
import { WireReader } from '../protocol/wire-reader.ts'

/**
 * Produce version 9, which every broker from 2.8 on speaks. All in-sync replicas acknowledge.
 * https://kafka.apache.org/protocol#The_Messages_Produce
 */
export interface ProduceRequest {
  readonly transactionalId: string | null
  /** Time that the broker waits for its replicas, in ms. */
  readonly timeout: number
  readonly topics: ReadonlyMap<string, readonly ProduceBatch[]>
}

export interface ProduceBatch {
  readonly partition: number
  /** One whole batch. */
  readonly records: Buffer
}

export interface ProducedPartition {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  /** Offset of the first record of the batch; -1 on error. */
  readonly baseOffset: number
  /** Text of the broker about the error: that of the first refused record, if it has one. */
  readonly errorText: string | null
  /** Records for which the batch was refused, if the broker names them (KIP-467). */
  readonly recordErrors: readonly RecordError[]
}

export interface RecordError {
  /** Index of the record in its batch. */
  readonly index: number
  readonly text: string | null
}

const NO_RECORD_ERRORS: readonly RecordError[] = []

const ALL_REPLICAS = -1

function createRequest({ transactionalId, timeout, topics }: ProduceRequest): Writer {
  return Writer.create()
    .appendString(transactionalId)
    .appendInt16(ALL_REPLICAS)
    .appendInt32(timeout)
    .appendArray([...topics], (writer, [topic, batches]) => {
      writer.appendString(topic).appendArray([...batches], (entry, { partition, records }) => {
        entry.appendInt32(partition).appendBytes(records)
      })
    })
    .appendTaggedFields()
}

function parseResponse(
  _correlationId: number,
  _apiKey: number,
  _apiVersion: number,
  reader: Reader,
): ProducedPartition[] {
  return parseProduceResponse(WireReader.from(reader))
}

export function parseProduceResponse(reader: WireReader): ProducedPartition[] {
  const partitions: ProducedPartition[] = []
  reader.array(() => {
    const topic = reader.string()
    reader.array(() => partitions.push(parsePartition(reader, topic)))
    reader.skipTags()
  })
  return partitions
}

function parsePartition(reader: WireReader, topic: string): ProducedPartition {
  const partition = reader.int32()
  const errorCode = reader.int16()
  const baseOffset = reader.int64()
  reader.int64()
  reader.int64()
  const recordErrors = reader.array(() => {
    const index = reader.int32()
    const text = reader.nullableString()
    reader.skipTags()
    return { index, text }
  })
  const text = reader.nullableString()
  reader.skipTags()
  return {
    topic,
    partition,
    errorCode,
    baseOffset,
    errorText: recordErrors.find((each) => each.text !== null)?.text ?? text,
    recordErrors: recordErrors.length === 0 ? NO_RECORD_ERRORS : recordErrors,
  }
}

export const produceV9 = createAPI<[ProduceRequest], ProducedPartition[]>(0, 9, createRequest, parseResponse)

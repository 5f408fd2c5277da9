import { Writer, createAPI, type Reader } from '@platformatic/kafka'
import { WireReader } from '../protocol/wire-reader.ts'
import type { AbortedTransaction } from '../records/record-set.ts'

/**
 * Fetch version 13, which every broker from 3.1 on speaks. It names topics by id (KIP-516), so that a topic created
 * again under its name is never taken for the old one. Uses no fetch session, and always isolation level
 * read_committed. https://kafka.apache.org/protocol#The_Messages_Fetch
 */
export interface FetchRequest {
  /** Time that the broker waits for `minBytes`, in ms. */
  readonly maxWait: number
  readonly minBytes: number
  /** Bound of the whole response. A larger first batch exceeds it. */
  readonly maxBytes: number
  /** Bound for each partition. A larger first batch exceeds it. */
  readonly partitionMaxBytes: number
  /** Positions by topic id. */
  readonly topics: ReadonlyMap<string, readonly FetchPosition[]>
}

export interface FetchPosition {
  readonly partition: number
  readonly fetchOffset: number
}

export interface FetchResponse {
  readonly errorCode: number
  readonly partitions: readonly FetchedPartition[]
}

export interface FetchedPartition {
  readonly topicId: string
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly abortedTransactions: readonly AbortedTransaction[]
  /** Raw batches; the last one may be cut off. */
  readonly records: Buffer
}

const CONSUMER = -1
const READ_COMMITTED = 1
const NO_SESSION = 0
const FINAL_EPOCH = -1
const UNKNOWN_EPOCH = -1

function createRequest(request: FetchRequest): Writer {
  return Writer.create()
    .appendInt32(CONSUMER)
    .appendInt32(request.maxWait)
    .appendInt32(request.minBytes)
    .appendInt32(request.maxBytes)
    .appendInt8(READ_COMMITTED)
    .appendInt32(NO_SESSION)
    .appendInt32(FINAL_EPOCH)
    .appendArray([...request.topics], (writer, [topicId, positions]) => {
      writer.appendUUID(topicId).appendArray([...positions], (entry, { partition, fetchOffset }) => {
        entry
          .appendInt32(partition)
          .appendInt32(UNKNOWN_EPOCH)
          .appendInt64(BigInt(fetchOffset))
          .appendInt32(UNKNOWN_EPOCH)
          .appendInt64(-1n)
          .appendInt32(request.partitionMaxBytes)
      })
    })
    .appendArray([], () => undefined)
    .appendString('')
    .appendTaggedFields()
}

function parseResponse(_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader): FetchResponse {
  return parseFetchResponse(WireReader.from(reader))
}

export function parseFetchResponse(reader: WireReader): FetchResponse {
  reader.int32()
  const errorCode = reader.int16()
  reader.int32()
  const partitions: FetchedPartition[] = []
  reader.array(() => {
    const topicId = reader.uuid()
    reader.array(() => partitions.push(parsePartition(reader, topicId)))
    reader.skipTags()
  })
  return { errorCode, partitions }
}

function parsePartition(reader: WireReader, topicId: string): FetchedPartition {
  const partition = reader.int32()
  const errorCode = reader.int16()
  const highWatermark = reader.int64()
  const lastStableOffset = reader.int64()
  reader.int64()
  const abortedTransactions = reader.array(parseAborted)
  reader.int32()
  const records = reader.bytes()
  reader.skipTags()
  return { topicId, partition, errorCode, highWatermark, lastStableOffset, abortedTransactions, records }
}

function parseAborted(reader: WireReader): AbortedTransaction {
  const producerId = reader.int64()
  const firstOffset = reader.int64()
  reader.skipTags()
  return { producerId, firstOffset }
}

export const fetchV13 = createAPI<[FetchRequest], FetchResponse>(1, 13, createRequest, parseResponse)

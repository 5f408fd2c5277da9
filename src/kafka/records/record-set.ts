import { MillraceError } from '../../errors/millrace-error.ts'
import type { TopicPartition } from '../../log/log.ts'
import {
  ATTRIBUTES_AT,
  CONTROL,
  COUNT_AT,
  CRC_AT,
  LENGTH_AT,
  LOG_OVERHEAD,
  MAGIC_AT,
  PRODUCER_ID_AT,
  RECORDS_AT,
  TRANSACTIONAL,
  batchEnd,
  offsetAfter,
  readInt64,
} from './batch-header.ts'
import { crc32c } from './crc32c.ts'
import { BatchCursor, corruptBatch } from './cursor.ts'

/** An aborted transaction within a fetched range, as a fetch response lists it. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/**
 * Returns the cursors over a fetched record set, one per batch. It verifies checksums, leaves out control batches and
 * the batches of aborted transactions, and ignores a batch that is cut off at the end. The `endOffset` of a cursor lies
 * after the left-out batches that follow it.
 *
 * A broker lists every aborted transaction that reaches into the fetched range, even if it began or ends outside of it.
 * Therefore each record set is filtered on its own (Java: `CompletedFetch`).
 *
 * @throws MR_CORRUPT_BATCH, MR_RECORD_FORMAT
 */
export function readRecordSet(
  place: TopicPartition,
  records: Buffer,
  fromOffset: number,
  abortedTransactions: readonly AbortedTransaction[],
  maxBatchBytes?: number,
): BatchCursor[] {
  const cursors: BatchCursor[] = []
  const pending =
    abortedTransactions.length < 2
      ? abortedTransactions
      : abortedTransactions.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const aborted = new Set<number>()
  let nextPending = 0
  for (let at = 0, end; (end = batchEnd(records, at)) !== -1; at = end) {
    verify(place, records, at, end)
    const endOffset = offsetAfter(records, at)
    if (endOffset <= fromOffset) continue
    const attributes = records.readInt16BE(at + ATTRIBUTES_AT)
    const isControl = (attributes & CONTROL) !== 0
    let shown = !isControl && records.readInt32BE(at + COUNT_AT) > 0
    if ((attributes & TRANSACTIONAL) !== 0 && pending.length > 0) {
      const producerId = readInt64(records, at + PRODUCER_ID_AT)
      while (nextPending < pending.length && pending[nextPending]!.firstOffset < endOffset) {
        aborted.add(pending[nextPending++]!.producerId)
      }
      if (isControl) {
        if (controlType(place, records, at, end) === 'abort') aborted.delete(producerId)
      } else if (aborted.has(producerId)) {
        shown = false
      }
    }
    const last = cursors.at(-1)
    if (shown) cursors.push(new BatchCursor(place, records, at, end, fromOffset, endOffset, maxBatchBytes))
    else if (last !== undefined) last.endOffset = endOffset
  }
  return cursors
}

/** Returns the offset after the last complete batch, read from the headers alone; -1 if no batch is complete. */
export function endOfRecordSet(records: Buffer): number {
  let last = -1
  for (let at = 0, end; (end = batchEnd(records, at)) !== -1; at = end) {
    // With an impossible length this loop would never end. `readRecordSet` reports it.
    if (end < at + RECORDS_AT) return readInt64(records, at) + 1
    last = at
  }
  return last === -1 ? -1 : offsetAfter(records, last)
}

/** Meaning of a control batch for the transaction of its producer. */
export type ControlType = 'abort' | 'commit' | 'other'

/** @throws MR_CORRUPT_BATCH */
export function controlType(place: TopicPartition, records: Buffer, at: number, end: number): ControlType {
  const cursor = new BatchCursor(place, records, at, end, 0, 0)
  if (!cursor.next() || cursor.keyEnd - cursor.keyStart < 4) {
    throw corruptBatch(place, readInt64(records, at), 'a control batch without a control record')
  }
  const type = cursor.buffer.readInt16BE(cursor.keyStart + 2)
  return type === 0 ? 'abort' : type === 1 ? 'commit' : 'other'
}

function verify(place: TopicPartition, records: Buffer, at: number, end: number): void {
  const magic = records[at + MAGIC_AT]!
  const offset = readInt64(records, at)
  if (magic === 0 || magic === 1) {
    throw new MillraceError(
      'MR_RECORD_FORMAT',
      `Records are stored in message format ${magic}, older than Kafka 0.11`,
      {
        topic: place.topic,
        partition: place.partition,
        offset,
        hint:
          'Let the broker rewrite the topic (message format 2), ' +
          'or copy it to a new topic with a client that reads the old format.',
      },
    )
  }
  if (end < at + RECORDS_AT) {
    throw corruptBatch(place, offset, `its length is ${records.readInt32BE(at + LENGTH_AT) + LOG_OVERHEAD} bytes`)
  }
  if (magic !== 2) throw corruptBatch(place, offset, `unknown message format ${magic}`)
  const expected = records.readUInt32BE(at + CRC_AT)
  const actual = crc32c(records.subarray(at + ATTRIBUTES_AT, end))
  if (expected !== actual) {
    throw corruptBatch(place, offset, `checksum is ${actual.toString(16)}, should be ${expected.toString(16)}`)
  }
}

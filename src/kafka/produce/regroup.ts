import type { TopicPartition } from '../../log/log.ts'
import type { AppendOrigin } from '../../log/refusal.ts'
import { NO_HEADERS } from '../../record/headers.ts'
import { BatchBuilder } from '../records/batch-builder.ts'
import type { Compression } from '../records/codecs.ts'
import { BatchCursor } from '../records/cursor.ts'
import { BatchOrigins } from './batch-origins.ts'
import type { PendingBatch } from './pending-batch.ts'
import { RecordSlice, copyOfRange } from '../../record/record-slice.ts'

/** Place of a record when its batch is rebuilt: in the batch being filled, at the start of another one, or in none. */
export type Regrouped = 'same' | 'next' | 'out'

/** A record that was taken from a batch that was not written. */
export interface TakenRecord {
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly origin: AppendOrigin | undefined
  readonly place: number
}

/**
 * Returns batches of the records of one, in the same order, not stamped. Together they have the `bytes` of the old one.
 *
 * @param choose called for each record with its index, the bytes of the batch being filled and the most bytes of the
 *   record
 */
export function regroup(
  place: TopicPartition,
  batch: PendingBatch,
  compression: Compression,
  transactional: boolean,
  choose: (index: number, filled: number, bytes: number) => Regrouped,
): PendingBatch[] {
  const cursor = new BatchCursor(place, batch.buffer, 0, batch.buffer.length, 0, 0)
  const slice = new RecordSlice()
  const parts: PendingBatch[] = []
  let builder = new BatchBuilder(0)
  let origins = new BatchOrigins(0)
  const finish = (): void => {
    if (builder.count === 0) return
    const { since, generation } = batch
    const { count } = builder
    const buffer = builder.close(compression, transactional)
    const bytes = Math.floor((batch.bytes * count) / batch.count)
    parts.push({ buffer, count, bytes, since, generation, origins, identity: undefined, sequence: -1 })
    builder = new BatchBuilder(0)
    origins = new BatchOrigins(0)
  }
  for (let index = 0; cursor.next(); index++) {
    slice.buffer = cursor.buffer
    slice.setKey(cursor.keyStart, cursor.keyEnd)
    slice.setValue(cursor.valueStart, cursor.valueEnd)
    slice.headers = cursor.headers(NO_HEADERS)
    const chosen = choose(index, builder.length, BatchBuilder.bound(slice))
    if (chosen === 'out') continue
    if (chosen === 'next') finish()
    builder.append(slice, cursor.timestamp)
    origins.add(batch.origins.originOf(index), batch.origins.placeOf(index))
  }
  finish()
  const rest = batch.bytes - parts.reduce((sum, { bytes }) => sum + bytes, 0)
  return parts.map((part, i) => (i === 0 ? { ...part, bytes: part.bytes + rest } : part))
}

/** Returns the records of a batch that have these indices. */
export function takeRecords(place: TopicPartition, batch: PendingBatch, indices: ReadonlySet<number>): TakenRecord[] {
  const cursor = new BatchCursor(place, batch.buffer, 0, batch.buffer.length, 0, 0)
  const taken: TakenRecord[] = []
  for (let index = 0; cursor.next(); index++) {
    if (!indices.has(index)) continue
    taken.push({
      timestamp: cursor.timestamp,
      key: copyOfRange(cursor.buffer, cursor.keyStart, cursor.keyEnd),
      value: copyOfRange(cursor.buffer, cursor.valueStart, cursor.valueEnd),
      origin: batch.origins.originOf(index),
      place: batch.origins.placeOf(index),
    })
  }
  return taken
}

import type { RecordCursor } from '../../../src/log/log.ts'
import { Headers } from '../../../src/record/headers.ts'
import type { Header } from '../../../src/record/headers.ts'
import { ATTRIBUTES_AT, writeInt64 } from '../../../src/kafka/records/batch-header.ts'
import { BatchBuilder, stampBatch } from '../../../src/kafka/records/batch-builder.ts'
import type { Compression } from '../../../src/kafka/records/codecs.ts'
import { sliceOf } from '../../record/slice-of.ts'

export interface PlainRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
  readonly headers?: readonly Header[]
}

export interface BatchOptions {
  readonly baseOffset?: number
  readonly compression?: Compression
  readonly producerId?: number
  readonly transactional?: boolean
  /** Additional attribute bits to set. */
  readonly attributes?: number
}

const NO_HEADERS = new Headers()

/** Returns a batch of values without keys, with offsets from `baseOffset` on. */
export function batchOf(values: readonly (string | null)[], options: BatchOptions = {}): Buffer {
  const builder = new BatchBuilder(16)
  values.forEach((value, index) => {
    const bytes = Buffer.from(value ?? '')
    builder.append(sliceOf(1000 + index, bytes, [-1, -1], [value === null ? -1 : 0, bytes.length]), 1000 + index)
  })
  return finish(builder, options)
}

export function finish(builder: BatchBuilder, options: BatchOptions = {}): Buffer {
  const batch = builder.close(options.compression ?? 'none', options.transactional ?? false)
  batch.writeInt16BE(batch.readInt16BE(ATTRIBUTES_AT) | (options.attributes ?? 0), ATTRIBUTES_AT)
  writeInt64(batch, options.baseOffset ?? 0, 0)
  stampBatch(batch, options.producerId ?? -1, 0, 0)
  return batch
}

/** Returns the batch that ends a transaction. */
export function marker(type: 'abort' | 'commit', producerId: number, offset: number): Buffer {
  const builder = new BatchBuilder(16)
  const key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1])
  const value = Buffer.alloc(6)
  builder.append(sliceOf(1000, Buffer.concat([key, value]), [0, 4], [4, 10]), 1000)
  return finish(builder, { baseOffset: offset, producerId, transactional: true, attributes: 0x20 })
}

export function recordsOf(cursors: readonly RecordCursor[]): PlainRecord[] {
  const records: PlainRecord[] = []
  for (const cursor of cursors) while (cursor.next()) records.push(current(cursor))
  return records
}

export function current(cursor: RecordCursor): PlainRecord {
  const headers = cursor.headers(NO_HEADERS)
  return {
    offset: cursor.offset,
    timestamp: cursor.timestamp,
    key: cursor.keyStart < 0 ? null : cursor.buffer.toString('utf8', cursor.keyStart, cursor.keyEnd),
    value: cursor.valueStart < 0 ? null : cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd),
    ...(headers === NO_HEADERS ? {} : { headers: [...headers] }),
  }
}

export function valuesOf(cursors: readonly RecordCursor[]): (string | null)[] {
  return recordsOf(cursors).map(({ value }) => value)
}

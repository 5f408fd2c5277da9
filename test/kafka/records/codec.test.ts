import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MillraceError } from '../../../src/errors/millrace-error.ts'
import type { RecordCursor } from '../../../src/log/log.ts'
import { Headers } from '../../../src/record/headers.ts'
import {
  ATTRIBUTES_AT,
  COUNT_AT,
  CRC_AT,
  LEADER_EPOCH_AT,
  LAST_OFFSET_DELTA_AT,
  LENGTH_AT,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  writeInt64,
} from '../../../src/kafka/records/batch-header.ts'
import { BatchBuilder, stampBatch } from '../../../src/kafka/records/batch-builder.ts'
import { compress, decompress } from '../../../src/kafka/records/compression.ts'
import { crc32c } from '../../../src/platform/checksum.ts'
import { endOfRecordSet, readRecordSet } from '../../../src/kafka/records/record-set.ts'
import { batchOf, current, finish, recordsOf, valuesOf } from './batches.ts'
import { snappyRaw, writtenByJava } from './fixtures.ts'
import { RecordSlice } from '../../../src/record/record-slice.ts'
import { sliceOf } from '../../record/slice-of.ts'

const place = { topic: 'orders', partition: 3 }
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

function failure(act: () => unknown): MillraceError {
  try {
    act()
  } catch (error) {
    if (error instanceof MillraceError) return error
    throw error
  }
  throw new Error('did not throw')
}

/** Returns whether reading ends with MR_CORRUPT_BATCH; throws any other error. */
function isRefused(cursor: RecordCursor): boolean {
  try {
    while (cursor.next()) cursor.headers(new Headers())
    return false
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'MR_CORRUPT_BATCH') return true
    throw error
  }
}

describe('a record is read as it was written', () => {
  const bytes = fc.option(fc.oneof(fc.string(), fc.string({ minLength: 100, maxLength: 300 })), { nil: null })
  const header = fc.record({
    name: fc.string(),
    value: fc.option(
      fc.uint8Array().map((value) => Buffer.from(value)),
      { nil: null },
    ),
  })
  const timestamp = fc.oneof(
    fc.constant(-1),
    fc.integer({ min: 0, max: 2 ** 31 }),
    fc.integer({ min: 1.6e12, max: 1.8e12 }),
    fc.nat(2 ** 45),
    fc.integer({ min: -(2 ** 51), max: 2 ** 51 }),
  )
  const record = fc.record({ timestamp, key: bytes, value: bytes, headers: fc.array(header, { maxLength: 3 }) })

  test.each(codecs)('with compression %s', (compression) => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 40 }), fc.nat(2 ** 40), (records, baseOffset) => {
        const builder = new BatchBuilder(0)
        for (const { timestamp, key, value, headers } of records) {
          const k = Buffer.from(key ?? '')
          const source = Buffer.concat([k, Buffer.from(value ?? '')])
          builder.append(
            sliceOf(
              timestamp,
              source,
              [key === null ? -1 : 0, key === null ? -1 : k.length],
              [value === null ? -1 : k.length, value === null ? -1 : source.length],
              new Headers(headers),
            ),
            timestamp,
          )
        }
        const batch = finish(builder, { baseOffset, compression })
        const read = recordsOf(readRecordSet(place, batch, 0, []))
        expect(read).toEqual(
          records.map(({ headers, ...rest }, index) => ({
            ...rest,
            offset: baseOffset + index,
            ...(headers.length === 0 ? {} : { headers }),
          })),
        )
      }),
      { numRuns: 60 },
    )
  })

  test('with timestamps up to the furthest that there are, to the millisecond', () => {
    const far = fc.oneof(fc.integer({ min: 8.64e15 - 100, max: 8.64e15 }), fc.integer({ min: 4.5e15, max: 8.64e15 }))
    fc.assert(
      fc.property(fc.array(fc.oneof(far, fc.nat(2 ** 50)), { minLength: 1, maxLength: 20 }), (times) => {
        const [first, ...rest] = times
        const builder = new BatchBuilder(0)
        const kept = [first!]
        builder.append(sliceOf(first!, Buffer.alloc(0), [-1, -1], [-1, -1]), first!)
        for (const time of rest) {
          // The caller of `append` decides whether a record goes into another batch.
          if (!builder.reaches(time)) expect(Math.abs(time - first!)).toBeGreaterThan(2 ** 52)
          kept.push(time)
          builder.append(sliceOf(time, Buffer.alloc(0), [-1, -1], [-1, -1]), time)
        }
        const read = recordsOf(readRecordSet(place, finish(builder, { baseOffset: 0 }), 0, []))
        expect(read.map(({ timestamp: time }) => time)).toEqual(kept)
      }),
    )
  })

  test('never larger than its bound says', () => {
    fc.assert(
      fc.property(record, (one) => {
        const key = Buffer.from(one.key ?? '')
        const value = Buffer.from(one.value ?? '')
        const headers = new Headers(one.headers)
        const builder = new BatchBuilder(0)
        builder.append(sliceOf(0, key, [0, 0], [-1, -1]), 0)
        const before = builder.length
        const record = RecordSlice.of(one.timestamp, key, value, headers)
        builder.append(record, one.timestamp)
        expect(builder.length - before).toBeLessThanOrEqual(BatchBuilder.bound(record))
      }),
    )
  })

  test('headers keep their order, duplicates and nulls, and are read without disturbing the cursor', () => {
    const builder = new BatchBuilder(0)
    const headers = new Headers().add('trace', 'a').add('trace', null).add('', 'b')
    builder.append(sliceOf(1, Buffer.from('kv'), [0, 1], [1, 2], headers), 1)
    builder.append(sliceOf(2, Buffer.from('kw'), [0, 1], [1, 2]), 2)
    const [cursor] = readRecordSet(place, finish(builder), 0, [])
    const none = new Headers()
    expect(cursor!.next()).toBe(true)
    expect([...cursor!.headers(none)]).toEqual([...headers])
    expect([...cursor!.headers(none)]).toEqual([...headers])
    expect(cursor!.next()).toBe(true)
    expect(cursor!.headers(none)).toBe(none)
    expect(current(cursor!).value).toBe('w')
    expect(cursor!.next()).toBe(false)
  })

  test('snappy without framing, as other clients write it', () => {
    expect(decompress(snappyRaw.compressed, 'snappy', 1_000_000).toString()).toBe(snappyRaw.plain)
  })

  test.each(codecs)('%s of more than a codec block', (compression) => {
    const large = Buffer.alloc(3_000_000, 'abcdefghijklmnopqrstuvwxyz0123456789')
    expect(decompress(compress(large, compression), compression, 2 * large.length).equals(large)).toBe(true)
  })
})

describe('batches of the Java client', () => {
  const time = 1_700_000_000_000
  const headers = [
    { name: 'h', value: Buffer.from('1') },
    { name: 'h', value: null },
    { name: 'é', value: Buffer.alloc(0) },
  ]
  const long = 'millrace '.repeat(20)

  test.each(codecs)('are read, compressed by %s', (compression) => {
    const cursors = readRecordSet(place, Buffer.from(writtenByJava[compression], 'base64'), 0, [])
    expect(recordsOf(cursors)).toEqual([
      { offset: 0, timestamp: time, key: 'k1', value: 'v1', headers },
      { offset: 1, timestamp: time - 5, key: 'k2', value: null },
      { offset: 2, timestamp: time + 100_000, key: null, value: long },
    ])
  })

  test('are written byte for byte alike', () => {
    const builder = new BatchBuilder(0)
    const source = Buffer.from(`k1v1k2${long}`)
    builder.append(sliceOf(time, source, [0, 2], [2, 4], new Headers(headers)), time)
    builder.append(sliceOf(time - 5, source, [4, 6], [-1, -1]), time - 5)
    builder.append(sliceOf(time + 100_000, source, [-1, -1], [6, source.length]), time + 100_000)
    const batch = builder.close('none', false)
    stampBatch(batch, 0, 0, 0)
    // The broker fills in the leader's epoch.
    batch.writeInt32BE(0, LEADER_EPOCH_AT)
    expect(batch.toString('base64')).toBe(writtenByJava.none)
  })
})

describe('what a broker may send', () => {
  test('LogAppendTime: every record has the time of the broker', () => {
    const batch = batchOf(['a', 'b'], { attributes: 0x08 })
    writeInt64(batch, 1_700_000_000_123, MAX_TIMESTAMP_AT)
    stampBatch(batch, -1, -1, -1)
    expect(recordsOf(readRecordSet(place, batch, 0, [])).map(({ timestamp }) => timestamp)).toEqual([
      1_700_000_000_123, 1_700_000_000_123,
    ])
  })

  test('records below the position are skipped, whole batches and within one', () => {
    const set = Buffer.concat([batchOf(['a', 'b'], { baseOffset: 10 }), batchOf(['c', 'd', 'e'], { baseOffset: 12 })])
    const cursors = readRecordSet(place, set, 13, [])
    expect(cursors).toHaveLength(1)
    expect(cursors[0]!.remaining).toBe(3)
    expect(recordsOf(cursors)).toMatchObject([
      { offset: 13, value: 'd' },
      { offset: 14, value: 'e' },
    ])
  })

  test('compacted batches keep the offsets of what is left and end where they ended', () => {
    const batch = batchOf(['a', 'b'], { baseOffset: 100 })
    batch.writeInt32BE(9, LAST_OFFSET_DELTA_AT)
    stampBatch(batch, -1, -1, -1)
    const [cursor] = readRecordSet(place, batch, 0, [])
    expect(cursor!.endOffset).toBe(110)
    expect(endOfRecordSet(batch)).toBe(110)
    expect(recordsOf([cursor!]).map(({ offset }) => offset)).toEqual([100, 101])
  })

  test('a batch emptied by compaction moves the position', () => {
    const batch = finish(new BatchBuilder(0), { baseOffset: 5 })
    batch.writeInt32BE(4, LAST_OFFSET_DELTA_AT)
    stampBatch(batch, -1, -1, -1)
    expect(readRecordSet(place, batch, 0, [])).toEqual([])
    expect(endOfRecordSet(batch)).toBe(10)
    const [cursor] = readRecordSet(place, Buffer.concat([batchOf(['a'], { baseOffset: 4 }), batch]), 0, [])
    expect(cursor!.endOffset).toBe(10)
  })

  test('a batch cut off at the end is ignored, wherever it is cut', () => {
    const whole = batchOf(['a'], { baseOffset: 1 })
    const next = batchOf(['b'], { baseOffset: 2 })
    for (let cut = 0; cut < next.length; cut++) {
      const set = Buffer.concat([whole, next.subarray(0, cut)])
      expect(valuesOf(readRecordSet(place, set, 0, []))).toEqual(['a'])
      expect(endOfRecordSet(set)).toBe(2)
    }
    expect(endOfRecordSet(next.subarray(0, 60))).toBe(-1)
  })
})

describe('a damaged batch is refused with its place', () => {
  test('any flipped bit after the checksum', () => {
    const batch = batchOf(['hello', 'world'], { baseOffset: 42 })
    for (let at = ATTRIBUTES_AT; at < batch.length; at++) {
      const damaged = Buffer.from(batch)
      damaged[at]! ^= 1 << (at % 8)
      expect(failure(() => readRecordSet(place, damaged, 0, []))).toMatchObject({
        code: 'MR_CORRUPT_BATCH',
        topic: 'orders',
        partition: 3,
        offset: 42,
      })
    }
  })

  test('an impossible length', () => {
    for (const length of [-1, -12, -13, -(2 ** 31), 0, 1, 48]) {
      const batch = batchOf(['hello'], { baseOffset: 42 })
      batch.writeInt32BE(length, LENGTH_AT)
      expect(failure(() => readRecordSet(place, batch, 0, [])).code).toBe('MR_CORRUPT_BATCH')
      expect(endOfRecordSet(batch)).toBe(43)
    }
  })

  test('records before the position are neither shown nor counted when peeking', () => {
    const batch = batchOf(['a', 'b', 'c', 'd', 'e'], { baseOffset: 10 })
    const [cursor] = readRecordSet(place, batch, 12, [])
    const seen = (count: number): { starts: number[]; shown: number } => {
      const found: number[] = []
      const shown = cursor!.peekKeys(count, (_, keyStart) => found.push(keyStart))
      return { starts: found, shown }
    }
    const [some, all] = [seen(2), seen(9)]
    const starts: number[] = []
    while (cursor!.next()) starts.push(cursor!.keyStart)
    expect(starts).toHaveLength(3)
    expect(some).toEqual({ starts: starts.slice(0, 2), shown: 2 })
    expect(all).toEqual({ starts, shown: 3 })
  })

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('%s that does not decompress', (compression) => {
    const batch = batchOf(['hello'.repeat(100)], { baseOffset: 42, compression })
    batch.fill(0xff, 70)
    batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), CRC_AT)
    const [cursor] = readRecordSet(place, batch, 0, [])
    // Peeking does not use up the error.
    expect(cursor!.peekKeys(1, () => {})).toBe(-1)
    expect(failure(() => cursor!.next())).toMatchObject({ code: 'MR_CORRUPT_BATCH', offset: 42 })
    expect(cursor!.next()).toBe(false)
    const sound = batchOf(['sound'], { compression })
    expect(valuesOf(readRecordSet(place, sound, 0, []))).toEqual(['sound'])
  })

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    '%s that unpacks to more than is allowed, before it does',
    (compression) => {
      const batch = batchOf(['hello'.repeat(4_000_000)], { baseOffset: 42, compression })
      expect(batch.length).toBeLessThan(2_000_000)
      const before = process.memoryUsage().arrayBuffers
      const [cursor] = readRecordSet(place, batch, 0, [], 1_000_000)
      expect(failure(() => cursor!.next())).toMatchObject({
        code: 'MR_BATCH_TOO_LARGE',
        topic: 'orders',
        partition: 3,
        offset: 42,
        hint: expect.stringContaining('maxBatchBytes'),
      })
      expect(cursor!.next()).toBe(false)
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000)
      expect(valuesOf(readRecordSet(place, batch, 0, [], 21_000_000))).toHaveLength(1)
    },
  )

  test('snappy that claims to be of gigabytes', () => {
    const claim = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00])
    expect(() => decompress(claim, 'snappy', 1_000_000)).toThrow('cannot unpack to')
    const frame = Buffer.concat([compress(Buffer.alloc(1), 'snappy').subarray(0, 16), Buffer.from([0, 0, 0, 6]), claim])
    expect(() => decompress(frame, 'snappy', 1_000_000)).toThrow('cannot unpack to')
  })

  test.each([
    ['more headers than bytes are left', [0x80, 0x80, 0x80, 0x80, 0x01, 0x03]],
    ['a negative number of headers', [0x03]],
    ['a name of negative length', [0x02, 0x03, 0x01]],
    ['a name that reaches beyond the record', [0x02, 0x10, 0x61]],
    ['a value that reaches beyond the record', [0x02, 0x02, 0x61, 0x10]],
  ])('%s, at once', (_what, headers) => {
    const body = Buffer.from([0, 0, 0, 1, 1, ...headers])
    const batch = batchOf(['x'])
    const damaged = Buffer.concat([batch.subarray(0, 61), Buffer.from([body.length * 2]), body])
    damaged.writeInt32BE(damaged.length - 12, LENGTH_AT)
    stampBatch(damaged, -1, -1, -1)
    const [cursor] = readRecordSet(place, damaged, 0, [])
    expect(cursor!.next()).toBe(true)
    expect(failure(() => cursor!.headers(new Headers()))).toMatchObject({ code: 'MR_CORRUPT_BATCH', offset: 0 })
    expect(cursor!.next()).toBe(false)
  })

  test('more records than the batch says, and a record without a number of headers', () => {
    const batch = batchOf(['hello', 'world'], { baseOffset: 42 })
    batch.writeInt32BE(1, COUNT_AT)
    stampBatch(batch, -1, -1, -1)
    const [cursor] = readRecordSet(place, batch, 0, [])
    expect(failure(() => cursor!.next())).toMatchObject({ code: 'MR_CORRUPT_BATCH', offset: 42 })
    const bare = Buffer.concat([batch.subarray(0, 61), Buffer.from([10, 0, 0, 0, 1, 1])])
    bare.writeInt32BE(bare.length - 12, LENGTH_AT)
    stampBatch(bare, -1, -1, -1)
    const [cut] = readRecordSet(place, bare, 0, [])
    expect(failure(() => cut!.next())).toMatchObject({ code: 'MR_CORRUPT_BATCH' })
  })

  test('records that reach beyond the batch, under a checksum that fits', () => {
    const batch = batchOf(['hello'])
    const ends: number[] = []
    for (let at = 61; at < batch.length; at++) {
      const damaged = Buffer.from(batch)
      damaged[at] = 0x7e
      stampBatch(damaged, -1, -1, -1)
      const [cursor] = readRecordSet(place, damaged, 0, [])
      if (!isRefused(cursor!)) ends.push(cursor!.valueEnd)
    }
    expect(ends.length).toBeLessThan(batch.length - 61)
    expect(Math.max(...ends)).toBeLessThanOrEqual(batch.length)
  })

  test('an unknown codec and an unknown format', () => {
    expect(failure(() => readRecordSet(place, batchOf(['a'], { attributes: 7 }), 0, [])).code).toBe('MR_CORRUPT_BATCH')
    const batch = batchOf(['a'])
    batch[MAGIC_AT] = 9
    expect(failure(() => readRecordSet(place, batch, 0, [])).code).toBe('MR_CORRUPT_BATCH')
  })

  test.each([0, 1])('message format %i is named as too old', (magic) => {
    const message = Buffer.alloc(40)
    message.writeInt32BE(28, LENGTH_AT)
    message[MAGIC_AT] = magic
    expect(failure(() => readRecordSet(place, message, 0, []))).toMatchObject({
      code: 'MR_RECORD_FORMAT',
      topic: 'orders',
    })
  })
})

test('the checksum is CRC-32C', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
})

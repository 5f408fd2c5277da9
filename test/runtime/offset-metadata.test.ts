import { expect, test } from 'vitest'
import { decodeOffsetMetadata, encodeOffsetMetadata } from '../../src/runtime/task/offset-metadata.ts'

test('the metadata of a committed offset is written as Kafka Streams writes it', () => {
  expect(encodeOffsetMetadata(1700000005000, new Map())).toBe('AgAAAYvP5XuI')
})

test('named times are read back with the offset that they were committed with', () => {
  const times = new Map([
    ['KSTREAM-AGGREGATE-STATE-STORE-0000000001', 42],
    ['größe', 1700000000000],
  ])
  const read = decodeOffsetMetadata(encodeOffsetMetadata(7, times))
  expect(read).toEqual({ partitionTime: 7, times })
})

test('metadata of another format, of a user, or damaged is ignored', () => {
  expect(decodeOffsetMetadata('')).toBeUndefined()
  expect(decodeOffsetMetadata('my own note')).toBeUndefined()
  const bytes = Buffer.from(encodeOffsetMetadata(7, new Map([['a', 1]])), 'base64')
  expect(decodeOffsetMetadata(bytes.subarray(0, bytes.length - 3).toString('base64'))).toBeUndefined()
  bytes[0] = 9
  expect(decodeOffsetMetadata(bytes.toString('base64'))).toBeUndefined()
})

import { expect, test } from 'vitest'
import { defineApp, long, memoryLog, silentLogger, Streams, string, topic } from '../../src/index.ts'
import { RecordSlice } from '../../src/record/record-slice.ts'

test('a record without a key or value, right behind one that was skipped, gets none from it', async () => {
  const numbers = topic('numbers', {
    key: string(),
    value: long(),
    tombstones: true,
    timestamp: ({ value, timestamp }) => (value === 9 ? -1 : timestamp),
  })
  const log = memoryLog()
  log.createTopics([{ name: 'numbers', partitions: 1 }])
  const producer = log.openProducer()
  const append = (key: string | null, value: Uint8Array | null): void => {
    const bytes = key === null ? null : Buffer.from(key)
    producer.append('numbers', 0, RecordSlice.of(1, bytes, value === null ? null : Buffer.from(value), undefined))
  }
  append('unreadable', Buffer.from('bad'))
  append(null, long().serialize(1))
  append('negative time', long().serialize(9))
  append('deleted', null)
  void producer.flush()
  const seen: unknown[] = []
  const { promise: both, resolve } = Promise.withResolvers<void>()
  const app = defineApp({
    id: 'app',
    onDeserializationError: 'continue',
    logger: silentLogger,
    build: (builder) =>
      builder.stream(numbers).forEach((value, key) => {
        if (seen.push([key, value]) === 2) resolve()
      }),
  })
  await using streams = await Streams.start(app, { log })
  await Promise.race([both, streams.closed])
  expect(seen).toEqual([
    [null, 1],
    ['deleted', null],
  ])
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sharedBroker, uniqueName } from './broker/index.ts'
import { RecordPath, appendValue, readAll, readTo } from './record-path.ts'

let path: RecordPath

beforeAll(async () => {
  path = new RecordPath({ brokers: await sharedBroker() })
})

afterAll(() => path.close())

describe('a reader sees committed records only', () => {
  test('of nine transactions, one of 60,000 records that spans fetches, only the committed ones', async () => {
    const topic = await path.topic()
    const [producer, transaction] = await path.transactional()
    for (let index = 0; index < 9; index++) {
      const committed = index % 2 === 1
      const count = index === 4 ? 60_000 : 10
      for (let record = 0; record < count; record++)
        appendValue(producer, topic, 0, `${committed ? 'C' : 'A'}-${index}-${record}`)
      await producer.flush()
      await transaction.end(committed)
    }
    // The broker writes the last marker after its response that the transaction ends.
    await expect.poll(() => path.endOffset(topic)).toBe(60_089)
    for (const partitionMaxBytes of [1 << 20, 100_000, 1000]) {
      const reader = path.fetcher({ partitionMaxBytes, partitionBufferBytes: 2 * partitionMaxBytes })
      const values = (await readAll(path, topic, reader)).map(({ value }) => value)
      expect(values).toEqual(
        [1, 3, 5, 7].flatMap((index) => Array.from({ length: 10 }, (_, record) => `C-${index}-${record}`)),
      )
      expect(reader.position(topic, 0)).toBe(60_089)
      expect(reader.endOffset(topic, 0)).toBe(60_089)
      reader.close()
    }
  })

  test('not those of an open transaction, nor what comes after them, until it ends', async () => {
    const topic = await path.topic()
    const plain = path.producer()
    const [producer, transaction] = await path.transactional()
    appendValue(plain, topic, 0, 'before')
    await plain.flush()
    appendValue(producer, topic, 0, 'open')
    await producer.flush()
    appendValue(plain, topic, 0, 'behind')
    await plain.flush()

    const reader = path.fetcher()
    reader.assign(topic, 0, 0)
    const records = await readTo(reader, [[topic, 0, 1]])
    expect(records.get(`${topic}-0`)!.map(({ value }) => value)).toEqual(['before'])
    expect(reader.endOffset(topic, 0)).toBe(1)

    await transaction.end(true)
    const rest = await readTo(reader, [[topic, 0, 4]])
    expect(rest.get(`${topic}-0`)!.map(({ value }) => value)).toEqual(['open', 'behind'])
  })

  test('transactions of two producers that interleave', async () => {
    const topic = await path.topic()
    const [first, aborted] = await path.transactional()
    const [second, committed] = await path.transactional()
    for (const round of [0, 1, 2]) {
      appendValue(first, topic, 0, `aborted-${round}`)
      await first.flush()
      appendValue(second, topic, 0, `committed-${round}`)
      await second.flush()
    }
    await committed.end(true)
    await aborted.end(false)
    const values = (await readAll(path, topic)).map(({ value }) => value)
    expect(values).toEqual(['committed-0', 'committed-1', 'committed-2'])
  })
})

describe('positions', () => {
  test('reading starts at an offset within a batch', async () => {
    const topic = await path.topic()
    const producer = path.producer()
    for (let index = 0; index < 100; index++) appendValue(producer, topic, 0, `${index}`)
    await producer.flush()
    const reader = path.fetcher()
    reader.assign(topic, 0, 42)
    const records = (await readTo(reader, [[topic, 0, 100]])).get(`${topic}-0`)!
    expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 58 }, (_, index) => 42 + index))
  })

  test('assigning again goes there and drops what was fetched', async () => {
    const topic = await path.topic()
    const producer = path.producer()
    for (let index = 0; index < 10; index++) appendValue(producer, topic, 0, `${index}`)
    await producer.flush()
    const reader = path.fetcher()
    reader.assign(topic, 0, 0)
    await new Promise<void>((resolve) => reader.onReady(resolve))
    reader.assign(topic, 0, 7)
    expect(reader.poll(() => expect.unreachable())).toBe(0)
    const records = (await readTo(reader, [[topic, 0, 10]])).get(`${topic}-0`)!
    expect(records.map(({ value }) => value)).toEqual(['7', '8', '9'])
  })

  test('a response for a partition given up meanwhile is dropped', async () => {
    const topic = await path.topic(2)
    const producer = path.producer()
    const reader = path.fetcher({ maxWait: 2000 })
    reader.assign(topic, 0, 0)
    reader.assign(topic, 1, 0)
    for (const partition of [0, 1]) appendValue(producer, topic, partition, 'first')
    await producer.flush()
    await readTo(reader, [
      [topic, 0, 1],
      [topic, 1, 1],
    ])
    // A long poll for both is now under way.
    reader.unassign(topic, 0)
    appendValue(producer, topic, 0, 'dropped')
    appendValue(producer, topic, 1, 'kept')
    await producer.flush()
    const records = await readTo(reader, [[topic, 1, 2]])
    expect(records.get(`${topic}-1`)!.map(({ value }) => value)).toEqual(['kept'])
    expect(reader.position(topic, 0)).toBeUndefined()
  })

  test.each([
    ['after the end', 1000],
    ['below records that were deleted', 3],
  ])('an offset %s is an error with its place, until the partition is assigned again', async (_, offset) => {
    const topic = await path.topic()
    const producer = path.producer()
    for (let index = 0; index < 10; index++) appendValue(producer, topic, 0, `${index}`)
    await producer.flush()
    await path.deleteRecords(topic, 5)
    const reader = path.fetcher()
    reader.assign(topic, 0, offset)
    await new Promise<void>((resolve) => reader.onReady(resolve))
    for (let times = 0; times < 2; times++) {
      expect(() => reader.poll(() => expect.unreachable())).toThrow(
        expect.objectContaining({ code: 'MR_OFFSET_OUT_OF_RANGE', topic, partition: 0, offset }),
      )
    }
    reader.assign(topic, 0, 5)
    const records = (await readTo(reader, [[topic, 0, 10]])).get(`${topic}-0`)!
    expect(records.map(({ offset: at }) => at)).toEqual([5, 6, 7, 8, 9])
  })

  test('a partition that does not exist is an error after the time allowed', async () => {
    const reader = path.fetcher({ unknownTopicTimeout: 200 })
    reader.assign('no-such-topic', 0, 0)
    await new Promise<void>((resolve) => reader.onReady(resolve))
    expect(() => reader.poll(() => expect.unreachable())).toThrow(
      expect.objectContaining({ code: 'MR_TOPIC_UNKNOWN', topic: 'no-such-topic' }),
    )
  })

  test('a topic that is created later is read from then on', async () => {
    const topic = uniqueName('later')
    const reader = path.fetcher()
    reader.assign(topic, 0, 0)
    await path.topic(1, {}, topic)
    const producer = path.producer()
    appendValue(producer, topic, 0, 'first')
    await producer.flush()
    expect((await readTo(reader, [[topic, 0, 1]])).get(`${topic}-0`)).toHaveLength(1)
  })
})

describe('pausing', () => {
  test('holds records back, keeps them, and hands them over when resumed', async () => {
    const topic = await path.topic(2)
    const producer = path.producer()
    const reader = path.fetcher()
    reader.assign(topic, 0, 0)
    reader.assign(topic, 1, 0)
    reader.pause(topic, 0)
    for (let index = 0; index < 3; index++)
      for (const partition of [0, 1]) appendValue(producer, topic, partition, `${index}`)
    await producer.flush()
    const first = await readTo(reader, [[topic, 1, 3]])
    expect(first.get(`${topic}-1`)).toHaveLength(3)
    expect(reader.position(topic, 0)).toBe(0)
    let woken = 0
    reader.onReady(() => woken++)
    reader.resume(topic, 0)
    const rest = await readTo(reader, [[topic, 0, 3]])
    expect(rest.get(`${topic}-0`)!.map(({ value }) => value)).toEqual(['0', '1', '2'])
  })

  test('within a poll takes effect at once', async () => {
    const topic = await path.topic()
    const producer = path.producer({ batchBytes: 100 })
    for (let index = 0; index < 20; index++) appendValue(producer, topic, 0, `value ${index}`)
    await producer.flush()
    const reader = path.fetcher()
    reader.assign(topic, 0, 0)
    await new Promise<void>((resolve) => reader.onReady(resolve))
    expect(reader.poll(() => reader.pause(topic, 0))).toBe(1)
    const position = reader.position(topic, 0)!
    expect(position).toBeLessThan(20)
    expect(reader.poll(() => expect.unreachable())).toBe(0)
    reader.resume(topic, 0)
    const rest = (await readTo(reader, [[topic, 0, 20]])).get(`${topic}-0`)!
    expect(rest[0]!.offset).toBe(position)
    expect(rest).toHaveLength(20 - position)
  })
})

describe('bounds', () => {
  test('a partition that nobody takes from does not keep others from being read', async () => {
    const topic = await path.topic(3)
    const producer = path.producer()
    const text = 'x'.repeat(1000)
    for (let index = 0; index < 3000; index++)
      for (const partition of [0, 1, 2]) appendValue(producer, topic, partition, text)
    await producer.flush()
    const reader = path.fetcher({ bufferBytes: 200_000, partitionMaxBytes: 100_000, partitionBufferBytes: 150_000 })
    for (const partition of [0, 1, 2]) reader.assign(topic, partition, 0)
    await new Promise<void>((resolve) => reader.onReady(resolve))
    reader.pause(topic, 0)
    reader.pause(topic, 1)
    const records = await readTo(reader, [[topic, 2, 3000]])
    expect(records.get(`${topic}-2`)).toHaveLength(3000)
    reader.resume(topic, 0)
    reader.resume(topic, 1)
    const rest = await readTo(reader, [
      [topic, 0, 3000],
      [topic, 1, 3000],
    ])
    expect(rest.get(`${topic}-0`)).toHaveLength(3000)
    expect(rest.get(`${topic}-1`)).toHaveLength(3000)
  })

  test('a batch larger than every bound is read', async () => {
    const topic = await path.topic()
    const producer = path.producer()
    appendValue(producer, topic, 0, 'y'.repeat(500_000))
    appendValue(producer, topic, 0, 'z')
    await producer.flush()
    const reader = path.fetcher({
      bufferBytes: 1000,
      maxBytes: 1000,
      partitionMaxBytes: 1000,
      partitionBufferBytes: 1000,
    })
    expect((await readAll(path, topic, reader)).map(({ value }) => value!.length)).toEqual([500_000, 1])
  })
})

test('records of a LogAppendTime topic have the time of the broker', async () => {
  const topic = await path.topic(1, { 'message.timestamp.type': 'LogAppendTime' })
  const producer = path.producer()
  const before = Date.now()
  appendValue(producer, topic, 0, 'a', 1000)
  appendValue(producer, topic, 0, 'b', 2000)
  await producer.flush()
  const [first, second] = await readAll(path, topic)
  expect(first!.timestamp).toBeGreaterThanOrEqual(before - 1000)
  expect(second!.timestamp).toBe(first!.timestamp)
})

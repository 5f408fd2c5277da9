import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Headers } from '../../src/record/headers.ts'
import { sharedBroker, uniqueName } from './broker/index.ts'
import { RecordPath, appendValue, readAll, readTo } from './record-path.ts'
import { sliceOf } from '../record/slice-of.ts'

let path: RecordPath

beforeAll(async () => {
  path = new RecordPath({ brokers: await sharedBroker() })
})

afterAll(() => path.close())

async function failureOf(act: () => unknown): Promise<unknown> {
  try {
    await act()
  } catch (error) {
    return error
  }
  return expect.unreachable('it did not fail')
}

describe('what is flushed is in the log', () => {
  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'as it was appended, compressed by %s',
    async (compression) => {
      const topic = await path.topic()
      const producer = path.producer({ compression, batchBytes: 2000 })
      const headers = new Headers().add('trace', 'a').add('trace', null)
      const scratch = Buffer.alloc(200)
      for (let index = 0; index < 200; index++) {
        const end = scratch.write(`key${index}value${index}`.padEnd(100, '.'))
        const split = `key${index}`.length
        producer.append(
          topic,
          0,
          sliceOf(5000 - index, scratch, [0, split], [split, end], index % 2 === 0 ? headers : undefined),
        )
        scratch.fill(0)
      }
      producer.append(topic, 0, sliceOf(1, scratch, [0, 0], [-1, -1]))
      await producer.flush()
      const records = await readAll(path, topic)
      expect(records).toHaveLength(201)
      expect(records[4]).toEqual({
        offset: 4,
        timestamp: 4996,
        key: 'key4',
        value: `value4`.padEnd(96, '.'),
        headers: [...headers],
      })
      expect(records[5]).toEqual({ offset: 5, timestamp: 4995, key: 'key5', value: 'value5'.padEnd(96, '.') })
      expect(records[200]).toEqual({ offset: 200, timestamp: 1, key: '', value: null })
      expect(producer.lastOffset(topic, 0)).toBe(200)
    },
  )

  test('in order, over many batches of many partitions, and the last offsets are known', async () => {
    const topic = await path.topic(8)
    const producer = path.producer({ batchBytes: 3000, linger: 0 })
    const count = 20_000
    for (let index = 0; index < count; index++) {
      appendValue(producer, topic, index % 8, `${index}`.padEnd(100))
      if (index % 1000 === 0) await new Promise(setImmediate)
    }
    await producer.flush()
    const reader = path.fetcher()
    for (let partition = 0; partition < 8; partition++) reader.assign(topic, partition, 0)
    const read = await readTo(
      reader,
      Array.from({ length: 8 }, (_, partition) => [topic, partition, count / 8]),
    )
    for (let partition = 0; partition < 8; partition++) {
      const values = read.get(`${topic}-${partition}`)!.map(({ value }) => Number(value))
      expect(values).toEqual(Array.from({ length: count / 8 }, (_, index) => index * 8 + partition))
      expect(producer.lastOffset(topic, partition)).toBe(count / 8 - 1)
    }
  })

  test('a flush with nothing to send is done at once', async () => {
    const producer = path.producer()
    expect(producer.flush()).toBeUndefined()
    const topic = await path.topic()
    appendValue(producer, topic, 0, 'a')
    await producer.flush()
    expect(producer.flush()).toBeUndefined()
    expect(producer.lastOffset(topic, 1)).toBeUndefined()
  })

  test('and without a flush it gets there after the linger time', async () => {
    const topic = await path.topic()
    appendValue(path.producer({ linger: 1 }), topic, 0, 'unasked')
    const reader = path.fetcher()
    reader.assign(topic, 0, 0)
    expect((await readTo(reader, [[topic, 0, 1]])).get(`${topic}-0`)![0]!.value).toBe('unasked')
  })
})

describe('partitions', () => {
  test('are counted once asked for', async () => {
    const topic = await path.topic(5)
    const producer = path.producer()
    expect(producer.partitionCount(topic)).toBeUndefined()
    expect(await producer.loadPartitionCount(topic)).toBe(5)
    expect(producer.partitionCount(topic)).toBe(5)
    expect(producer.loadPartitionCount(topic)).toBe(5)
  })

  test('of a topic that does not exist are an error', async () => {
    const name = uniqueName('none')
    expect(await failureOf(() => path.producer().loadPartitionCount(name))).toMatchObject({
      code: 'MR_TOPIC_UNKNOWN',
      topic: name,
    })
  })
})

describe('a batch that the broker finds too large', () => {
  test('is sent in parts, in order', async () => {
    const topic = await path.topic(1, { 'max.message.bytes': '4000' })
    const producer = path.producer()
    for (let index = 0; index < 1000; index++) appendValue(producer, topic, 0, `${index}`.padEnd(100))
    await producer.flush()
    const values = (await readAll(path, topic)).map(({ value }) => Number(value))
    expect(values).toEqual(Array.from({ length: 1000 }, (_, index) => index))
    expect(producer.lastOffset(topic, 0)).toBe(999)
  })

  test('is an error if it is one record, and nothing else is sent', async () => {
    const topic = await path.topic(1, { 'max.message.bytes': '4000' })
    const producer = path.producer()
    appendValue(producer, topic, 0, 'small')
    appendValue(producer, topic, 0, 'x'.repeat(5000))
    const failure = await failureOf(() => producer.flush())
    expect(failure).toMatchObject({ code: 'MR_PRODUCE', topic, partition: 0, apiName: 'MESSAGE_TOO_LARGE' })
    expect(await failureOf(() => appendValue(producer, topic, 0, 'more'))).toBe(failure)
    expect(await failureOf(() => producer.flush())).toBe(failure)
  })
})

describe('errors that end a producer name the place', () => {
  test('a record that the broker refuses', async () => {
    const topic = await path.topic(1, { 'cleanup.policy': 'compact' })
    const producer = path.producer()
    appendValue(producer, topic, 0, 'without a key')
    expect(await failureOf(() => producer.flush())).toMatchObject({
      code: 'MR_PRODUCE',
      topic,
      partition: 0,
      apiName: 'INVALID_RECORD',
    })
  })

  test('a topic that does not exist, after the delivery timeout', async () => {
    const topic = uniqueName('none')
    const producer = path.producer({ deliveryTimeout: 300 })
    appendValue(producer, topic, 3, 'lost')
    expect(await failureOf(() => producer.flush())).toMatchObject({
      code: 'MR_TOPIC_UNKNOWN',
      topic,
      partition: 3,
      apiName: 'UNKNOWN_TOPIC_OR_PARTITION',
    })
  })

  test('a producer whose place another one took is fenced, and writes nothing', async () => {
    const topic = await path.topic()
    const id = uniqueName('tx')
    const [zombie, transaction] = await path.transactional(id)
    appendValue(zombie, topic, 0, 'zombie')
    await zombie.flush()
    const [successor, next] = await path.transactional(id)
    appendValue(zombie, topic, 0, 'zombie again')
    expect(await failureOf(() => zombie.flush())).toMatchObject({ code: 'MR_FENCED', topic, partition: 0 })
    await expect(transaction.end(true)).rejects.toMatchObject({ apiName: 'PRODUCER_FENCED' })
    appendValue(successor, topic, 0, 'successor')
    await successor.flush()
    await next.end(true)
    expect((await readAll(path, topic)).map(({ value }) => value)).toEqual(['successor'])
  })
})

describe('after discard', () => {
  test('what was not sent is gone and the producer goes on', async () => {
    const topic = await path.topic()
    const producer = path.producer({ linger: 60_000 })
    appendValue(producer, topic, 0, 'kept')
    await producer.flush()
    appendValue(producer, topic, 0, 'discarded')
    await producer.discard()
    appendValue(producer, topic, 0, 'after')
    await producer.flush()
    expect((await readAll(path, topic)).map(({ value }) => value)).toEqual(['kept', 'after'])
  })

  test('a failure is forgotten', async () => {
    const topic = await path.topic(1, { 'max.message.bytes': '4000' })
    const producer = path.producer()
    appendValue(producer, topic, 0, 'x'.repeat(5000))
    await failureOf(() => producer.flush())
    await producer.discard()
    appendValue(producer, topic, 0, 'fine')
    await producer.flush()
    expect((await readAll(path, topic)).map(({ value }) => value)).toEqual(['fine'])
  })

  test('a batch under way is decided, and there at most once', async () => {
    const topic = await path.topic()
    const producer = path.producer()
    await producer.loadPartitionCount(topic)
    for (let round = 0; round < 20; round++) {
      appendValue(producer, topic, 0, `round ${round}`)
      const flushed = producer.flush()
      await producer.discard()
      await expect(flushed).rejects.toMatchObject({ code: 'MR_PRODUCE' })
      const end = await path.endOffset(topic)
      await new Promise(setImmediate)
      expect(await path.endOffset(topic)).toBe(end)
    }
    const values = (await readAll(path, topic)).map(({ value }) => value)
    expect(new Set(values).size).toBe(values.length)
  })
})

test('it asks the caller to stop while too much is waiting, and calls it to go on', async () => {
  const topic = await path.topic()
  const producer = path.producer({ bufferBytes: 100_000, linger: 60_000 })
  let appended = 0
  while (producer.writable) {
    appendValue(producer, topic, 0, 'x'.repeat(1000))
    appended++
  }
  expect(appended).toBeLessThanOrEqual(100)
  // Without a flush: being full is reason enough to send.
  await new Promise<void>((resolve) => producer.onWritable(resolve))
  expect(producer.writable).toBe(true)
  await producer.flush()
  expect(await path.endOffset(topic)).toBe(appended)
})

test('closing drops what was not flushed and ends a flush under way', async () => {
  const topic = await path.topic()
  const producer = path.producer({ linger: 60_000 })
  appendValue(producer, topic, 0, 'never')
  producer.close()
  expect(await failureOf(() => appendValue(producer, topic, 0, 'never'))).toMatchObject({ code: 'MR_PRODUCE' })
  expect(await path.endOffset(topic)).toBe(0)
})

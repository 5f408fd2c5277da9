import { expect, test } from 'vitest'
import { topic } from '../../src/dsl/options/topic.ts'
import { memoryLog } from '../../src/log/memory/memory-log.ts'
import { readTopic } from '../../src/client/topic-reader.ts'
import { TopicWriter } from '../../src/client/topic-writer.ts'
import { partitionForKey } from '../../src/record/murmur2.ts'
import { Headers } from '../../src/record/headers.ts'
import { json } from '../../src/serde/json.ts'
import { long } from '../../src/serde/long.ts'
import { string } from '../../src/serde/string.ts'
import { windowed } from '../../src/serde/windowed.ts'
import { Windowed } from '../../src/windowing/windowed-key.ts'

const payments = topic('payments', { key: string(), value: json<{ cents: number }>(), tombstones: true })

async function logWith(name: string, partitions: number): Promise<ReturnType<typeof memoryLog>> {
  const log = memoryLog()
  await log.createTopics([{ name, partitions }])
  return log
}

async function collect<T>(records: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const record of records) all.push(record)
  return all
}

test('what is written is read: key, value, timestamp, headers, tombstones', async () => {
  const log = await logWith('payments', 1)
  const writer = await TopicWriter.open(log, payments)
  writer.write('alice', { cents: 1 }, { timestamp: 10, headers: new Headers().add('trace', 't1') })
  writer.write('alice', null, { timestamp: 11 })
  writer.write(null, { cents: 2 }, { timestamp: 12 })
  await writer.close()
  const records = await collect(readTopic(log, payments, { until: 'end' }))
  expect(records).toMatchObject([
    { key: 'alice', value: { cents: 1 }, timestamp: 10, partition: 0, offset: 0 },
    { key: 'alice', value: null, timestamp: 11, offset: 1 },
    { key: null, value: { cents: 2 }, timestamp: 12, offset: 2 },
  ])
  expect(records[0]?.headers.getString('trace')).toBe('t1')
  await log.close()
})

test('nothing is visible before flush', async () => {
  const log = await logWith('payments', 2)
  await using writer = await TopicWriter.open(log, payments)
  writer.write('alice', { cents: 1 })
  expect(await collect(readTopic(log, payments, { until: 'end' }))).toHaveLength(0)
  await writer.flush()
  expect(await collect(readTopic(log, payments, { until: 'end' }))).toHaveLength(1)
})

test('records lie where Kafka clients would put them; a windowed key lies with its inner key', async () => {
  const log = await logWith('counts', 5)
  const counts = topic('counts', { key: windowed(string(), '1m'), value: long() })
  await using writer = await TopicWriter.open(log, counts)
  const keys = Array.from({ length: 30 }, (_, i) => new Windowed(`key-${i}`, i * 60_000, (i + 1) * 60_000))
  for (const key of keys) writer.write(key, 1)
  await writer.flush()
  const records = await collect(readTopic(log, counts, { until: 'end' }))
  expect(records).toHaveLength(keys.length)
  for (const { key, partition } of records) {
    const inner = Buffer.from(key?.key ?? '')
    expect(partition).toBe(partitionForKey(inner, 0, inner.length, 5))
  }
  const partitions = new Map(records.map(({ key, partition }) => [String(key), partition]))
  expect(keys.map((key) => writer.partitionOf(key))).toEqual(keys.map((key) => partitions.get(String(key))))
})

test('records without a key are spread over all partitions', async () => {
  const log = await logWith('payments', 3)
  await using writer = await TopicWriter.open(log, payments)
  for (let i = 0; i < 6; i++) writer.write(null, { cents: i })
  await writer.flush()
  const records = await collect(readTopic(log, payments, { until: 'end' }))
  expect(records.map((record) => record.partition).toSorted()).toEqual([0, 0, 1, 1, 2, 2])
})

test('a value larger than any buffer so far is written whole', async () => {
  const log = await logWith('texts', 1)
  const texts = topic('texts', { key: string(), value: string() })
  await using writer = await TopicWriter.open(log, texts)
  const long = 'é'.repeat(100_000)
  writer.write('k'.repeat(5000), long)
  await writer.flush()
  expect(await collect(readTopic(log, texts, { until: 'end' }))).toMatchObject([{ key: 'k'.repeat(5000), value: long }])
})

test('reading goes on with what arrives later, until it is aborted', async () => {
  const log = await logWith('payments', 2)
  await using writer = await TopicWriter.open(log, payments)
  const ending = new AbortController()
  const cents: (number | undefined)[] = []
  const reading = (async () => {
    for await (const { value } of readTopic(log, payments, { signal: ending.signal })) {
      cents.push(value?.cents)
      if (cents.length < 3) {
        writer.write(`key-${cents.length}`, { cents: cents.length })
        await writer.flush()
      } else setImmediate(() => ending.abort())
    }
  })()
  writer.write('key-0', { cents: 0 })
  await writer.flush()
  await reading
  expect(cents).toEqual([0, 1, 2])
})

test('reading from the latest offset skips what is there', async () => {
  const log = await logWith('payments', 1)
  await using writer = await TopicWriter.open(log, payments)
  writer.write('a', { cents: 1 })
  await writer.flush()
  const records = readTopic(log, payments, { from: 'latest' })
  const next = records.next()
  // The reader takes its position within a few turns; it would skip a record that is written before that.
  await new Promise((resolve) => setImmediate(resolve))
  writer.write('a', { cents: 2 })
  await writer.flush()
  expect((await next).value).toMatchObject({ value: { cents: 2 } })
  await records.return()
})

test('errors for a topic that does not exist and a record that cannot be read name their place', async () => {
  const log = await logWith('payments', 1)
  const nowhere = topic('nowhere', { key: string(), value: string() })
  await expect(collect(readTopic(log, nowhere))).rejects.toMatchObject({
    code: 'MR_TOPIC_UNKNOWN',
    topic: 'nowhere',
  })
  await expect(TopicWriter.open(log, nowhere)).rejects.toMatchObject({
    code: 'MR_TOPIC_UNKNOWN',
  })
  await using writer = await TopicWriter.open(log, topic('payments', { key: string(), value: string() }))
  writer.write('a', 'not json')
  await writer.flush()
  await expect(collect(readTopic(log, payments, { until: 'end' }))).rejects.toMatchObject({
    code: 'MR_DESERIALIZE',
    topic: 'payments',
    partition: 0,
    offset: 0,
  })
})

test('the partitioner of the topic chooses one partition, several or none; a given one overrides it', async () => {
  const log = await logWith('routed', 4)
  const chosen: Readonly<Record<string, number | readonly number[]>> = { one: 3, two: [1, 2], none: [], wrong: 4 }
  const routed = topic('routed', { key: string(), value: string(), partitioner: (_topic, key) => chosen[key ?? ''] })
  await using writer = await TopicWriter.open(log, routed)
  for (const key of ['one', 'two', 'none', 'by key']) writer.write(key, 'v')
  writer.write('one', 'given', { partition: 0 })
  expect(() => writer.write('wrong', 'v')).toThrow(
    expect.objectContaining({ code: 'MR_NO_PARTITION', topic: 'routed' }),
  )
  for (const partition of [4, -1, 0.5]) {
    expect(() => writer.write('one', 'v', { partition })).toThrow(
      expect.objectContaining({ code: 'MR_PARTITION_UNKNOWN', topic: 'routed', partition }),
    )
  }
  await writer.flush()
  const records = await collect(readTopic(log, routed, { until: 'end' }))
  const found = records.map(({ key, value, partition }) => `${key} ${value} ${partition}`)
  const byKey = partitionForKey(Buffer.from('by key'), 0, 6, 4)
  expect(found.sort()).toEqual([`by key v ${byKey}`, 'one given 0', 'one v 3', 'two v 1', 'two v 2'])
})

test('a writer that is closed twice, by hand and by its block, is closed once', async () => {
  const log = memoryLog()
  await log.createTopics([{ name: payments.name, partitions: 1, configs: { 'max.message.bytes': '1000' } }])
  {
    await using writer = await TopicWriter.open(log, payments)
    writer.write('alice', { cents: 1 })
    await Promise.all([writer.close(), writer.close()])
  }
  expect((await log.listOffsets([{ topic: payments.name, partition: 0 }], 'latest')).get(payments.name, 0)).toBe(1)
})

import { expect, test } from 'vitest'
import { readTopic, type ReadTopicOptions } from '../../src/client/topic-reader.ts'
import { TopicWriter } from '../../src/client/topic-writer.ts'
import { topic } from '../../src/dsl/options/topic.ts'
import { memoryLog } from '../../src/log/memory/memory-log.ts'
import { PartitionMap } from '../../src/log/log.ts'
import { long } from '../../src/serde/long.ts'
import { string } from '../../src/serde/string.ts'
import { uniqueName } from '../kafka/broker/index.ts'
import { append, clientOptions } from '../log/log-harness.ts'
import { onEveryLog } from './every-log.ts'

const counts = topic('counts', { key: string(), value: long() })

onEveryLog('reading a topic', (on) => {
  /** Makes a topic of three partitions. Record i, of the time 1000 + i, is in partition i % 3, at offset i / 3. */
  async function filled(records = 30): Promise<typeof counts> {
    const made = topic(uniqueName('counts'), { key: string(), value: long() })
    await on.log.createTopics([{ name: made.name, partitions: 3 }])
    await using writer = await TopicWriter.open(on.log, made)
    for (let i = 0; i < records; i++) writer.write('k', i, { timestamp: 1000 + i, partition: i % 3 })
    return made
  }

  async function read(from: typeof counts, options: ReadTopicOptions): Promise<number[]> {
    const values: number[] = []
    for await (const { value } of readTopic(on.log, from, { until: 'end', ...options })) values.push(Number(value))
    return values.sort((a, b) => a - b)
  }

  test('begins at a time, in each partition', async () => {
    const made = await filled()
    expect(await read(made, { from: { timestamp: 1020 } })).toEqual([20, 21, 22, 23, 24, 25, 26, 27, 28, 29])
    expect(await read(made, { from: { timestamp: 1028.9 } })).toEqual([28, 29])
    expect(await read(made, { from: { timestamp: 2000 } })).toEqual([])
  })

  test('begins at offsets by partition, and at the beginning of those that are not named', async () => {
    const made = await filled()
    expect(await read(made, { from: { offsets: { 0: 9, 1: 10 } } })).toEqual([2, 5, 8, 11, 14, 17, 20, 23, 26, 27, 29])
    expect(await read(made, { from: { offsets: { 2: 9 } }, partitions: [2] })).toEqual([29])
  })

  test('begins at the newest n records of each partition', async () => {
    const made = await filled()
    expect(await read(made, { from: { last: 2 } })).toEqual([24, 25, 26, 27, 28, 29])
    expect(await read(made, { from: { last: 1 }, partitions: [1] })).toEqual([28])
    expect(await read(made, { from: { last: 500 } })).toHaveLength(30)
    expect(await read(made, { from: { last: 0 } })).toEqual([])
  })

  test('counts the newest n without what transactions leave in a partition', async () => {
    const made = await filled(0)
    const client = await on.log.openClient(clientOptions(uniqueName('writers'), 1, []))
    await client.producer.loadPartitionCount(made.name)
    for (let value = 0; value < 100; value++) {
      const slice = Buffer.alloc(8)
      slice.writeBigInt64BE(BigInt(value))
      append(client.producer, made.name, 0, 'k', slice.toString('latin1'), 1000)
      expect(await client.commit(new PartitionMap())).toBe('committed')
    }
    await client.close()
    expect(await read(made, { from: { last: 1 }, partitions: [0] })).toEqual([99])
    expect(await read(made, { from: { last: 70 }, partitions: [0] })).toEqual(
      Array.from({ length: 70 }, (_, i) => i + 30),
    )
  })

  test('stops after a number of records, whatever else there is', async () => {
    const made = await filled()
    expect(await read(made, { partitions: [1], limit: 4 })).toEqual([1, 4, 7, 10])
    expect(await read(made, { from: { last: 3 }, limit: 5 })).toHaveLength(5)
    const following: number[] = []
    for await (const { value } of readTopic(on.log, made, { partitions: [2], limit: 10 })) following.push(Number(value))
    expect(following).toEqual([2, 5, 8, 11, 14, 17, 20, 23, 26, 29])
  })

  test('names a partition or an offset that is not there', async () => {
    const made = await filled()
    const unknown = {
      code: 'MR_PARTITION_UNKNOWN',
      topic: made.name,
      partition: 3,
      hint: expect.stringContaining('0 to 2'),
    }
    await expect(read(made, { partitions: [0, 3] })).rejects.toMatchObject(unknown)
    await expect(read(made, { from: { offsets: { 3: 0 } } })).rejects.toMatchObject(unknown)
    await on.log.deleteRecords(new PartitionMap<number>().set(made.name, 0, 4))
    for (const offset of [3, 11]) {
      await expect(read(made, { from: { offsets: { 0: offset } } })).rejects.toMatchObject({
        code: 'MR_OFFSET_OUT_OF_RANGE',
        topic: made.name,
        partition: 0,
        offset,
        message: expect.stringContaining('4 to 10'),
      })
    }
    const misspelt = topic(made.name.replace('counts', 'count'), { key: string(), value: long() })
    await expect(read(misspelt, {})).rejects.toMatchObject({
      code: 'MR_TOPIC_UNKNOWN',
      hint: `Did you mean ${made.name}?`,
    })
  })
})

test.each([
  [{ from: 'today' }, /from of readTopic\(\) is "today"/],
  [{ from: { timestamp: '2026-11-01' } }, /from\.timestamp/],
  [{ from: { last: -1 } }, /from\.last/],
  [{ from: { offsets: { 0: -1 } } }, /from\.offsets/],
  [{ from: { offsets: { first: 1 } } }, /from\.offsets/],
  [{ partitions: [] }, /partitions/],
  [{ limit: 0 }, /limit/],
])('options that say nothing are refused: %j', async (options, message) => {
  const log = memoryLog()
  await expect(readTopic(log, counts, options as ReadTopicOptions).next()).rejects.toMatchObject({
    code: 'MR_CONFIG',
    message: expect.stringMatching(message),
    hint: expect.any(String),
  })
})

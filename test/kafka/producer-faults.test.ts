import { describe, expect, test } from 'vitest'
import { sequenceAfter } from '../../src/kafka/produce/batch-queue.ts'
import { KafkaProducer } from '../../src/kafka/produce/producer.ts'
import { appendValue } from './record-path.ts'
import { CountingSession, ScriptedCluster } from './scripted-cluster.ts'

const NOT_LEADER = 6
const OUT_OF_ORDER = 45
const UNKNOWN_PRODUCER = 59
const MESSAGE_TOO_LARGE = 10
const NOT_ENOUGH_REPLICAS = 19
const TOPIC_AUTHORIZATION_FAILED = 29

function values(cluster: ScriptedCluster, partition = 0): string[] {
  return cluster.log.filter((batch) => batch.partition === partition).flatMap((batch) => batch.values.map(String))
}

test('a batch whose response was lost is sent again as the same batch, and is in the log once', async () => {
  const cluster = new ScriptedCluster({ produce: (_, request) => (request < 3 ? 'lost' : 0) })
  const producer = new KafkaProducer(cluster, new CountingSession())
  appendValue(producer, 't', 0, 'a')
  appendValue(producer, 't', 0, 'b')
  await producer.flush()
  appendValue(producer, 't', 0, 'c')
  await producer.flush()
  expect(cluster.sent.map(({ producerId, sequence }) => [producerId, sequence])).toEqual([
    [100, 0],
    [100, 0],
    [100, 0],
    [100, 0],
    [100, 2],
  ])
  expect(values(cluster)).toEqual(['a', 'b', 'c'])
})

test('while a batch is repeated none of its partition overtakes it, and other partitions go on', async () => {
  let refusals = 3
  const cluster = new ScriptedCluster({
    produce: (batches) =>
      batches.some(({ partition }) => partition === 0) && refusals-- > 0 ? NOT_ENOUGH_REPLICAS : 0,
  })
  const producer = new KafkaProducer(cluster, new CountingSession(), { batchBytes: 100 })
  for (let index = 0; index < 30; index++)
    for (const partition of [0, 1]) appendValue(producer, 't', partition, `${index}`)
  await producer.flush()
  const all = Array.from({ length: 30 }, (_, index) => `${index}`)
  expect(values(cluster, 0)).toEqual(all)
  expect(values(cluster, 1)).toEqual(all)
})

test('at most five requests a broker are under way, and no two with the same partition', async () => {
  const open: (() => void)[] = []
  const underWay = new Set<number>()
  const cluster = new ScriptedCluster({
    produce: async (batches) => {
      for (const { partition } of batches) {
        expect(underWay.has(partition)).toBe(false)
        underWay.add(partition)
      }
      await new Promise<void>((resolve) => open.push(resolve))
      for (const { partition } of batches) underWay.delete(partition)
      return 0
    },
  })
  const producer = new KafkaProducer(cluster, new CountingSession(), { batchBytes: 200 })
  appendValue(producer, 't', 19, 'first')
  const first = producer.flush()
  while (open.length === 0) await new Promise(setImmediate)
  open.shift()!()
  await first
  // The partitions' batches are full at different times, so that each is a request of its own.
  for (let partition = 0; partition < 10; partition++)
    for (let index = 0; index < 10; index++) appendValue(producer, 't', partition, `${index}`.padEnd(30))
  const done = { flushed: false }
  const flush = Promise.resolve(producer.flush()).then(() => (done.flushed = true))
  while (!done.flushed) {
    await new Promise(setImmediate)
    open.shift()?.()
  }
  await flush
  expect(cluster.mostInFlight).toBe(5)
  for (let partition = 0; partition < 10; partition++) expect(values(cluster, partition)).toHaveLength(10)
})

test('a partition whose leader moved is sent to the new one', async () => {
  const cluster = new ScriptedCluster({ produce: ([batch]) => (batch!.broker === 1 ? NOT_LEADER : 0) })
  const producer = new KafkaProducer(cluster, new CountingSession())
  cluster.onRefresh = () => {
    if (cluster.sent.length > 0) cluster.leader = 2
  }
  appendValue(producer, 't', 0, 'a')
  await producer.flush()
  expect(cluster.sent.at(-1)!.broker).toBe(2)
  expect(values(cluster)).toEqual(['a'])
})

test('a partition without leader is waited for', async () => {
  const cluster = new ScriptedCluster({})
  cluster.leader = -1
  cluster.onRefresh = () => {
    if (cluster.refreshes === 4) cluster.leader = 3
  }
  const producer = new KafkaProducer(cluster, new CountingSession())
  appendValue(producer, 't', 0, 'a')
  await producer.flush()
  expect(cluster.sent.map(({ broker }) => broker)).toEqual([3])
})

describe('a broker that lost count of the sequence numbers', () => {
  test.each([OUT_OF_ORDER, UNKNOWN_PRODUCER])(
    '(error %i) gets the batch under a new identity, from sequence 0 on',
    async (code) => {
      const cluster = new ScriptedCluster({ produce: (_, request) => (request === 2 ? code : 0) })
      const producer = new KafkaProducer(cluster, new CountingSession())
      for (const value of ['a', 'b', 'c', 'd']) {
        appendValue(producer, 't', 0, value)
        await producer.flush()
      }
      expect(cluster.sent.map(({ producerId, sequence }) => [producerId, sequence])).toEqual([
        [100, 0],
        [100, 1],
        [100, 2],
        [101, 0],
        [101, 1],
      ])
      expect(values(cluster)).toEqual(['a', 'b', 'c', 'd'])
    },
  )

  test('leaves other partitions their identity', async () => {
    const cluster = new ScriptedCluster({ produce: (_, request) => (request === 1 ? OUT_OF_ORDER : 0) })
    const producer = new KafkaProducer(cluster, new CountingSession())
    appendValue(producer, 't', 1, 'first')
    await producer.flush()
    appendValue(producer, 't', 0, 'a')
    await producer.flush()
    appendValue(producer, 't', 1, 'second')
    await producer.flush()
    expect(cluster.log.map(({ partition, producerId, sequence }) => [partition, producerId, sequence])).toEqual([
      [1, 100, 0],
      [0, 101, 0],
      [1, 100, 1],
    ])
  })

  test('ends a producer that may not change its identity', async () => {
    const cluster = new ScriptedCluster({ produce: () => OUT_OF_ORDER })
    const producer = new KafkaProducer(cluster, new CountingSession(false))
    appendValue(producer, 't', 0, 'a')
    await expect(producer.flush()).rejects.toMatchObject({
      code: 'MR_PRODUCE',
      apiName: 'OUT_OF_ORDER_SEQUENCE_NUMBER',
      topic: 't',
      partition: 0,
    })
  })
})

test('a batch that is too large is split until it fits, with the sequence numbers it had', async () => {
  const cluster = new ScriptedCluster({
    produce: (batches) => (batches.some((batch) => batch.values.length > 3) ? MESSAGE_TOO_LARGE : 0),
  })
  const producer = new KafkaProducer(cluster, new CountingSession(), { compression: 'zstd' })
  for (let index = 0; index < 20; index++) appendValue(producer, 't', 0, `${index}`)
  await producer.flush()
  expect(values(cluster)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`))
})

test('errors that may pass are repeated until the delivery timeout', async () => {
  const cluster = new ScriptedCluster({ produce: () => NOT_ENOUGH_REPLICAS })
  const producer = new KafkaProducer(cluster, new CountingSession(), { deliveryTimeout: 30 })
  appendValue(producer, 't', 0, 'a')
  await expect(producer.flush()).rejects.toMatchObject({
    code: 'MR_PRODUCE',
    apiName: 'NOT_ENOUGH_REPLICAS',
    topic: 't',
    partition: 0,
  })
  expect(cluster.sent.length).toBeGreaterThan(1)
})

test('after an error that ends it nothing more is sent, not even after responses under way', async () => {
  let release: () => void = () => undefined
  const cluster = new ScriptedCluster({
    produce: async ([batch], request) => {
      if (request === 1) await new Promise<void>((resolve) => (release = resolve))
      return batch!.values.includes('refused') ? TOPIC_AUTHORIZATION_FAILED : 0
    },
  })
  const producer = new KafkaProducer(cluster, new CountingSession())
  appendValue(producer, 't', 0, 'fine')
  await producer.flush()
  appendValue(producer, 't', 1, 'slow')
  const slow = producer.flush()
  appendValue(producer, 't', 2, 'refused')
  appendValue(producer, 't', 3, 'never')
  await expect(producer.flush()).rejects.toMatchObject({
    code: 'MR_PRODUCE',
    apiName: 'TOPIC_AUTHORIZATION_FAILED',
    partition: 2,
  })
  await expect(slow).rejects.toMatchObject({ partition: 2 })
  const sent = cluster.sent.length
  const discarded = producer.discard()
  release()
  await discarded
  expect(cluster.inFlight).toBe(0)
  appendValue(producer, 't', 1, 'again')
  await producer.flush()
  expect(cluster.sent.slice(sent).map((batch) => [batch.producerId, batch.sequence, ...batch.values])).toEqual([
    [101, 0, 'again'],
  ])
})

test('sequence numbers go on at 0 after 2^31 - 1', () => {
  expect(sequenceAfter(2 ** 31 - 2, 1)).toBe(2 ** 31 - 1)
  expect(sequenceAfter(2 ** 31 - 1, 1)).toBe(0)
  expect(sequenceAfter(2 ** 31 - 1, 10)).toBe(9)
})

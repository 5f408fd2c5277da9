import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest'
import { Cluster } from '../../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../../src/kafka/cluster/connection-options.ts'
import { kafka } from '../../../src/kafka/index.ts'
import { TransactionRequests } from '../../../src/kafka/transaction/transaction-requests.ts'
import type { KafkaOptions } from '../../../src/kafka/index.ts'
import type { Log, LogClient } from '../../../src/log/log.ts'
import { clientOptions, until } from '../../log/log-harness.ts'
import { startBroker, uniqueName } from '../broker/index.ts'
import type { PrivateBroker } from '../broker/index.ts'
import { freePort } from '../broker/jvm-broker.ts'
import { FaultyProxy } from '../faulty-proxy.ts'
import { committedValues, newTopic, offsetOf, offsetsOf, openClient, write } from './transaction-harness.ts'

const CREATE_PARTITIONS = 37
const api = { produce: 0, initProducerId: 22, addPartitions: 24, addOffsets: 25, endTxn: 26, txnOffsetCommit: 28 }

let broker: PrivateBroker
let proxy: FaultyProxy
let log: Log
let direct: Cluster
let brokers: string

beforeAll(async () => {
  const [proxyPort, directPort] = [await freePort(), await freePort()]
  // A client gets the advertised address of the listener it uses: through the proxy, or past it.
  broker = await startBroker({
    listener: { protocol: 'PLAINTEXT', port: directPort },
    config: {
      // The broker writes the markers of transactions over a connection to itself.
      'inter.broker.listener.name': 'EXTRA',
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxyPort},EXTRA://127.0.0.1:${directPort}`,
    },
  })
  proxy = await FaultyProxy.listen(proxyPort, () => Number(broker.brokers.split(':')[1]))
  brokers = `127.0.0.1:${proxyPort}`
  log = kafka({ brokers })
  direct = new Cluster(clusterOptions({ brokers: `127.0.0.1:${directPort}` }))
})

afterAll(async () => {
  await log.close()
  await direct.close()
  await proxy.close()
  await broker.stop()
})

afterEach(() => proxy.restore())

function requestsOf(group: string): TransactionRequests {
  return new TransactionRequests(direct, clientOptions(group, 1, []).transactionalId)
}

test('partitions that were made although the answer was lost are made: the request is not refused', async () => {
  const topic = await newTopic(log)
  const { partitions = 0 } = (await log.describeTopics([topic])).get(topic) ?? {}
  const before = proxy.lost
  proxy.loseReplyTo(CREATE_PARTITIONS)
  await log.createPartitions(topic, partitions + 1)
  expect(proxy.lost).toBe(before + 1)
  await expect(async () => log.createPartitions(topic, partitions + 1)).rejects.toMatchObject({
    code: 'MR_TOPIC_INVALID',
  })
})

describe('a lost answer to', () => {
  it.each(Object.entries(api).filter(([name]) => name !== 'initProducerId'))(
    '%s does no harm: the transaction is committed, every record once',
    async (_name, key) => {
      const [topic, input] = [await newTopic(log), await newTopic(log)]
      const client = await openClient(log)
      const expected: string[] = []
      for (let round = 1; round <= 4; round++) {
        const lost = proxy.lost
        if (round === 2 || round === 3) proxy.loseReplyTo(key)
        const values = [`${round}-a`, `${round}-b`]
        for (const value of values) await write(client, topic, value)
        expect(await client.commit(offsetsOf(input, round))).toBe('committed')
        expect(proxy.lost - lost).toBe(round === 2 || round === 3 ? 1 : 0)
        expected.push(...values)
      }
      expect(await committedValues(log, topic)).toEqual(expected)
      expect(await offsetOf(client, input)).toBe(4)
      expect(client.producer.lastOffset(topic, 0)).toBeGreaterThanOrEqual(10)
      await client.close()
    },
  )

  it('the request for a producer id does no harm, at the start and after an abort', async () => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    proxy.loseReplyTo(api.initProducerId)
    const client = await openClient(log)
    expect(proxy.lost).toBeGreaterThan(0)
    await write(client, topic, 'aborted')
    proxy.loseReplyTo(api.initProducerId)
    await client.abort()
    await write(client, topic, 'committed')
    expect(await client.commit(offsetsOf(input, 1))).toBe('committed')
    expect(await committedValues(log, topic)).toEqual(['committed'])
    await client.close()
  })

  it('an abort does no harm', async () => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    const client = await openClient(log)
    await write(client, topic, 'aborted')
    proxy.loseReplyTo(api.endTxn)
    await client.abort()
    await write(client, topic, 'committed')
    expect(await client.commit(offsetsOf(input, 1))).toBe('committed')
    expect(await committedValues(log, topic)).toEqual(['committed'])
    await client.close()
  })
})

describe('a commit without an answer', () => {
  const impatient: Partial<KafkaOptions> = { apiTimeout: 500, transactionTimeout: 60_000 }

  async function cutOff(group: string, topic: string, input: string, at: number): Promise<[LogClient, unknown, Log]> {
    const its = kafka({ brokers, ...impatient })
    const client = await openClient(its, group)
    await write(client, topic, 'in doubt')
    proxy.loseReplyTo(at, () => proxy.cut())
    const outcome = await client.commit(offsetsOf(input, 1))
    return [client, outcome, its]
  }

  it('is unknown, and afterwards the state of the log counts', async () => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    const group = uniqueName('group')
    const [client, outcome, its] = await cutOff(group, topic, input, api.endTxn)
    expect(outcome).toBe('unknown')
    await client.abort()
    await until('the end of the transaction', async () =>
      (await requestsOf(group).describe()).state === 'CompleteCommit' ? true : undefined,
    )
    proxy.restore()
    expect(await offsetOf(client, input)).toBe(1)
    await write(client, topic, 'next')
    expect(await client.commit(offsetsOf(input, 2))).toBe('committed')
    expect(await committedValues(log, topic)).toEqual(['in doubt', 'next'])
    await its.close()
  })

  it('is certainly aborted if it broke off before the end', async () => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    const group = uniqueName('group')
    const [client, outcome, its] = await cutOff(group, topic, input, api.txnOffsetCommit)
    expect(outcome).toBe('aborted')
    proxy.restore()
    expect(await offsetOf(client, input)).toBeUndefined()
    await write(client, topic, 'next')
    expect(await client.commit(offsetsOf(input, 2))).toBe('committed')
    expect(await committedValues(log, topic)).toEqual(['next'])
    await its.close()
  })

  it('is unknown if another client took over before the answer came, and this one is fenced', async () => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    const group = uniqueName('group')
    const its = kafka({ brokers, apiTimeout: 20_000, transactionTimeout: 60_000 })
    const client = await openClient(its, group)
    await write(client, topic, 'committed')
    const lost = new Promise<void>((resolve) => {
      proxy.loseReplyTo(api.endTxn, () => {
        proxy.cut()
        resolve()
      })
    })
    const committing = client.commit(offsetsOf(input, 1))
    await lost
    await requestsOf(group).initProducerId()
    proxy.restore()
    expect(await committing).toBe('unknown')
    await client.abort()
    await expect(client.commit(offsetsOf(input, 2))).rejects.toMatchObject({ code: 'MR_FENCED' })
    expect(await committedValues(log, topic)).toEqual(['committed'])
    await its.close()
  })
})

// The controller accepts a broker that was killed only when its session has ended.
describe('a restart of the broker', { timeout: 90_000 }, () => {
  it.each(['shutDown', 'kill'] as const)('by %s in the middle of a transaction does not end it', async (how) => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    const patient = kafka({ brokers, transactionTimeout: 120_000 })
    const client = await openClient(patient)
    await write(client, topic, 'before')
    expect(await client.commit(offsetsOf(input, 1))).toBe('committed')
    await write(client, topic, 'spanning')
    await broker[how]()
    const committing = client.commit(offsetsOf(input, 2))
    await broker.start()
    expect(await committing).toBe('committed')
    await write(client, topic, 'after')
    expect(await client.commit(offsetsOf(input, 3))).toBe('committed')
    expect(await committedValues(log, topic)).toEqual(['before', 'spanning', 'after'])
    expect(await offsetOf(client, input)).toBe(3)
    await patient.close()
  })

  it('that takes longer than the transaction timeout costs the transaction, not the client', async () => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    const hasty = kafka({ brokers, transactionTimeout: 1000 })
    const group = uniqueName('group')
    const client = await openClient(hasty, group)
    await write(client, topic, 'lost')
    await broker.shutDown()
    await broker.start()
    await until('the abort', async () =>
      (await requestsOf(group).describe()).state === 'CompleteAbort' ? true : undefined,
    )
    await write(client, topic, 'lost, too')
    expect(await client.commit(offsetsOf(input, 1))).toBe('aborted')
    await write(client, topic, 'redone')
    expect(await client.commit(offsetsOf(input, 1))).toBe('committed')
    expect(await committedValues(log, topic)).toEqual(['redone'])
    await hasty.close()
  })
})

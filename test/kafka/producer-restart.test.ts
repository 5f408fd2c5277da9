import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBroker } from './broker/index.ts'
import type { PrivateBroker } from './broker/index.ts'
import { RecordPath, appendValue, readTo } from './record-path.ts'

let broker: PrivateBroker
let path: RecordPath

beforeAll(async () => {
  broker = await startBroker()
  path = new RecordPath({ brokers: broker.brokers, requestTimeout: 5000 })
})

afterAll(async () => {
  await path.close()
  await broker.stop()
})

test('no record is lost, doubled or out of order over restarts of the broker, orderly and not', async () => {
  const topic = await path.topic(2)
  const producer = path.producer({ batchBytes: 5000 })
  const reader = path.fetcher()
  for (const partition of [0, 1]) reader.assign(topic, partition, 0)
  const count = 30_000
  const reading = readTo(reader, [
    [topic, 0, count / 2],
    [topic, 1, count / 2],
  ])
  // A broker that takes over a partition forgets producers with records older than `producer.id.expiration.ms` (a day).
  let restarted: Promise<void> = Promise.resolve()
  for (let index = 0; index < count; index++) {
    appendValue(producer, topic, index % 2, `${index}`.padEnd(100), Date.now())
    if (index % 100 === 0) await new Promise(setImmediate)
    if (index === 10_000) restarted = broker.shutDown().then(() => broker.start())
    if (index === 20_000) {
      await restarted
      await producer.flush()
      restarted = broker.kill().then(() => broker.start())
    }
  }
  await restarted
  await producer.flush()
  const read = await reading
  for (const partition of [0, 1]) {
    const values = read.get(`${topic}-${partition}`)!.map(({ value }) => Number(value))
    expect(values).toEqual(Array.from({ length: count / 2 }, (_, index) => index * 2 + partition))
  }
}, 90_000)

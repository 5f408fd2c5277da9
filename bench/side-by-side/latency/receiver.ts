/**
 * Reads a topic as its records arrive, in a process of its own, and says how long each took from when it was sent. The
 * environment says what to do: BOOTSTRAP, TOPIC, RECORDS (how many will come), WARM_UP (ms from the first one sent;
 * what is sent in it does not count). Says READY, and at the end LATENCY with percentiles as JSON. Waits for the
 * broker's answers (a fetch of at least one byte) and reads committed records only, which without transactions are all.
 */
import { json, readTopic, string, topic } from '../../../src/index.ts'
import { kafka } from '../../../src/kafka/index.ts'
import { percentiles } from './percentiles.ts'
import { machineTime, sentTime } from './sent-time.ts'

const { env } = process
const records = Number(env['RECORDS'])
const warmUp = Number(env['WARM_UP'])
const log = kafka({ brokers: env['BOOTSTRAP'] ?? '' })
const sent = new Float64Array(records)
const taken = new Float64Array(records)
let received = 0
process.stdout.write('READY\n')
for await (const { headers } of readTopic(log, topic(env['TOPIC'] ?? '', { key: string(), value: json() }))) {
  const now = machineTime()
  const time = sentTime(headers)
  sent[received] = time
  taken[received] = now - time
  if (++received === records) break
}
await log.close()
const begin = sent.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY) + warmUp
process.stdout.write(`LATENCY ${JSON.stringify(percentiles(taken.filter((_, i) => (sent[i] ?? 0) >= begin)))}\n`)

/**
 * Records per second and CPU of one stream thread: W2 (totals of 10,000 accounts) and the payments example, on the
 * memory log, the embedded log and, with BOOTSTRAP=host:port, on Kafka. Reports; asserts nothing but that the totals
 * are right. CPU is that of the whole process from the start of the application to its close, a Kafka broker's
 * excepted.
 *
 * How much a commit has to write per record depends on how many records were processed since the last one. On a machine
 * that does other work at the same time, `--cpu-clock` gives the figures of a free core: commit intervals are then
 * measured in the process's own CPU time. With `--scrape` metrics are read once a second, which also has nodes timed.
 *
 *     npm run bench:core -- [--records N] [--only w2|payments] [--log memory|embedded|kafka] [--cpu-clock] [--scrape]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  chooseEngine,
  defineApp,
  embeddedLog,
  json,
  memoryEngine,
  memoryLog,
  string,
  Streams,
  topic,
  type Application,
  type Log,
} from 'millrace'
import { kafka } from 'millrace/kafka'
import type { PartitionMap } from '../src/log/log.ts'
import { exposition } from '../src/metrics/exposition.ts'
import { systemClock, type Clock } from '../src/platform/clock.ts'
import { partitionForKey } from '../src/record/murmur2.ts'
import { RecordSlice } from '../src/record/record-slice.ts'
import { keepBooks } from '../examples/payments/app.ts'
import { expectedTotals, paymentGenerator } from '../examples/payments/generator.ts'
import { accounts as accountTotals, payments } from '../examples/payments/topics.ts'

const PARTITIONS = 4
const W2_ACCOUNTS = 10_000
const BASE_TIME = 1_700_000_000_000

const { values: options } = parseArgs({
  options: {
    records: { type: 'string', default: '500000' },
    only: { type: 'string' },
    log: { type: 'string' },
    'cpu-clock': { type: 'boolean', default: false },
    scrape: { type: 'boolean', default: false },
  },
})
const RECORDS = Number(options.records)

const started = Date.now()
const cpuClock: Clock = {
  now: () => started + cpuClock.monotonic(),
  monotonic: () => {
    const { user, system } = process.cpuUsage()
    return Math.floor((user + system) / 1000)
  },
  schedule: (ms, callback) => systemClock.schedule(ms, callback),
}
const clock = options['cpu-clock'] ? cpuClock : systemClock

interface W2Payment {
  readonly id: string
  readonly account: string
  readonly amount: number
}
interface W2Total {
  readonly count: number
  readonly sum: number
}

const w2Input = topic('w2-payments', { key: string(), value: json<W2Payment>() })
const w2Output = topic('w2-totals', { key: string(), value: json<W2Total>() })

const w2 = defineApp({
  id: 'bench-w2',
  build: (builder) => {
    builder
      .stream(w2Input)
      .groupByKey()
      .aggregate(
        (): W2Total => ({ count: 0, sum: 0 }),
        (total, payment) => ({ count: total.count + 1, sum: total.sum + payment.amount }),
        { store: 'acc', value: json<W2Total>() },
      )
      .toStream()
      .to(w2Output)
  },
})

/** A cheap hash: record i is a function of i alone. */
function hash(i: number, salt: number): number {
  let x = Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d)
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39)
  return (x ^ (x >>> 15)) >>> 0
}

interface Workload {
  readonly name: string
  readonly app: Application
  readonly input: string
  readonly outputs: readonly string[]
  /** Records that all tasks process for one record of the input: those of repartition topics, too. */
  readonly steps: number
  record(i: number): { key: string; value: string; timestamp: number }
  /** Reads the last value of every key and compares it with the generator's own sums. */
  verify(last: ReadonlyMap<string, string>): boolean
  readonly verified: string
}

const w2Workload: Workload = {
  name: 'W2, 10 k accounts',
  app: w2,
  input: w2Input.name,
  outputs: [w2Output.name],
  steps: 1,
  record: (i) => {
    const account = `acct-${hash(i, 11) % W2_ACCOUNTS}`
    const amount = 1 + (hash(i, 12) % 100_000)
    const value =
      `{"id":"pay-${1_000_000 + i}","account":"${account}","amount":${amount},"currency":"EUR",` +
      `"merchant":"m-${hash(i, 13) % 5000}","kind":"card","ts":${BASE_TIME + i}}`
    return { key: account, value, timestamp: BASE_TIME + i }
  },
  verified: w2Output.name,
  verify: (last) => {
    const expected = new Map<string, W2Total>()
    for (let i = 0; i < RECORDS; i++) {
      const account = `acct-${hash(i, 11) % W2_ACCOUNTS}`
      const old = expected.get(account) ?? { count: 0, sum: 0 }
      expected.set(account, { count: old.count + 1, sum: old.sum + 1 + (hash(i, 12) % 100_000) })
    }
    return sameTotals(expected, last)
  },
}

const bank = { seed: 7, accounts: 10_000 }
const generator = paymentGenerator(bank)

/** The payments example without the service that it calls. */
const paymentsApp = defineApp({
  id: 'payments',
  guarantee: 'exactly_once',
  build: (builder) => keepBooks(builder.stream(payments)),
})

const paymentsWorkload: Workload = {
  name: 'payments example',
  app: paymentsApp,
  input: generator.topic.name,
  outputs: ['account-totals', 'payment-volume', 'fraud-alerts'],
  // The payment, its two bookings, and its part of the volume.
  steps: 4,
  record: (i) => {
    const { key, value, timestamp } = generator.record(i)
    return { key, value: JSON.stringify(value), timestamp }
  },
  verified: accountTotals.name,
  verify: (last) => sameTotals(expectedTotals(bank, RECORDS), last),
}

function sameTotals(expected: ReadonlyMap<string, unknown>, found: ReadonlyMap<string, string>): boolean {
  if (expected.size !== found.size) return false
  for (const [key, total] of expected) if (JSON.stringify(total) !== found.get(key)) return false
  return true
}

async function fill(log: Log, workload: Workload): Promise<void> {
  const all = [workload.input, ...workload.outputs]
  await log.createTopics(all.map((name) => ({ name, partitions: PARTITIONS, configs: { 'retention.ms': '-1' } })))
  let there = 0
  for (const [, , end] of (await log.listOffsets(partitionsOf(workload.input), 'latest')).entries()) there += end
  if (there === RECORDS) return
  if (there > 0)
    throw new Error(`the topic ${workload.input} holds ${there} records: use --records ${there}, or a new broker`)
  const producer = log.openProducer()
  const partitions = await producer.loadPartitionCount(workload.input)
  const slice = new RecordSlice()
  const buffer = (slice.buffer = Buffer.alloc(4096))
  for (let i = 0; i < RECORDS; i++) {
    const { key, value, timestamp } = workload.record(i)
    const keyEnd = buffer.write(key, 0)
    const valueEnd = keyEnd + buffer.write(value, keyEnd)
    const partition = partitionForKey(buffer, 0, keyEnd, partitions)
    slice.timestamp = timestamp
    slice.setKey(0, keyEnd)
    slice.setValue(keyEnd, valueEnd)
    producer.append(workload.input, partition, slice)
    if (i % 20_000 === 0) await producer.flush()
  }
  await producer.flush()
  await producer.close()
}

function partitionsOf(topic: string): { topic: string; partition: number }[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }))
}

/** By key, of what was written behind `starts`. */
async function lastValues(log: Log, name: string, starts: PartitionMap<number>): Promise<Map<string, string>> {
  const reader = log.openReader()
  const partitions = partitionsOf(name)
  const ends = await log.listOffsets(partitions, 'latest')
  for (const { partition } of partitions) reader.assign(name, partition, starts.get(name, partition) ?? 0)
  const last = new Map<string, string>()
  const behind = (): boolean =>
    partitions.some(({ partition }) => (reader.position(name, partition) ?? 0) < (ends.get(name, partition) ?? 0))
  while (behind()) {
    reader.poll((_topic, _partition, cursor) => {
      while (cursor.next()) {
        const key = cursor.buffer.toString('utf8', cursor.keyStart, cursor.keyEnd)
        last.set(key, cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd))
      }
    })
    await new Promise((resolve) => setImmediate(resolve))
  }
  await reader.close()
  return last
}

async function drained(streams: Streams, processed: number): Promise<void> {
  while (streams.status().processed < processed) {
    if (streams.state === 'error') return await streams.closed
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function measure(workload: Workload, place: 'memory' | 'embedded' | 'kafka'): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  const id = `${workload.app.id}-${process.pid}-${Date.now()}`
  const log: Log =
    place === 'memory'
      ? memoryLog()
      : place === 'embedded'
        ? await embeddedLog({ directory: join(directory, 'log') })
        : kafka({ brokers: process.env['BOOTSTRAP'] ?? '' })
  try {
    await fill(log, workload)
    const engine = place === 'memory' ? memoryEngine : (await chooseEngine()).factory
    const app: Application = {
      ...workload.app,
      id,
      settings: workload.app.settings,
      topology: () => workload.app.topology(),
    }
    const before = await log.listOffsets(partitionsOf(workload.verified), 'latest')
    globalThis.gc?.()
    const started = performance.now()
    const cpu = process.cpuUsage()
    const streams = await Streams.start(app, { log, engine, stateDirectory: join(directory, 'state'), clock })
    const scrapes = options.scrape
      ? setInterval(() => [...exposition(streams.metrics(), 'prometheus')], 1000)
      : undefined
    await drained(streams, workload.steps * RECORDS)
    clearInterval(scrapes)
    await streams.close()
    const seconds = (performance.now() - started) / 1000
    const used = process.cpuUsage(cpu)
    const right = workload.verify(await lastValues(log, workload.verified, before))
    const perRecord = (used.user + used.system) / RECORDS
    console.log(
      `${workload.name.padEnd(20)} ${place.padEnd(9)} ` +
        `${String(Math.round(RECORDS / seconds / 1000)).padStart(5)} k records/s  ` +
        `${perRecord.toFixed(2).padStart(6)} µs CPU a record  ${Math.round(process.memoryUsage.rss() / 1e6)} MB  ` +
        (right ? 'totals right' : 'TOTALS WRONG'),
    )
    if (!right) process.exitCode = 1
  } finally {
    await log.close()
    await rm(directory, { recursive: true, force: true })
  }
}

for (const place of ['memory', 'embedded', 'kafka'] as const) {
  if (options.log !== undefined && options.log !== place) continue
  if (place === 'kafka' && process.env['BOOTSTRAP'] === undefined) continue
  for (const workload of [w2Workload, paymentsWorkload]) {
    if (options.only !== undefined && !workload.name.toLowerCase().startsWith(options.only)) continue
    await measure(workload, place)
  }
}

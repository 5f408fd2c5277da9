import { defineApp, json, string, topic, type Application, type Log } from 'millrace'
import { partitionForKey } from '../../src/record/murmur2.ts'
import { RecordSlice } from '../../src/record/record-slice.ts'
import { keepBooks } from '../../examples/payments/app.ts'
import { expectedTotals, paymentGenerator } from '../../examples/payments/generator.ts'
import { accounts as accountTotals, payments } from '../../examples/payments/topics.ts'

const PARTITIONS = 4
const W2_ACCOUNTS = 10_000
const BASE_TIME = 1_700_000_000_000

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

export interface Workload {
  readonly name: string
  readonly app: Application
  readonly input: string
  readonly outputs: readonly string[]
  /** Records that all tasks process for one record of the input: those of repartition topics, too. */
  readonly steps: number
  record(i: number): { key: string; value: string; timestamp: number }
  /** Compares the last value of every key with the generator's own sums of so many records. */
  verify(last: ReadonlyMap<string, string>, records: number): boolean
  readonly verified: string
}

export const w2Workload: Workload = {
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
  verify: (last, records) => {
    const expected = new Map<string, W2Total>()
    for (let i = 0; i < records; i++) {
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

export const paymentsWorkload: Workload = {
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
  verify: (last, records) => sameTotals(expectedTotals(bank, records), last),
}

/** By the names that options have for them. */
export const WORKLOADS = { w2: w2Workload, payments: paymentsWorkload } as const
export type WorkloadName = keyof typeof WORKLOADS

function sameTotals(expected: ReadonlyMap<string, unknown>, found: ReadonlyMap<string, string>): boolean {
  if (expected.size !== found.size) return false
  for (const [key, total] of expected) if (JSON.stringify(total) !== found.get(key)) return false
  return true
}

/** Makes the topics of a workload, with this many records of input. What is there already is used. */
export async function fill(log: Log, workload: Workload, records: number): Promise<void> {
  const all = [workload.input, ...workload.outputs]
  await log.createTopics(all.map((name) => ({ name, partitions: PARTITIONS, configs: { 'retention.ms': '-1' } })))
  let there = 0
  for (const [, , end] of (await log.listOffsets(partitionsOf(workload.input), 'latest')).entries()) there += end
  if (there === records) return
  if (there > 0)
    throw new Error(`the topic ${workload.input} holds ${there} records: use --records ${there}, or a new broker`)
  const producer = log.openProducer()
  const partitions = await producer.loadPartitionCount(workload.input)
  const slice = new RecordSlice()
  const buffer = (slice.buffer = Buffer.alloc(4096))
  for (let i = 0; i < records; i++) {
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

export function partitionsOf(topic: string): { topic: string; partition: number }[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }))
}

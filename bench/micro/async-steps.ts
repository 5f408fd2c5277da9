/**
 * What a call of an asynchronous step costs, and how many of 1 ms run on one thread.
 *
 *     node --conditions=millrace-source bench/micro/async-steps.ts [--records 300000] [--rounds 5] [--only mapValues]
 *
 * A record is read as JSON, goes through `mapValues` or a step, and is written as JSON, on the memory log. Cost is CPU
 * time a record, the least of the rounds; forms take turns, so that they share the machine's weather.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { defineApp, json, memoryEngine, memoryLog, string, Streams, topic, TopicWriter } from '../../src/index.ts'
import type { KStream } from '../../src/index.ts'

const { values: options } = parseArgs({
  options: {
    records: { type: 'string', default: '300000' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
  },
})
const RECORDS = Number(options.records)
const ROUNDS = Number(options.rounds)

interface Payment {
  readonly id: string
  readonly account: string
  readonly amount: number
  readonly at: number
}

const input = topic('in', { key: string(), value: json<Payment>() })
const output = topic('out', { key: string(), value: json<Payment>() })
const score = (payment: Payment): Payment => ({ ...payment, amount: payment.amount + 1 })

type Step = (stream: KStream<string, Payment>) => KStream<string, Payment>

const FORMS: Readonly<Record<string, Step>> = {
  mapValues: (stream) => stream.mapValues(score),
  'a call without a promise': (stream) => stream.mapValuesAsync(score, { store: 'step' }),
  'a promise that is there': (stream) =>
    stream.mapValuesAsync((payment) => Promise.resolve(score(payment)), { store: 'step' }),
  'an async function': (stream) => stream.mapValuesAsync(async (payment) => score(payment), { store: 'step' }),
}

async function run(step: Step, records: number): Promise<{ readonly cpu: number; readonly rate: number }> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-async-'))
  const log = memoryLog()
  await log.createTopics(['in', 'out'].map((name) => ({ name, partitions: 1 })))
  {
    await using writer = await TopicWriter.open(log, input)
    for (let i = 0; i < records; i++) {
      writer.write(`k${i % 1000}`, { id: `p${i}`, account: `a${i % 1000}`, amount: i % 100, at: i }, { timestamp: i })
    }
  }
  let seen = 0
  const app = defineApp({
    id: 'bench',
    commitInterval: 60_000,
    build: (builder) =>
      step(builder.stream(input))
        .peek(() => void seen++)
        .to(output),
  })
  const before = process.cpuUsage()
  const start = performance.now()
  const streams = await Streams.start(app, { log, stateDirectory: directory, engine: memoryEngine })
  while (seen < records) await new Promise((resolve) => setTimeout(resolve, 5))
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(before)
  await streams.close()
  await log.close()
  await rm(directory, { recursive: true })
  return { cpu: (user + system) / records, rate: records / seconds / 1000 }
}

const least = new Map<string, number>()
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, step] of Object.entries(FORMS)) {
    if (options.only !== undefined && options.only !== name) continue
    const { cpu } = await run(step, RECORDS)
    // The first round warms up.
    if (round > 0) least.set(name, Math.min(least.get(name) ?? Infinity, cpu))
  }
}
const base = least.get('mapValues') ?? Number.NaN
for (const [name, cpu] of least) console.log(`${name.padEnd(28)} ${cpu.toFixed(2)} µs  ${(cpu / base).toFixed(2)}`)

const waiting: Step = (stream) =>
  stream.mapValuesAsync((payment) => new Promise<Payment>((resolve) => setTimeout(() => resolve(score(payment)), 1)), {
    store: 'step',
    concurrency: 64,
    sameKey: 'concurrent',
  })
for (let round = 0; round < 3 && options.only === undefined; round++) {
  console.log(`calls of 1 ms, 64 at a time      ${(await run(waiting, 100_000)).rate.toFixed(1)} k/s`)
}

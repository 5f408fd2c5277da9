/**
 * What it costs to look whether the results of user functions are promises: nanoseconds of CPU a look, and a record of
 * W1 to W5 on the memory log. Two versions of the code are compared by running this in each of them, in turn.
 *
 *     node --conditions=millrace-source bench/micro/callbacks.ts [--records 200000] [--only w1]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { json, memoryEngine, memoryLog, string, Streams, topic, TopicWriter } from '../../src/index.ts'
import { isThenable } from '../../src/platform/thenable.ts'
import { benchApp } from '../side-by-side/rig/app.ts'

const { values: options } = parseArgs({
  options: { records: { type: 'string', default: '200000' }, only: { type: 'string' } },
})
const RECORDS = Number(options.records)
const ROUNDS = 7
const START = 1_700_000_000_000

function cpu(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}

/** Objects of so many shapes; one property each differs in its name. */
function shapes(count: number): object[] {
  return Array.from({ length: 1024 }, (_, i) => JSON.parse(`{"id":${i},"at":"x","field${i % count}":1}`) as object)
}

let found = 0

function looks(values: readonly unknown[]): number {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = cpu()
    for (let i = 0; i < 20_000; i++) {
      for (let j = 0; j < 1024; j++) {
        const value = values[j]
        if (typeof value === 'object' && isThenable(value)) found++
      }
    }
    times.push((cpu() - start) / 20_000 / 1024)
  }
  return times.sort((a, b) => a - b)[ROUNDS >> 1]!
}

const record = (i: number): object => ({
  ...{ truck: `t${i % 1000}`, driver: `d${i % 700}`, ts: START + i, lat: 50 + (i % 90), lon: i % 90, speed: i % 120 },
  ...{ id: `p${i}`, account: `a${i % 1000}`, amount: i % 1000 },
})

async function workload(name: string): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-callbacks-'))
  const log = memoryLog()
  const input = topic('in', { key: string(), value: json<object>() })
  const vehicles = topic('vehicles', { key: string(), value: json<object>() })
  await log.createTopics(['in', 'out', 'vehicles'].map((topicName) => ({ name: topicName, partitions: 1 })))
  {
    await using rows = await TopicWriter.open(log, vehicles)
    for (let i = 0; i < 1000; i++) rows.write(`t${i}`, { fleet: 'f', capacity: i }, { timestamp: START })
    await using writer = await TopicWriter.open(log, input)
    for (let i = 0; i < RECORDS; i++) writer.write(`t${i % 1000}`, record(i), { timestamp: START + i })
  }
  let seen = 0
  const app = benchApp({
    ...{ id: 'bench', workload: name, exactlyOnce: false, commitInterval: 60_000, cacheBytes: 0 },
    ...{ input: 'in', output: 'out', table: 'vehicles', tick: () => void seen++ },
  })
  const start = cpu()
  const streams = await Streams.start(app, { log, stateDirectory: directory, engine: memoryEngine })
  while (seen < RECORDS) await new Promise((resolve) => setTimeout(resolve, 5))
  await streams.close()
  const spent = (cpu() - start) / RECORDS
  await log.close()
  await rm(directory, { recursive: true })
  return spent
}

if (options.only === undefined) {
  const rows: [string, readonly unknown[]][] = [
    ['numbers', Array.from({ length: 1024 }, (_, i) => i)],
    ['objects of 1 shape', shapes(1)],
    ['objects of 4 shapes', shapes(4)],
    ['objects of 64 shapes', shapes(64)],
  ]
  for (const [name, values] of rows) console.log(`${name.padEnd(24)} ${looks(values).toFixed(2)} ns a look`)
  if (found > 0) throw new Error('there are no promises among them')
}
for (const name of ['w1', 'w2', 'w3', 'w4', 'w5']) {
  if (options.only !== undefined && options.only !== name) continue
  await workload(name)
  const spent: number[] = []
  for (let round = 0; round < 3; round++) spent.push(await workload(name))
  console.log(`${name.padEnd(24)} ${Math.min(...spent).toFixed(0)} ns of CPU a record`)
}

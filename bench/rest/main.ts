/**
 * The rate at which topics are written and read over HTTP, beside that of `TopicWriter` and `readTopic` in the same
 * process and hour: records of 100 bytes, 100 with each request, by clients in a process of their own. Each round
 * measures all of them, one after the other. Reports; asserts nothing but that every record is there.
 *
 *     npm run bench:rest -- [--log memory|embedded] [--records 200000] [--rounds 3] [--clients 8]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  defineApp,
  embeddedLog,
  json,
  memoryLog,
  readTopic,
  Streams,
  string,
  topic,
  TopicWriter,
  type Log,
} from '../../src/index.ts'
import { serve } from '../../src/server/index.ts'
import { markdownTable } from '../side-by-side/rig/markdown-table.ts'

const { values: options } = parseArgs({
  options: {
    log: { type: 'string', default: 'embedded' },
    records: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '3' },
    clients: { type: 'string', default: '8' },
  },
})
let made = 0
const [records, rounds] = [Number(options.records), Number(options.rounds)]

interface Payment {
  readonly from: string
  readonly to: string
  readonly cents: number
  readonly note: string
}

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-rest-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
const log: Log = options.log === 'memory' ? memoryLog() : await embeddedLog({ directory: join(directory, 'log') })
const words = topic('words', { key: string(), value: string() })
await log.createTopics([words, { name: 'copies' }].map(({ name }) => ({ name, partitions: 1 })))
const app = defineApp({ id: 'bench', build: (builder) => builder.stream(words).to('copies') })
await using streams = await Streams.start(app, { log, stateDirectory: join(directory, 'state') })
await using server = await serve(streams, { listen: 0, auth: 'none' })
const { url } = server.address!

const WAYS = [
  'TopicWriter',
  'POST, JSON',
  'POST, NDJSON',
  'readTopic',
  'GET, pages',
  'GET, NDJSON',
  'GET, events',
] as const
type Way = (typeof WAYS)[number]
const rates = new Map<Way, number[]>(WAYS.map((way) => [way, []]))

for (let round = 0; round < rounds; round++) {
  for (const way of WAYS.slice(0, 3)) {
    const name = await newTopic()
    const took = way === 'TopicWriter' ? await byWriter(name) : await byClients(way, name)
    await check(name)
    rates.get(way)!.push((records / took) * 1000)
  }
  const name = await newTopic()
  await byWriter(name)
  for (const way of WAYS.slice(3)) {
    const took = way === 'readTopic' ? await byReader(name) : await byClients(way, name)
    rates.get(way)!.push((records / took) * 1000)
  }
}

const median = (way: Way): number => rates.get(way)!.toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!
const rows = WAYS.map((way, index) => {
  const share = median(way) / median(index < 3 ? 'TopicWriter' : 'readTopic')
  return [way, Math.round(median(way)).toLocaleString('en-US'), share.toFixed(2)]
})
console.log(markdownTable([`${options.log} log`, 'records/s', 'of TopicWriter, or readTopic'], rows))

async function newTopic(): Promise<string> {
  const name = `payments-${made++}`
  await log.createTopics([{ name, partitions: 4 }])
  return name
}

function typed(name: string) {
  return topic(name, { key: string(), value: json<Payment>() })
}

async function byWriter(name: string): Promise<number> {
  const begun = performance.now()
  await using writer = await TopicWriter.open(log, typed(name))
  for (let i = 0; i < records; i++) {
    writer.write(`account-${i % 10_000}`, { from: `account-${i % 10_000}`, to: 'bob', cents: i, note: 'x'.repeat(40) })
    if (i % 1000 === 999) await writer.flush()
  }
  await writer.flush()
  return performance.now() - begun
}

async function byReader(name: string): Promise<number> {
  const begun = performance.now()
  let seen = 0
  for await (const _record of readTopic(log, typed(name), { until: 'end' })) seen++
  if (seen !== records) throw new Error(`${seen} records were read`)
  return performance.now() - begun
}

async function byClients(way: Way, name: string): Promise<number> {
  const client = spawn(process.execPath, [join(import.meta.dirname, 'client.ts')], {
    env: {
      ...process.env,
      WAY: way,
      URL: `${url}/v1/topics/${name}/records`,
      RECORDS: String(records),
      CLIENTS: options.clients,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  client.stdout.on('data', (part) => (printed += String(part)))
  const [code] = (await once(client, 'exit')) as [number]
  if (code !== 0) throw new Error(`${way} failed`)
  return Number(printed)
}

async function check(name: string): Promise<void> {
  const ends = await log.listOffsets(
    [0, 1, 2, 3].map((partition) => ({ topic: name, partition })),
    'latest',
  )
  const written = [...ends.entries()].reduce((sum, [, , end]) => sum + end, 0)
  if (written !== records) throw new Error(`${written} records were written`)
}

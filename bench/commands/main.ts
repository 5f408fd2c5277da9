import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { embeddedLog, type Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { valueOf, type Job, type Place, type Taken } from './side.ts'

/*
 * Rates of `produce` and `consume` beside those of `TopicWriter` and `readTopic`, in turn, each in a process of its
 * own: `npm run bench:commands -- --records 500000 --rounds 3`, on an embedded log, on one that another process has
 * open, and with `--kafka HOST:PORT` on Kafka.
 */

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '500000' },
    rounds: { type: 'string', default: '3' },
    kafka: { type: 'string' },
  },
})
const records = Number(values.records)
const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))

interface Row {
  readonly name: string
  readonly taken: Taken[]
}

const rows = new Map<string, Row>()

function start(job: Job): ChildProcess {
  const child = fork(join(import.meta.dirname, 'side.ts'), { execArgv: process.execArgv })
  child.send(job)
  return child
}

async function measure(name: string, job: Job): Promise<void> {
  const child = start(job)
  const [taken] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`${name} ended with ${String(code)}`)
    }),
  ])) as [Taken]
  const row = rows.get(name) ?? { name, taken: [] }
  row.taken.push(taken)
  rows.set(name, row)
}

/** Writes the lines that the commands read. */
async function writeLines(file: string, lineOf: (number: number) => string): Promise<void> {
  const stream = createWriteStream(file)
  for (let number = 0; number < records; number++) if (!stream.write(`${lineOf(number)}\n`)) await once(stream, 'drain')
  stream.end()
  await once(stream, 'close')
}

const keyOf = (number: number): string => `account-${number % 10_000}`
const [lines, json, output] = ['lines', 'json', 'output'].map((name) => join(directory, name)) as [
  string,
  string,
  string,
]

/** Makes a topic in a place of its own: what was written before would slow an engine down. */
type MakePlace = (topic: string) => Promise<{ readonly place: Place; end(): Promise<void> }>

async function round(kind: string, make: MakePlace): Promise<void> {
  const name = `bench-${process.hrtime.bigint()}`
  const command = ({ data = '', kafka: brokers }: Place, ...args: readonly string[]): Job => {
    const where = brokers === undefined ? ['--data', data] : ['--kafka', brokers]
    return { do: 'command', args: [...args, ...where], output }
  }
  for (const [what, ...args] of [
    ['produce', lines, '--key-separator', '\t'],
    ['produce --json', json, '--json'],
  ] as const) {
    const topic = `${name}-${args.length}`
    const { place, end } = await make(topic)
    await measure(`${kind}: ${what}`, command(place, 'produce', topic, ...args))
    await end()
  }
  const { place, end } = await make(name)
  await measure(`${kind}: TopicWriter`, { do: 'write', topic: name, records, place })
  await measure(`${kind}: readTopic`, { do: 'read', topic: name, records, place })
  await measure(`${kind}: consume`, command(place, 'consume', name, '-e', '--print-key'))
  await measure(`${kind}: consume --json`, command(place, 'consume', name, '-e', '--json'))
  await end()
}

async function createOn(log: Log, topic: string): Promise<void> {
  await log.createTopics([{ name: topic, partitions: 4 }])
  await log.close()
}

/** @param isHeld true: another process has the log open */
function embedded(isHeld: boolean): MakePlace {
  return async (topic) => {
    const data = mkdtempSync(join(directory, 'data-'))
    await createOn(await embeddedLog({ directory: join(data, 'log') }), topic)
    const holder = isHeld ? start({ do: 'hold', topic: '', records: 0, place: { data } }) : undefined
    if (holder !== undefined) await once(holder, 'message')
    const end = async (): Promise<void> => {
      holder?.kill()
      if (holder !== undefined) await once(holder, 'exit')
      rmSync(data, { recursive: true })
    }
    return { place: { data }, end }
  }
}

function onKafka(brokers: string): MakePlace {
  return async (topic) => {
    await createOn(kafka({ brokers }), topic)
    return { place: { kafka: brokers }, end: async () => {} }
  }
}

try {
  await writeLines(lines, (number) => `${keyOf(number)}\t${valueOf(number)}`)
  await writeLines(json, (number) => `{"key":"${keyOf(number)}","value":${valueOf(number)}}`)
  for (let number = 0; number < Number(values.rounds); number++) {
    await round('embedded', embedded(false))
    await round('through another process', embedded(true))
    if (values.kafka !== undefined) await round('Kafka', onKafka(values.kafka))
  }
  for (const { name, taken } of rows.values()) {
    const best = taken.toSorted((one, other) => one.ms - other.ms)[Math.floor(taken.length / 2)]!
    const memory = Math.max(...taken.map((each) => each.memory))
    const figures = [
      `${Math.round(records / best.ms).toLocaleString('en-US')} k records/s`.padStart(16),
      `${((best.cpuMs * 1000) / records).toFixed(2)} µs CPU a record`.padStart(22),
      `${Math.round(memory / 1e6)} MB`.padStart(8),
    ]
    console.log(name.padEnd(45), ...figures)
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}

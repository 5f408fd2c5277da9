/**
 * The rate at which lines of a file come into a topic, and from a topic into a file, by Kafka Connect 4.3 standalone
 * and by `fileSource` and `fileSink`, in turn, on one broker: from the first line that is there to the last. Processes
 * start before the clock does. Kafka Connect runs with its defaults, at least once; Millrace exactly once. Needs Java
 * 17 and Maven. Reports; asserts nothing but that every line is there.
 *
 *     npm run bench:connect -- [--lines 1000000] [--rounds 3]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { kafka } from '../../src/kafka/index.ts'
import { freePort } from '../../test/kafka/broker/jvm-broker.ts'
import { startBenchBroker } from '../side-by-side/rig/broker.ts'
import { markdownTable } from '../side-by-side/rig/markdown-table.ts'
import { median } from '../side-by-side/rig/median.ts'
import { connectClassPath } from './connect-jars.ts'

const { values: options } = parseArgs({
  options: { lines: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '3' } },
})
const [count, rounds] = [Number(options.lines), Number(options.rounds)]
/** A program and its arguments. */
type Command = readonly [program: string, arguments: readonly string[]]

/** ms after which a run is given up. */
const LIMIT = 300_000

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-connect-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
const input = join(directory, 'in.txt')
const size = writeInput()
const classPath = await connectClassPath()
const broker = await startBenchBroker(join(directory, 'broker'))
const log = kafka({ brokers: broker.brokers })
const ways = ['source, Kafka Connect', 'source, Millrace', 'sink, Kafka Connect', 'sink, Millrace'] as const
const rates: readonly (readonly [way: string, rates: number[]])[] = ways.map((way) => [way, []])
try {
  for (let round = 0; round < rounds; round++) {
    const topics = [`connect-${round}`, `millrace-${round}`] as const
    await log.createTopics(topics.map((name) => ({ name, partitions: 1 })))
    const [theirs, own] = [join(directory, `connect-${round}.txt`), join(directory, `millrace-${round}.txt`)]
    const taken = [
      await measured(await connectSource(topics[0]), () => records(topics[0]), count),
      await measured(ours('source', topics[1], input), () => records(topics[1]), count),
      await measured(await connectSink(topics[0], theirs), () => bytes(theirs), size),
      await measured(ours('sink', topics[0], own), () => bytes(own), size),
    ]
    for (const [way, rate] of taken.entries()) rates[way]![1].push(rate)
    rmSync(theirs)
    rmSync(own)
  }
} finally {
  await log.close()
  await broker.stop()
}
const rows = rates.map(([way, all]) => [way, ...all.map(thousands), thousands(median(all))])
console.log(`${count} lines of ${Math.round(size / count)} bytes, thousands of lines a second:\n`)
console.log(markdownTable(['', ...rates[0]![1].map((_, index) => `round ${index + 1}`), 'median'], rows))

function thousands(rate: number): string {
  return String(Math.round(rate / 1000))
}

/** Runs a process until the count is reached, and returns lines a second from the first count above 0. */
async function measured([command, given]: Command, reached: () => Promise<number>, all: number): Promise<number> {
  const errors = openSync(join(directory, 'output'), 'a')
  const child = spawn(command, given, { stdio: ['ignore', errors, errors], cwd: directory })
  closeSync(errors)
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const exited = once(child, 'exit')
  try {
    let first: { readonly time: number; readonly done: number } | undefined
    for (const begun = performance.now(); performance.now() - begun < LIMIT; await sleep(10)) {
      const done = await reached()
      if (child.exitCode !== null) break
      if (done > 0) first ??= { time: performance.now(), done }
      if (first !== undefined && done >= all)
        return ((all - first.done) / all) * count * (1000 / (performance.now() - first.time))
    }
    throw new Error(`${command} ${given.slice(-3).join(' ')} did not come to the end`)
  } finally {
    process.removeListener('exit', kill)
    kill()
    await exited
  }
}

function ours(kind: 'source' | 'sink', topic: string, path: string): Command {
  const script = join(import.meta.dirname, 'millrace.ts')
  return [process.execPath, ['--conditions=millrace-source', script, kind, broker.brokers, topic, path]]
}

async function connectSource(topic: string): Promise<Command> {
  const properties = { name: topic, 'connector.class': 'FileStreamSource', file: input, topic }
  return worker(`source-${topic}`, properties)
}

async function connectSink(topic: string, file: string): Promise<Command> {
  return worker(`sink-${topic}`, { name: `${topic}-sink`, 'connector.class': 'FileStreamSink', file, topics: topic })
}

async function worker(name: string, connector: Readonly<Record<string, string>>): Promise<Command> {
  const converter = 'org.apache.kafka.connect.storage.StringConverter'
  const settings = {
    'bootstrap.servers': broker.brokers,
    'key.converter': converter,
    'value.converter': converter,
    'offset.storage.file.filename': join(directory, `${name}.offsets`),
    listeners: `HTTP://127.0.0.1:${await freePort()}`,
  }
  const files = [settings, { 'tasks.max': '1', ...connector }].map((properties, index) => {
    const path = join(directory, `${name}-${index}.properties`)
    writeFileSync(
      path,
      Object.entries(properties)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    )
    return path
  })
  return ['java', ['-Xmx512m', '-cp', classPath, 'org.apache.kafka.connect.cli.ConnectStandalone', ...files]]
}

/** Number of records in a topic of one partition. The markers of transactions count; there are few of them. */
async function records(topic: string): Promise<number> {
  const ends = await log.listOffsets([{ topic, partition: 0 }], 'latest')
  return ends.get(topic, 0) ?? 0
}

async function bytes(path: string): Promise<number> {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/** Writes the lines, of about 100 bytes each. @returns their bytes */
function writeInput(): number {
  const file = openSync(input, 'w')
  for (let from = 0; from < count; from += 10_000) {
    const lines = Array.from({ length: Math.min(10_000, count - from) }, (_, index) => lineOf(from + index))
    writeSync(file, lines.join(''))
  }
  closeSync(file)
  return statSync(input).size
}

function lineOf(index: number): string {
  return `${index} ${'the quick brown fox jumps over the lazy dog and goes on its way '.repeat(2).slice(0, 90)}\n`
}

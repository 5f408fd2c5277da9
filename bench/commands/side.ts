import { openSync } from 'node:fs'
import { join } from 'node:path'
import { embeddedLog, readTopic, string, topic, TopicWriter, type Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { runCli } from '../../src/cli/program.ts'

/*
 * One side of a comparison, in a process of its own: a command, or a program that does the same with the library. It
 * says over the channel of `fork` what it took.
 */

/** Records between two flushes of a program: about what is one chunk of a file for a command. */
const FLUSH_EVERY = 4000

export interface Taken {
  readonly ms: number
  readonly cpuMs: number
  /** Greatest memory of the process, bytes. */
  readonly memory: number
}

export type Job =
  | { readonly do: 'command'; readonly args: readonly string[]; readonly output: string }
  | { readonly do: 'write' | 'read' | 'hold'; readonly topic: string; readonly records: number; readonly place: Place }

/** A data directory, or brokers. */
export interface Place {
  readonly data?: string
  readonly kafka?: string
}

async function carryOut(job: Job): Promise<void> {
  if (job.do !== 'command') {
    const log = await opened(job.place)
    if (job.do === 'hold') return void process.send?.('holding')
    await (job.do === 'write' ? write(log, job.topic, job.records) : read(log, job.topic, job.records))
    return await log.close()
  }
  const output = openSync(job.output, 'w')
  const { createWriteStream } = await import('node:fs')
  const stream = createWriteStream('', { fd: output })
  Object.defineProperty(process, 'stdout', { value: stream })
  if ((await runCli(job.args)) !== 0) throw new Error(`millrace ${job.args.join(' ')} failed`)
}

async function opened({ data, kafka: brokers }: Place): Promise<Log> {
  return brokers === undefined ? await embeddedLog({ directory: join(data ?? '', 'log') }) : kafka({ brokers })
}

async function write(log: Log, name: string, records: number): Promise<void> {
  const writer = await TopicWriter.open(log, topic(name, { key: string(), value: string() }))
  for (let number = 0; number < records; number++) {
    writer.write(`account-${number % 10_000}`, valueOf(number))
    if (number % FLUSH_EVERY !== 0) continue
    await writer.ready()
    await writer.flush()
  }
  await writer.close()
}

async function read(log: Log, name: string, records: number): Promise<void> {
  let count = 0
  for await (const { key, value } of readTopic(log, topic(name, { key: string(), value: string() }), { until: 'end' }))
    if (key !== null && value !== null) count++
  if (count !== records) throw new Error(`${count} of ${records} records were read`)
}

/** A value of about a hundred bytes. */
export function valueOf(number: number): string {
  return JSON.stringify({ id: number, cents: number % 1000, note: 'n'.repeat(60), at: 1_700_000_000_000 + number })
}

process.on('message', (job: Job) => {
  const [ms, { user, system }] = [performance.now(), process.cpuUsage()]
  carryOut(job).then(
    () => {
      if (job.do === 'hold') return
      const used = process.cpuUsage({ user, system })
      const memory = process.resourceUsage().maxRSS * 1024
      const taken: Taken = { ms: performance.now() - ms, cpuMs: (used.user + used.system) / 1000, memory }
      process.send?.(taken, () => process.exit())
    },
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})

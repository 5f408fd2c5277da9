import { join } from 'node:path'
import { defineApp, embeddedLog, json, readTopic, Streams, string, topic, TopicWriter, type Log } from 'millrace'
import { SharedLog } from '../../../src/log/shared/shared-log.ts'

/*
 * A process that shares a log, for tests that start, stop and kill it. It takes one command after the other by the
 * channel of `fork`, and says there what has happened.
 */

const payments = topic('payments', { key: string(), value: json<number>() })
const doubled = topic('doubled', { key: string(), value: json<number>() })

export type Command =
  | { readonly do: 'open'; readonly directory: string }
  /** Reads a topic until the close. */
  | { readonly do: 'consume'; readonly topic: 'payments' | 'doubled' }
  /** Writes numbers up to `to`, excluded, and acknowledges each batch. */
  | { readonly do: 'produce'; readonly from: number; readonly to: number; readonly batch: number }
  | { readonly do: 'run'; readonly attach: boolean }
  | { readonly do: 'way' }
  | { readonly do: 'close' }

export type Event =
  | { readonly done: Command['do']; readonly way?: string }
  | { readonly failed: string; readonly message: string }
  | { readonly read: number; readonly partition: number; readonly offset: number }
  | { readonly acknowledged: number }

function say(event: Event): void {
  process.send?.(event)
}

const app = defineApp({
  id: 'doubling',
  threads: 2,
  commitInterval: 50,
  build: (builder) => {
    builder
      .stream(payments)
      .mapValues((value) => value * 2)
      .to(doubled)
  },
})

let directory = ''
let log: Log | undefined
let streams: Streams | undefined
let stop = new AbortController()

async function carryOut(command: Command): Promise<void> {
  switch (command.do) {
    case 'open':
      directory = command.directory
      log = await embeddedLog({ directory: join(directory, 'log'), fsync: false })
      await log.createTopics([payments, doubled].map(({ name }) => ({ name, partitions: 2 })))
      stop = new AbortController()
      break
    case 'consume':
      void consume(command.topic).catch(failed)
      break
    case 'produce':
      await produce(command.from, command.to, command.batch)
      break
    case 'run':
      streams = await Streams.start(app, {
        log: log!,
        stateDirectory: join(directory, 'state'),
        engine: 'memory',
        attach: command.attach,
      })
      await streams.whenRunning()
      break
    case 'way':
      break
    case 'close':
      stop.abort()
      await streams?.close()
      streams = undefined
      await log?.close()
  }
  say({ done: command.do, ...(log instanceof SharedLog ? { way: log.way?.kind ?? 'none' } : {}) })
}

async function consume(name: 'payments' | 'doubled'): Promise<void> {
  const from = name === 'payments' ? payments : doubled
  for await (const { value, partition, offset } of readTopic(log!, from, { signal: stop.signal })) {
    say({ read: value ?? -1, partition, offset })
  }
}

async function produce(from: number, to: number, batch: number): Promise<void> {
  const writer = await TopicWriter.open(log!, payments)
  for (let next = from; next < to; next += batch) {
    for (let number = next; number < Math.min(next + batch, to); number++) writer.write(`${number}`, number)
    await writer.flush()
    say({ acknowledged: Math.min(next + batch, to) })
  }
  await writer.close()
}

function failed(error: unknown): void {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown }
  say({ failed: String(code ?? 'none'), message: String(message) })
}

if (process.send !== undefined) {
  process.on('message', (command: Command) => void carryOut(command).catch(failed))
  // The channel alone keeps a process alive that waits for commands.
  process.channel?.ref()
}

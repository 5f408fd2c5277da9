import { mkdtemp, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  defineApp,
  long,
  memoryLog,
  Streams,
  string,
  topic,
  type AppConfig,
  type Logger,
  type StreamsOptions,
} from 'millrace'
import type { Served } from '../../src/server/http/route.ts'
import { Watches } from '../../src/server/http/watches.ts'

/** What can be connected to: a server, or its socket alone. */
type Place = { readonly host: string; readonly port: number }

export const words = topic('words', { key: string(), value: string() })
export const counts = topic('counts', { key: string(), value: long() })
const rates = topic('rates', { key: string(), value: string() })

interface Line {
  readonly level: keyof Logger
  readonly fields: object
  readonly message: string
}

/** An application that runs, its log lines, and a directory of its own. */
export class Running implements AsyncDisposable {
  readonly streams: Streams
  /** For routes that are made without a server. */
  readonly watches = new Watches(1)
  readonly directory: string
  readonly lines: Line[]
  readonly #close: () => Promise<void>

  private constructor(streams: Streams, directory: string, lines: Line[], close: () => Promise<void>) {
    this.streams = streams
    this.directory = directory
    this.lines = lines
    this.#close = close
  }

  /** What routes are made of, without a server. */
  get served(): Served {
    const { streams, watches } = this
    return {
      streams,
      watches,
      deadLetters: false,
      pages: {},
      settings: [],
      writableTopics: new Set(),
      atClose: () => {},
    }
  }

  static async start(config: Partial<AppConfig> = {}, given: Partial<StreamsOptions> = {}): Promise<Running> {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-server-'))
    const lines: Line[] = []
    const at =
      (level: keyof Logger) =>
      (fields: object, message: string): void =>
        void lines.push({ level, fields, message })
    const log = memoryLog()
    await log.createTopics([words, counts, rates].map(({ name }) => ({ name, partitions: 2 })))
    const app = defineApp({
      id: 'word-counts',
      logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
      build: (builder) => {
        builder.globalTable(rates, { store: 'rates' })
        builder.stream(words).groupByKey().count({ store: 'totals' }).toStream().to(counts)
      },
      ...config,
    })
    const streams = await Streams.start(app, { log, stateDirectory: join(directory, 'state'), ...given })
    await streams.whenRunning()
    return new Running(streams, directory, lines, async () => {
      await streams.close().catch(() => {})
      await log.close()
      await rm(directory, { recursive: true, force: true })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close()
  }
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5))
}

export async function open({ host, port }: Place): Promise<Socket> {
  const socket = connect(port, host)
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Sends bytes, and returns all that comes back until the server closes the connection. */
export async function exchange(place: Place, ...sent: readonly string[]): Promise<string> {
  const socket = await open(place)
  for (const part of sent) socket.write(part)
  return await received(socket)
}

export async function received(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString()))
  await once(socket, 'close')
  return text
}

/** The status of each response in what a connection received, with the code of its problem. */
export function answers(text: string): string[] {
  return text
    .split(/^(?=HTTP\/1\.1 )/m)
    .filter((one) => one !== '')
    .map((one) => `${one.slice(9, 12)} ${/"code":"(\w+)"/.exec(one)?.[1] ?? ''}`.trim())
}

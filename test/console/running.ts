import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedLog, Streams, TopicWriter, type Log } from 'millrace'
import { serve, type Server, type ServerOptions } from 'millrace/server'
import { buildConsole } from '../../console/build.ts'
import { orders, ordersApp, topicsOf, type Order } from './app.ts'

/** The application on an embedded log, its server, and a steady input. */
export class RunningOrders implements AsyncDisposable {
  readonly log: Log
  readonly streams: Streams
  readonly url: string
  readonly #server: Server
  readonly #writer: TopicWriter<string, Order>
  readonly #directory: string
  #timer: NodeJS.Timeout | undefined
  #written = 0

  private constructor(
    log: Log,
    streams: Streams,
    server: Server,
    writer: TopicWriter<string, Order>,
    directory: string,
  ) {
    this.log = log
    this.streams = streams
    this.#server = server
    this.url = `${server.address!.url}/console/`
    this.#writer = writer
    this.#directory = directory
  }

  static async start(options: ServerOptions = { auth: 'none', deadLetters: true }): Promise<RunningOrders> {
    await buildConsole()
    const directory = await mkdtemp(join(tmpdir(), 'millrace-console-'))
    const log = await embeddedLog({ directory: join(directory, 'log') })
    await log.createTopics(topicsOf().map((name) => ({ name, partitions: 2 })))
    const streams = await Streams.start(ordersApp(), { log, stateDirectory: join(directory, 'state') })
    await streams.whenRunning()
    const server = await serve(streams, { listen: '127.0.0.1:0', ...options })
    return new RunningOrders(log, streams, server, await TopicWriter.open(log, orders), directory)
  }

  /** Writes one order. */
  async write(key: string, order: Order, timestamp?: number): Promise<void> {
    this.#writer.write(key, order, timestamp === undefined ? {} : { timestamp })
    await this.#writer.flush()
  }

  /** Writes orders from now on, `rate` a second, of ten customers in turn; one in ten is large, or each of `cents`. */
  feed(rate: number, cents?: number): void {
    const begun = performance.now()
    this.#timer = setInterval(() => {
      for (; this.#written < ((performance.now() - begun) / 1000) * rate; this.#written++) {
        const customer = `customer-${this.#written % 10}`
        this.#writer.write(`order-${this.#written}`, {
          customer,
          cents: cents ?? (this.#written % 10) * 100 + 1,
        })
      }
      void this.#writer.flush()
    }, 50)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#writer.close()
    await this.#server.close()
    await this.streams.close()
    await this.log.close()
    await rm(this.#directory, { recursive: true, force: true })
  }
}

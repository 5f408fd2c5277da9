import { json, memoryLog, topic, string, TopicWriter, type AppConfig, type Log } from 'millrace'
import { serve, type Server } from 'millrace/server'
import { Running } from './support.ts'

export const payments = topic('payments', { key: string(), value: json<number | null>() })

/** An application with the store `accounts`, which has the last payment of each, and its server. */
export class Accounts implements AsyncDisposable {
  readonly log: Log
  readonly running: Running
  /** A test may replace it. */
  server: Server

  private constructor(log: Log, running: Running, server: Server) {
    this.log = log
    this.running = running
    this.server = server
  }

  /** @param more adds what a test needs besides, of these topics */
  static async start(more: AppConfig['build'] = () => {}, ...topics: readonly { readonly name: string }[]) {
    const log = memoryLog()
    await log.createTopics([payments, ...topics].map(({ name }) => ({ name, partitions: 2 })))
    const running = await Running.start(
      {
        guarantee: 'exactly_once',
        commitInterval: '10ms',
        build: (builder) => {
          builder.table(payments, { store: 'accounts' })
          void more(builder)
        },
      },
      { log },
    )
    return new Accounts(log, running, await serve(running.streams, { listen: 0 }))
  }

  get url(): string {
    return this.server.address!.url
  }

  /** Writes payments. Null closes an account. */
  async pay(...records: readonly (readonly [string, number | null])[]): Promise<void> {
    await using writer = await TopicWriter.open(this.log, payments)
    for (const [key, value] of records) writer.write(key, value, { timestamp: 0 })
    await writer.flush()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running[Symbol.asyncDispose]()
    await this.log.close()
  }
}

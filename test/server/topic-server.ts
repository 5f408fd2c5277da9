import { z } from 'zod'
import { json, long, memoryLog, string, topic, type Log } from 'millrace'
import { serve, type Server, type ServerRole } from 'millrace/server'
import { Running } from './support.ts'

const Payment = z.object({ from: z.string(), cents: z.int() })

export const payments = topic('payments', { key: string(), value: json(Payment) })
export const totals = topic('totals', { key: string(), value: long() })
export const spread = topic('spread', {
  key: string(),
  value: string(),
  partitioner: (_topic, key) => (key === 'both' ? [1, 0] : key === 'none' ? [] : 1),
})
/** A topic of nobody's application. */
export const plain = topic('plain', { key: string(), value: string() })
export const CHANGELOG = 'word-counts-sums-changelog'

export const ROLES: readonly ServerRole[] = ['read', 'write', 'control', 'dead-letters', 'topics.read', 'topics.write']
export const tokenOf = (role: ServerRole): string => `a-token-for-${role}-${'0'.repeat(8)}`

/** What responses have, each some of it. */
export interface Body {
  readonly code?: string
  readonly detail?: string
  readonly hint?: string
  readonly records: readonly Record<string, unknown>[]
  readonly cursor: string
  readonly end: boolean
  readonly topics: readonly { readonly name: string; readonly writable: boolean }[]
}

export interface Answered {
  readonly status: number
  readonly body: Body
}

/** The status, and the code of a problem. */
export const said = ({ status, body }: Answered): string => `${status} ${body.code ?? ''}`.trim()

export const valuesOf = ({ body }: Answered): unknown[] => body.records.map(({ value }) => value)

/** An application with topics, and its servers: one that lets everybody in, and one that asks for tokens. */
export class TopicServer implements AsyncDisposable {
  readonly log: Log
  readonly running: Running
  readonly server: Server
  readonly guarded: Server
  #made = 0

  private constructor(log: Log, running: Running, server: Server, guarded: Server) {
    this.log = log
    this.running = running
    this.server = server
    this.guarded = guarded
  }

  static async start(log: Log = memoryLog()): Promise<TopicServer> {
    const names = [payments, totals, spread, plain].map(({ name }) => name)
    await log.createTopics([...names, 'rejected'].map((name) => ({ name, partitions: 2 })))
    await log.createTopics([{ name: 'small', partitions: 2, configs: { 'max.message.bytes': '200' } }])
    const running = await Running.start(
      {
        deadLetterTopic: 'rejected',
        onDeserializationError: 'deadLetter',
        commitInterval: '10ms',
        build: (builder) => {
          const stream = builder.stream(payments)
          stream.groupByKey().count({ store: 'sums' }).toStream().to(totals)
          stream.mapValues(({ from }) => from).to(spread)
        },
      },
      { log },
    )
    const tokens = ROLES.map((role) => ({ token: tokenOf(role), role }))
    const server = await serve(running.streams, { listen: 0, auth: 'none' })
    const guarded = await serve(running.streams, {
      listen: 'none',
      auth: { tokens },
      writableTopics: ['payments', 'named'],
    })
    return new TopicServer(log, running, server, guarded)
  }

  get url(): string {
    return this.server.address!.url
  }

  async fetch(path: string, init: RequestInit = {}, of = this.server): Promise<Response> {
    return await of.fetch(new Request(`http://localhost${path}`, init))
  }

  async ask(path: string, init: RequestInit = {}, of = this.server): Promise<Answered> {
    const response = await this.fetch(path, init, of)
    return { status: response.status, body: (await response.json()) as Body }
  }

  async post(name: string, body: unknown, query = '', type = 'application/json'): Promise<Answered> {
    return await this.ask(`/v1/topics/${name}/records${query}`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  }

  /** Creates a topic of nobody's application. */
  async newTopic(partitions = 1): Promise<string> {
    const name = `made-${this.#made++}`
    await this.log.createTopics([{ name, partitions }])
    return name
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running[Symbol.asyncDispose]()
    await this.log.close()
  }
}

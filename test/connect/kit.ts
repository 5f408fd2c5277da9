import { readTopic, string, topic, type ReadableTopic, type Topic } from 'millrace'
import { defineSource, type ConnectorStatus, type RunningConnectors, type SourceConfig } from 'millrace/connect'
import { defineConnectors, runConnectors, type Connector, type RunConnectorsOptions } from 'millrace/connect'
import type { Logger } from '../../src/application/application.ts'
import type { CommitOutcome, Log, LogClient } from '../../src/log/log.ts'

/** A log of one kind, for the tests of a suite. Instances that are to be apart get a log object each. */
export interface LogPlace {
  /** Opens the log once more, or returns the one that this process has. */
  open(): Promise<Log>
  close(): Promise<void>
}

/** A log that takes the membership of a client away when it is to, as a group does that hears nothing of it. */
export interface LosablePlace extends LogPlace {
  endSession(transactionalId: string): void
}

/** Lines that connectors have logged. */
export class Lines implements Logger {
  readonly all: { readonly level: string; readonly fields: object; readonly message: string }[] = []
  debug = (fields: object, message: string): void => this.#add('debug', fields, message)
  info = (fields: object, message: string): void => this.#add('info', fields, message)
  warn = (fields: object, message: string): void => this.#add('warn', fields, message)
  error = (fields: object, message: string): void => this.#add('error', fields, message)

  #add(level: string, fields: object, message: string): void {
    this.all.push({ level, fields, message })
  }
}

let names = 0

/** Returns a name that no other test has. */
export function fresh(prefix: string): string {
  return `${prefix}-${process.pid}-${++names}`
}

export function textTopic(name = fresh('lines')): Topic<string, string> {
  return topic(name, { key: string(), value: string() })
}

/** A system that a source reads: numbered items by feed. More may be added. */
export class Feeds {
  readonly names: string[]
  readonly #counts = new Map<string, number>()
  /** How often a page was asked for. */
  asked = 0

  constructor(names: readonly string[], count: number) {
    this.names = [...names]
    for (const name of names) this.#counts.set(name, count)
  }

  add(name: string, count: number): void {
    if (!this.names.includes(name)) this.names.push(name)
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count)
  }

  page(name: string, from: number, size: number): string[] {
    this.asked++
    const end = Math.min(this.#counts.get(name) ?? 0, from + size)
    return Array.from({ length: Math.max(0, end - from) }, (_, index) => `${name} ${from + index}`)
  }

  /** All items, sorted. */
  get all(): string[] {
    return [...this.#counts].flatMap(([name, count]) => this.page(name, 0, count)).toSorted()
  }
}

type Parts = Partial<SourceConfig<string, string, { next: number }>>

/** A source over feeds, in pages of `size`. */
export function feedSource(feeds: Feeds, target: Topic<string, string>, size: number, parts: Parts = {}): Connector {
  return defineSource<string, string, { next: number }>({
    name: 'feeds',
    topic: target,
    topicOptions: { partitions: 2 },
    start: { next: 0 },
    partitions: () => feeds.names,
    pollInterval: 5,
    partitionsInterval: 20,
    commitInterval: 5,
    async *read({ partition, position }) {
      for (let { next } = position; ;) {
        const rows = feeds.page(partition, next, size)
        if (rows.length === 0) return
        next += rows.length
        yield { records: rows.map((value) => ({ key: partition, value })), position: { next } }
      }
    },
    ...parts,
  })
}

/** Returns the values that a topic holds, sorted. */
export async function valuesOf<V>(log: Log, from: ReadableTopic<string, V>): Promise<V[]> {
  const values: V[] = []
  for await (const { value } of readTopic(log, from, { until: 'end' })) values.push(value!)
  return values.toSorted()
}

/** Runs connectors, with a group that stays the same for the same `id`. */
export function run(
  id: string,
  connectors: readonly Connector[],
  options: RunConnectorsOptions,
  parts: { readonly deadLetterTopic?: string; readonly logger?: Logger } = {},
): Promise<RunningConnectors> {
  return runConnectors(defineConnectors({ id, connectors, logger: new Lines(), ...parts }), options)
}

export function only(running: RunningConnectors): ConnectorStatus {
  return running.status()[0]!
}

/** What a commit is to answer, and whether it is carried out: `unknown` is an answer in both cases. */
export type Fate = 'commit' | 'commit, unknown' | 'abort' | 'abort, unknown'

/** A log whose clients' commits meet the given fates, one after the other; all later ones are committed. */
export function faulty(log: Log, fates: Fate[]): Log {
  return withCommits(log, (client) => async (offsets): Promise<CommitOutcome> => {
    const fate = fates.shift() ?? 'commit'
    if (!fate.startsWith('abort')) {
      const outcome = await client.commit(offsets)
      return fate === 'commit' ? outcome : 'unknown'
    }
    await client.abort()
    return fate === 'abort' ? 'aborted' : 'unknown'
  })
}

/** A log whose clients commit as `change` says. */
export function withCommits(log: Log, change: (client: LogClient) => LogClient['commit']): Log {
  const openClient: Log['openClient'] = async (options) => {
    const client = await log.openClient(options)
    const commit = change(client)
    return new Proxy(client, { get: (target, name) => (name === 'commit' ? commit : bound(target, name)) })
  }
  return new Proxy(log, { get: (target, name) => (name === 'openClient' ? openClient : bound(target, name)) })
}

/** Methods of classes with private members need their own object. */
function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name, target)
  return typeof value === 'function' ? value.bind(target) : value
}

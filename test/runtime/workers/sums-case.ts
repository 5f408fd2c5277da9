import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { readTopic, Streams, TopicWriter } from 'millrace'
import type { Application, Log, StreamsOptions } from 'millrace'
import { vi } from 'vitest'
import { kafka } from '../../../src/kafka/index.ts'
import { sharedBroker, uniqueName } from '../../kafka/broker/index.ts'
import { sums } from './fixtures/sums.ts'
import type { Sums, Total } from './fixtures/sums.ts'

const ACCOUNTS = 40
export const PARTITIONS = 4

export const module = fixture('sums.ts')

export function fixture(name: string): URL {
  return new URL(`./fixtures/${name}`, import.meta.url)
}

type SumAndCount = readonly [sum: number, count: number]

/** The application of `fixtures/sums.ts`, with topics, a state directory and workers of its own. */
export class SumsCase {
  readonly log: Log
  readonly brokers: string
  readonly directory = mkdtempSync(join(tmpdir(), 'millrace-threads-'))
  /** Workers that the library started, in order. */
  readonly workers: Worker[] = []
  readonly #started: Streams[] = []
  readonly prefix: string
  readonly sums: Sums
  #paid = 0

  private constructor(brokers: string) {
    this.brokers = brokers
    this.log = kafka({ brokers })
    this.prefix = `${uniqueName('threads')}-`
    this.sums = sums(this.prefix)
    process.on('worker', this.#onWorker)
  }

  readonly #onWorker = (worker: Worker): void => void this.workers.push(worker)

  static async create(): Promise<SumsCase> {
    const created = new SumsCase(await sharedBroker())
    // Workers get the environment of the moment in which they are started.
    vi.stubEnv('TEST_PREFIX', created.prefix)
    vi.stubEnv('TEST_FAULT', created.#faultFile)
    vi.stubEnv('TEST_BROKEN', created.#brokenFile)
    const { payments, totals } = created.sums
    await created.log.createTopics([payments, totals].map(({ name }) => ({ name, partitions: PARTITIONS })))
    return created
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('worker', this.#onWorker)
    // A test that failed must not leave workers to the next.
    for (const streams of this.#started) await streams[Symbol.asyncDispose]()
    await this.log.close()
    vi.unstubAllEnvs()
    rmSync(this.directory, { recursive: true, force: true })
  }

  get alive(): Worker[] {
    return this.workers.filter(({ threadId }) => threadId !== -1)
  }

  get #faultFile(): string {
    return join(this.directory, 'fault')
  }

  get #brokenFile(): string {
    return join(this.directory, 'broken')
  }

  /** Makes the module fail in every thread that imports it from now on. */
  breakModule(): void {
    writeFileSync(this.#brokenFile, '')
  }

  repairModule(): void {
    rmSync(this.#brokenFile)
  }

  /** The application with other settings; functions among them stay in this thread. */
  app(settings: Partial<Application['settings']> = {}): Application {
    const { app } = this.sums
    return { id: app.id, settings: { ...app.settings, ...settings }, topology: () => app.topology() }
  }

  async start(app: Application = this.app(), more: Partial<StreamsOptions> = {}): Promise<Streams> {
    const stateDirectory = join(this.directory, 'state')
    const streams = await Streams.start(app, { log: this.log, module, stateDirectory, ...more })
    this.#started.push(streams)
    return streams
  }

  /** Pays 1, 2, 3 … cents, account by account. */
  async pay(count: number): Promise<void> {
    await using writer = await TopicWriter.open(this.log, this.sums.payments)
    for (let i = 0; i < count; i++) writer.write(`account-${this.#paid % ACCOUNTS}`, ++this.#paid)
    await writer.flush()
  }

  /** Makes a payment at which something goes wrong the first time that it is processed. */
  async payWithFault(fault: number): Promise<void> {
    writeFileSync(this.#faultFile, '')
    await using writer = await TopicWriter.open(this.log, this.sums.payments)
    writer.write('account-0', fault)
    await writer.flush()
  }

  /** Returns the totals as they have to be. */
  expected(): Map<string, SumAndCount> {
    const expected = new Map<string, SumAndCount>()
    for (let i = 0; i < this.#paid; i++) {
      const account = `account-${i % ACCOUNTS}`
      const [sum, count] = expected.get(account) ?? [0, 0]
      expected.set(account, [sum + i + 1, count + 1])
    }
    return expected
  }

  async totals(): Promise<Map<string, Total>> {
    const last = new Map<string, Total>()
    for await (const { key, value } of readTopic(this.log, this.sums.totals, { until: 'end' })) {
      if (key !== null && value !== null) last.set(key, value)
    }
    return last
  }

  async shown(): Promise<Map<string, SumAndCount>> {
    return new Map([...(await this.totals())].map(([account, { sum, count }]) => [account, [sum, count]]))
  }

  /** Returns whether as many payments are shown as there are, or more. */
  async allShown(): Promise<boolean> {
    return (await this.counted()) >= this.#paid
  }

  async counted(): Promise<number> {
    return [...(await this.totals()).values()].reduce((all, { count }) => all + count, 0)
  }

  /** Returns the sum of the committed offsets of the payments. */
  async committedPayments(): Promise<number> {
    const topic = this.sums.payments.name
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }))
    const committed = await this.log.committedOffsets(this.sums.app.id, partitions)
    return [...committed.entries()].reduce((all, [, , { offset }]) => all + offset, 0)
  }
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(25)
}

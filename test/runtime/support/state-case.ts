import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineApp, json, memoryLog, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { AppConfig, Application, Logger, RestoreProgress, StreamsOptions } from 'millrace'
import type { Clock } from '../../../src/platform/clock.ts'
import { systemClock } from '../../../src/platform/clock.ts'

export interface Payment {
  readonly cents: number
}

export const payments = topic('payments', { key: string(), value: json<Payment>() })
export const totals = topic('totals', { key: string(), value: json<number>() })
export const CHANGELOG = 'summing-sums-changelog'
const ACCOUNTS = 7

/** This machine's clock, which a test can move on. */
class ShiftedClock implements Clock {
  shift = 0

  now(): number {
    return systemClock.now() + this.shift
  }

  monotonic(): number {
    return systemClock.monotonic() + this.shift
  }

  schedule(delayMs: number, callback: () => void): ReturnType<Clock['schedule']> {
    return systemClock.schedule(delayMs, callback)
  }
}

export interface RunResult {
  /** First offset that was replayed of each partition of the changelog; absent if there is none. */
  readonly from: ReadonlyMap<number, number>
  readonly records: number
  readonly warnings: readonly string[]
}

/** Sums of payments by account, kept in a store over runs on one log and one state directory. */
export class StateCase {
  readonly log = memoryLog()
  readonly clock = new ShiftedClock()
  readonly partitions: number
  readonly #directories: string[] = []
  stateDirectory = ''
  #paid = 0

  private constructor(partitions: number) {
    this.partitions = partitions
  }

  static async create(partitions = 1): Promise<StateCase> {
    const state = new StateCase(partitions)
    state.stateDirectory = await state.newDirectory()
    await state.log.createTopics([payments, totals].map(({ name }) => ({ name, partitions })))
    return state
  }

  async newDirectory(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-state-'))
    this.#directories.push(directory)
    return directory
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log.close()
    for (const directory of this.#directories) await rm(directory, { recursive: true, force: true })
  }

  app(settings: Partial<Omit<AppConfig, 'build'>> = {}, logging: false | Record<string, string> = {}): Application {
    return defineApp({
      id: 'summing',
      commitInterval: 10,
      ...settings,
      build: (builder) => {
        builder
          .stream(payments)
          .groupByKey()
          .aggregate(
            () => 0,
            (sum, { cents }) => sum + cents,
            { store: { name: 'sums', logging }, value: json<number>() },
          )
          .toStream()
          .to(totals)
      },
    })
  }

  task(partition = 0): string {
    return join(this.stateDirectory, 'summing', `0_${partition}`)
  }

  async pay(count: number): Promise<void> {
    await using writer = await TopicWriter.open(this.log, payments)
    for (let i = 0; i < count; i++) {
      const at = this.#paid++
      writer.write(`account-${at % ACCOUNTS}`, { cents: at }, { timestamp: at })
    }
    await writer.flush()
  }

  /** Returns the last totals as they have to be. */
  expected(): Map<string | null, number> {
    const sums = new Map<string | null, number>()
    for (let i = 0; i < this.#paid; i++) {
      const account = `account-${i % ACCOUNTS}`
      sums.set(account, (sums.get(account) ?? 0) + i)
    }
    return sums
  }

  async shown(): Promise<Map<string | null, number | null>> {
    const last = new Map<string | null, number | null>()
    for await (const { key, value } of readTopic(this.log, totals, { until: 'end' })) last.set(key, value)
    return last
  }

  async allShown(): Promise<boolean> {
    const shown = await this.shown()
    return [...this.expected()].every(([account, sum]) => shown.get(account) === sum)
  }

  async changelogEnd(partition = 0): Promise<number> {
    const ends = await this.log.listOffsets([{ topic: CHANGELOG, partition }], 'latest')
    return ends.get(CHANGELOG, partition) ?? -1
  }

  async start(app: Application = this.app(), more: Partial<StreamsOptions> = {}): Promise<Streams> {
    const { log, clock, stateDirectory } = this
    return await Streams.start(app, { log, clock, stateDirectory, ...more })
  }

  /** Runs until everything paid is processed, closes, and returns what had to be restored. */
  async run(settings: Partial<AppConfig> = {}, more: Partial<StreamsOptions> = {}, logging = {}): Promise<RunResult> {
    const from = new Map<number, number>()
    let records = 0
    const { logger, warnings } = recordingLogger()
    const onRestore: NonNullable<StreamsOptions['onRestore']> = (event, progress: RestoreProgress) => {
      if (event === 'start') from.set(progress.partition, progress.from)
      if (event === 'end') records += progress.records
    }
    const streams = await this.start(this.app({ logger, ...settings }, logging), { onRestore, ...more })
    await idle(streams)
    await streams.close()
    return { from, records, warnings }
  }
}

export function recordingLogger(): { readonly logger: Logger; readonly warnings: string[] } {
  const warnings: string[] = []
  const warn = (fields: object, message: string): void => {
    warnings.push(`${message} ${Object.values(fields).map(String).join(' ')}`)
  }
  return { logger: { debug() {}, info() {}, warn, error: warn }, warnings }
}

/** Resolves when the application runs and has nothing left to do. */
export async function idle(streams: Streams): Promise<void> {
  await streams.whenRunning()
  await until(() => streams.state === 'running' && streams.status().lag === 0)
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(5)
}

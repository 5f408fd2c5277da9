import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { embeddedLog, readTopic, type Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { uniqueName } from '../../kafka/broker/index.ts'
import { Random } from '../../simulation/random.ts'
import { AppProcess } from '../kit/app-process.ts'
import { SESSION_TIMEOUT, type ProxiedBrokers } from '../kit/brokers.ts'
import { within } from '../kit/within.ts'
import { countFile, FEEDS, fullFile, numbersTopic, PARTITIONS, tableFile, TASKS, type System } from './connectors.ts'
import type { ConnectProcessStatus, ConnectSettings } from './main.ts'
import { Table } from './table.ts'

const MAIN = join(import.meta.dirname, 'main.ts')
const ON_KAFKA = ['kill', 'kill', 'zombie', 'full', 'brokerKill', 'brokerShutDown', 'replies'] as const
const EMBEDDED = ['kill', 'kill', 'kill', 'pause', 'full'] as const

export type ConnectFault = (typeof ON_KAFKA)[number] | (typeof EMBEDDED)[number]

export interface ConnectRoundOptions {
  readonly seed: number
  /** Brokers; an embedded log, if there are none. */
  readonly brokers: ProxiedBrokers | undefined
  /** How many, which the seed chooses, or which. */
  readonly faults: number | readonly ConnectFault[]
  readonly directory: string
}

export interface ConnectRoundResult {
  readonly records: number
  readonly faults: readonly ConnectFault[]
  /** Records that the topic, or the table, lacks, or has twice and more. */
  readonly lost: number
  readonly doubled: number
  readonly trace: readonly string[]
}

/** Requests whose responses may be lost: Produce, OffsetCommit, heartbeats of both protocols, those of transactions. */
const LOSABLE: ReadonlySet<number> = new Set([0, 8, 12, 22, 24, 25, 26, 28, 88])
/** New items of each feed every `TICK` ms. */
const RATE = 50
const TICK = 100
/** ms until everything is in the table after the last fault. */
const PATIENCE = 90_000

/** Runs a source and a sink in processes of their own, under steady input, through the seed's faults. */
export function runConnectRound(options: ConnectRoundOptions): Promise<ConnectRoundResult> {
  return new Round(options).run()
}

class Round {
  readonly #options: ConnectRoundOptions
  readonly #random: Random
  readonly #system: System
  readonly #processes = new Map<string, AppProcess<ConnectProcessStatus>>()
  readonly #trace: string[] = []
  readonly #started = performance.now()
  #count = 0

  constructor(options: ConnectRoundOptions) {
    this.#options = options
    this.#random = new Random(options.seed)
    const id = uniqueName(`connect-${options.seed}`)
    this.#system = { id, directory: join(options.directory, id) }
    mkdirSync(this.#system.directory, { recursive: true })
  }

  async run(): Promise<ConnectRoundResult> {
    const { brokers, faults } = this.#options
    const kinds = brokers === undefined ? EMBEDDED : ON_KAFKA
    const chosen = typeof faults === 'number' ? Array.from({ length: faults }, () => this.#random.pick(kinds)) : faults
    this.#grow()
    const ticker = setInterval(() => this.#grow(), TICK)
    try {
      for (const name of brokers === undefined ? ['one'] : ['one', 'two']) this.#start(name)
      await this.#running()
      for (const kind of chosen) {
        await sleep(200 + this.#random.below(800))
        await this.#strike(kind)
      }
      clearInterval(ticker)
      return { ...(await this.#compare()), faults: chosen, trace: this.#trace }
    } catch (error) {
      const errors = [...this.#processes].map(([name, { errors: text }]) => `${name}:\n${text.slice(-3000)}`)
      throw new Error([...this.#trace, ...errors, String(error)].join('\n'), { cause: error })
    } finally {
      clearInterval(ticker)
      for (const each of this.#processes.values()) await each.kill()
      rmSync(this.#system.directory, { recursive: true, force: true })
    }
  }

  #note(what: string): void {
    this.#trace.push(`${Math.round(performance.now() - this.#started)} ms: ${what}`)
  }

  #grow(): void {
    this.#count += RATE
    writeFileSync(countFile(this.#system), String(this.#count))
  }

  #start(name: string): void {
    const brokers = this.#options.brokers?.addresses
    const settings: ConnectSettings = { ...this.#system, brokers, instanceId: name }
    this.#processes.set(name, new AppProcess<ConnectProcessStatus>({ main: MAIN, settings }))
  }

  /** Resolves when all tasks are with processes that have said so. */
  async #running(): Promise<void> {
    const haveAll = (): boolean => {
      const tasks = [...this.#processes.values()].map(({ status }) => status?.tasks ?? 0)
      return tasks.reduce((sum, each) => sum + each, 0) === TASKS + PARTITIONS
    }
    await this.#until('the tasks are assigned', haveAll)
  }

  async #until(what: string, condition: () => boolean): Promise<void> {
    const wait = async (): Promise<void> => {
      while (!condition()) {
        for (const [name, each] of this.#processes) if (each.hasFailed) throw new Error(`${name} has ended by itself`)
        await sleep(20)
      }
    }
    await within(PATIENCE, wait(), what)
  }

  async #strike(kind: ConnectFault): Promise<void> {
    const [name, process] = this.#random.pick([...this.#processes])
    this.#note(`${kind} ${kind.startsWith('broker') || kind === 'replies' || kind === 'full' ? '' : name}`)
    switch (kind) {
      case 'kill':
        await process.kill()
        this.#start(name)
        return await this.#running()
      case 'zombie':
        return await this.#freeze(process, SESSION_TIMEOUT + 1500)
      case 'pause':
        return await this.#freeze(process, 300)
      case 'full':
        writeFileSync(fullFile(this.#system), '')
        await sleep(700)
        return rmSync(fullFile(this.#system))
      case 'replies': {
        this.#options.brokers?.loseReplies((key) => LOSABLE.has(key) && this.#random.below(10) === 0)
        await sleep(1000)
        return this.#options.brokers?.loseReplies(() => false)
      }
      case 'brokerKill':
      case 'brokerShutDown': {
        const node = this.#random.pick(this.#options.brokers?.nodes ?? [])
        await this.#options.brokers?.restart(node, kind === 'brokerKill' ? 'kill' : 'shutDown', 300)
      }
    }
  }

  async #freeze(process: AppProcess<ConnectProcessStatus>, ms: number): Promise<void> {
    process.freeze()
    await sleep(ms)
    process.thaw()
  }

  /** Waits until everything is in the table, and counts. */
  async #compare(): Promise<Omit<ConnectRoundResult, 'faults' | 'trace'>> {
    const expected = FEEDS.flatMap((feed) => Array.from({ length: this.#count }, (_, item) => `${feed} ${item}`))
    const table = new Table(tableFile(this.#system), fullFile(this.#system))
    let rows: string[]
    try {
      await this.#until('everything is in the table', () => table.count() >= expected.length)
      rows = table.values()
    } finally {
      table.close()
    }
    this.#note('everything is in the table')
    for (const each of this.#processes.values()) await within(PATIENCE, each.stop(), 'the processes end')
    const found = await this.#inTopic()
    const [ofTopic, ofTable] = [difference(expected, found), difference(expected, rows)]
    return {
      records: expected.length,
      lost: ofTopic.lost + ofTable.lost,
      doubled: ofTopic.doubled + ofTable.doubled,
    }
  }

  async #inTopic(): Promise<string[]> {
    const { brokers } = this.#options
    const directory = join(this.#system.directory, 'log')
    const log: Log =
      brokers === undefined ? await embeddedLog({ directory }) : kafka({ brokers: brokers.addresses.split(',') })
    try {
      const values: string[] = []
      for await (const { value } of readTopic(log, numbersTopic(this.#system), { until: 'end' })) values.push(value!)
      return values
    } finally {
      await log.close()
    }
  }
}

function difference(expected: readonly string[], found: readonly string[]): { lost: number; doubled: number } {
  const kinds = new Set(found)
  return { lost: expected.filter((value) => !kinds.has(value)).length, doubled: found.length - kinds.size }
}

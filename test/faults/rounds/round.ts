import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Streams, TopicWriter } from 'millrace'
import type { Guarantee, Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { feed } from '../../../examples/kit/generator.ts'
import { uniqueName } from '../../kafka/broker/index.ts'
import { Random } from '../../simulation/random.ts'
import { AppProcess } from '../kit/app-process.ts'
import { HEARTBEAT_INTERVAL, SESSION_TIMEOUT } from '../kit/brokers.ts'
import type { ProxiedBrokers } from '../kit/brokers.ts'
import { within } from '../kit/within.ts'
import { bankApp, bankTopics, PARTITIONS } from './app.ts'
import type { BankSettings, BankTopics } from './app.ts'
import type { BankProcessSettings, BankStatus } from './bank-main.ts'
import {
  bankGenerator,
  booksDifference,
  booksInStores,
  booksInTopics,
  disorderOf,
  expectedBooks,
  inputDifference,
  ownersInStores,
  ownersOf,
  sum,
} from './books.ts'
import type { DatedBank, Difference } from './books.ts'
import { CheckService, nameOf } from './check-service.ts'
import type { CallsSeen } from './check-service.ts'
import { CHECKS } from './checks.ts'
import { openTransactions } from './open-transactions.ts'
import type { OpenTransaction } from './open-transactions.ts'

export interface RoundOptions {
  readonly seed: number
  readonly guarantee: Guarantee
  readonly groupProtocol: 'streams' | 'classic'
  /** Threads of each process. Default: 1 */
  readonly threads?: number
  /** Payments are checked by a service that is not reliable. */
  readonly isAsync?: boolean
  /** The number of faults that the seed chooses, not counting lost responses; or what happens instead. */
  readonly faults: number | ((bank: RunningBank) => Promise<void>)
  /** The directory for the state of the processes; the caller removes it. */
  readonly directory: string
}

/** The application while it runs. */
export interface RunningBank {
  readonly applicationId: string
  readonly topics: BankTopics
  /** Calls that the service has had so far. */
  readonly calls: () => number
  note(what: string): void
  /** Does that to a process, or to a broker; resolves when it is over. */
  strike(kind: FaultKind): Promise<void>
}

export interface RoundResult extends Difference {
  readonly payments: number
  readonly faults: ReadonlyMap<FaultKind, number>
  readonly lostResponses: number
  /** What the service has seen, and what is wrong with its answers besides their number. Undefined: there was none. */
  readonly calls: CallsSeen | undefined
  /** What happened, for a report. */
  readonly trace: readonly string[]
}

const processFaults = ['kill', 'kill', 'wipe', 'stop', 'zombie', 'pause'] as const
const faultKinds = [...processFaults, 'brokerKill', 'brokerShutDown'] as const
export type FaultKind = (typeof faultKinds)[number]

const MAIN = join(import.meta.dirname, 'bank-main.ts')
/** Requests whose responses may be lost: Produce, OffsetCommit, heartbeats of both protocols, those of transactions. */
const LOSABLE: ReadonlySet<number> = new Set([0, 8, 12, 22, 24, 25, 26, 28, 88])
const RATE = 1000
/** Payments a second where each of them is checked by a service. */
const CHECKED_RATE = 50
const ACCOUNTS = 40
/** Lead of the clock over event time, which runs faster: brokers refuse records that are an hour ahead of the clock. */
const SIX_HOURS = 6 * 3_600_000
/** Sub-topologies times partitions. */
const TASKS = 2 * PARTITIONS
/** Milliseconds for the application to process everything after the last fault. */
const DRAIN_PATIENCE = 60_000
/** Milliseconds for the same where a service is called, one call after the other for each account. */
const CALLS_PATIENCE = 180_000
/** Milliseconds without a change after which the application counts as drained. */
const QUIET = 1500
const CLOSE_PATIENCE = 40_000
/** Milliseconds for abandoned transactions to end: they hold up readers of committed records. */
const COMPARE_PATIENCE = 60_000

/** An open transaction that the brokers have forgotten: nobody will ever read past it, so the round proves nothing. */
export class ForgottenTransaction extends Error {}

/** Runs the application in own processes, under steady input, through the seed's faults. @returns what is wrong then */
export function runRound(brokers: ProxiedBrokers, options: RoundOptions): Promise<RoundResult> {
  return new Round(brokers, options).run()
}

interface Place {
  readonly name: string
  readonly directory: string
  process: AppProcess<BankStatus>
  isBusy: boolean
  /** When it was last frozen for longer than its session lasts, by `performance.now()`. */
  wasZombieUntil: number
}

class Round {
  readonly #brokers: ProxiedBrokers
  readonly #options: RoundOptions
  readonly #random: Random
  #settings: BankSettings
  readonly #topics: BankTopics
  readonly #bank: DatedBank
  readonly #log: Log
  readonly #places: Place[] = []
  readonly #faults = new Map<FaultKind, number>()
  readonly #trace: string[] = []
  readonly #started = performance.now()
  readonly #recoveries: Promise<void>[] = []
  #service: CheckService | undefined
  #isBrokerBusy = false
  #brokerFaults = 0
  #hadZombie = false

  constructor(brokers: ProxiedBrokers, options: RoundOptions) {
    this.#brokers = brokers
    this.#options = options
    this.#random = new Random(options.seed)
    const prefix = `${uniqueName(`bank-${options.seed}`)}-`
    this.#settings = {
      prefix,
      guarantee: options.guarantee,
      standbyReplicas: this.#random.pick([0, 0, 1]),
      threads: options.threads ?? 1,
      checks: undefined,
    }
    this.#topics = bankTopics(prefix)
    this.#bank = { seed: options.seed, accounts: ACCOUNTS, start: Date.now() - SIX_HOURS }
    this.#log = kafka({ brokers: brokers.addresses })
  }

  async run(): Promise<RoundResult> {
    const lostBefore = this.#brokers.lost
    const ending = new AbortController()
    let feeding: Promise<number> = Promise.resolve(0)
    try {
      await this.#prepare()
      if (this.#options.isAsync === true) await this.#startService()
      const processes = this.#random.pick([2, 3])
      while (this.#places.length < processes) this.#places.push(this.#open(this.#places.length))
      const generator = bankGenerator(this.#bank, this.#topics)
      feeding = feed(this.#log, generator, {
        rate: this.#service === undefined ? RATE : CHECKED_RATE,
        signal: ending.signal,
      })
      feeding.catch(() => undefined)
      await this.#until('every process works', () => this.#places.every(({ process }) => hasTasks(process)))
      await this.#disturb()
      ending.abort()
      const payments = await feeding
      this.#note(`${payments} payments made; calm`)
      await this.#drain()
      await this.#awaitTransactions()
      // Records that open transactions had hidden from the tasks are processed now.
      await this.#drain()
      await this.#close()
      const difference = await within(COMPARE_PATIENCE, this.#compare(payments), 'topics and stores cannot be read')
      const calls = await this.#callsSeen(payments)
      const { lost } = this.#brokers
      return {
        ...difference,
        calls,
        payments,
        faults: this.#faults,
        lostResponses: lost - lostBefore,
        trace: this.#trace,
      }
    } catch (error) {
      const open = await this.#openTransactions().catch(() => [])
      const lines = open.map(({ place, isForgotten }) => `${isForgotten ? 'forgotten' : 'open'}: ${place}`)
      const message = [error instanceof Error ? error.message : String(error), this.#report(), ...lines].join('\n')
      if (open.some(({ isForgotten }) => isForgotten)) throw new ForgottenTransaction(message, { cause: error })
      throw new Error(message, { cause: error })
    } finally {
      this.#brokers.loseReplies(() => false)
      ending.abort()
      await Promise.allSettled(this.#recoveries)
      await Promise.all(this.#places.map(({ process }) => process.kill()))
      await this.#service?.stop()
      await this.#log.close()
    }
  }

  async #startService(): Promise<void> {
    const service = await CheckService.start(this.#options.seed)
    this.#service = service
    const emit = this.#random.pick(['in-order', 'as-completed'] as const)
    const sameKey = this.#random.pick(['serial', 'concurrent'] as const)
    this.#settings = { ...this.#settings, checks: { url: service.url, emit, sameKey } }
    this.#note(`a service is called: ${emit}, ${sameKey}`)
  }

  async #prepare(): Promise<void> {
    const { payments, owners, totals, minutes, named, checked } = this.#topics
    const spec = (name: string, configs: Readonly<Record<string, string>>) => ({
      name,
      partitions: PARTITIONS,
      configs,
    })
    await this.#log.createTopics([
      ...[payments, named, checked].map(({ name }) => spec(name, { 'retention.ms': '-1' })),
      ...[owners, totals, minutes].map(({ name }) => spec(name, { 'cleanup.policy': 'compact' })),
    ])
    await using writer = await TopicWriter.open(this.#log, owners)
    for (const [account, owner] of ownersOf(this.#bank)) writer.write(account, owner, { timestamp: 0 })
  }

  #open(index: number): Place {
    const name = String.fromCharCode(65 + index)
    const directory = join(this.#options.directory, `${this.#settings.prefix}${name}`)
    mkdirSync(directory, { recursive: true })
    return { name, directory, process: this.#spawn(directory), isBusy: false, wasZombieUntil: -Infinity }
  }

  #spawn(directory: string): AppProcess<BankStatus> {
    const settings: BankProcessSettings = {
      ...this.#settings,
      stateDirectory: directory,
      kafka: {
        brokers: this.#brokers.addresses,
        groupProtocol: this.#options.groupProtocol,
        sessionTimeout: SESSION_TIMEOUT,
        heartbeatInterval: HEARTBEAT_INTERVAL,
        transactionTimeout: 4000,
      },
    }
    return new AppProcess<BankStatus>({ main: MAIN, settings })
  }

  async #disturb(): Promise<void> {
    const { faults } = this.#options
    if (typeof faults === 'number') return this.#disturbAtRandom(faults)
    await faults({
      applicationId: `${this.#settings.prefix}bank`,
      topics: this.#topics,
      calls: () => this.#service?.calls ?? 0,
      note: (what) => this.#note(what),
      strike: async (kind) => {
        const recovery = this.#fault(kind)
        if (recovery === undefined) throw new Error(`there is nobody whom ${kind} could strike`)
        await recovery
      },
    })
  }

  async #disturbAtRandom(faults: number): Promise<void> {
    const random = this.#random
    const share = random.pick([0.01, 0.03, 0.1])
    const losing = new Random(this.#options.seed)
    this.#brokers.loseReplies((apiKey) => LOSABLE.has(apiKey) && losing.chance(share))
    for (let fault = 0; fault < faults;) {
      await sleep(random.between(200, 1500))
      this.#assertNoneFailed()
      const kind = random.pick(this.#kinds)
      const recovery = this.#fault(kind)
      if (recovery === undefined) continue
      fault++
      this.#recoveries.push(recovery)
      // A failure is thrown where all of them are awaited.
      recovery.catch(() => undefined)
    }
    await Promise.all(this.#recoveries)
    await sleep(random.between(200, 1000))
    this.#brokers.loseReplies(() => false)
  }

  /**
   * Faults that are possible: a single broker stays up. Back after a restart, it would take partitions without leader
   * for deleted, and never end their transactions, or only some (Kafka 4.3, `TransactionMarkerChannelManager`).
   */
  get #kinds(): readonly FaultKind[] {
    return this.#brokers.nodes.length > 1 ? faultKinds : processFaults
  }

  /** Begins a fault. Returns a promise of its end, undefined if it can strike nobody at the moment. */
  #fault(kind: FaultKind): Promise<void> | undefined {
    const recovery = this.#begin(kind)
    if (recovery !== undefined) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + 1)
    return recovery
  }

  #begin(kind: FaultKind): Promise<void> | undefined {
    const random = this.#random
    const idle = this.#places.filter(({ isBusy }) => !isBusy)
    const downtime = random.between(0, 2000)
    if (kind === 'brokerKill' || kind === 'brokerShutDown') {
      if (this.#isBrokerBusy) return undefined
      this.#isBrokerBusy = true
      this.#brokerFaults++
      const node = random.pick(this.#brokers.nodes)
      this.#note(`broker ${node.id}: ${kind}`)
      return this.#brokers.restart(node, kind === 'brokerKill' ? 'kill' : 'shutDown', downtime).then(() => {
        this.#note(`broker ${node.id}: back`)
        this.#isBrokerBusy = false
      })
    }
    if (idle.length === 0) return undefined
    const place = random.pick(idle)
    place.isBusy = true
    this.#note(`${place.name}: ${kind}`)
    return this.#strike(place, kind, downtime).then(() => {
      this.#note(`${place.name}: back`)
      place.isBusy = false
    })
  }

  async #strike(place: Place, kind: FaultKind, downtime: number): Promise<void> {
    const { process, directory } = place
    if (kind === 'zombie' || kind === 'pause') {
      process.freeze()
      await sleep(kind === 'zombie' ? SESSION_TIMEOUT + downtime : downtime / 2)
      process.thaw()
      if (kind === 'zombie') {
        this.#hadZombie = true
        place.wasZombieUntil = performance.now()
      }
      return
    }
    const disturbances = this.#brokerFaults
    // The group has given a zombie up, and takes it back at its next heartbeats.
    const isMember = performance.now() - place.wasZombieUntil > SESSION_TIMEOUT
    const mayCommit = isMember && !this.#isBrokerBusy
    if (kind === 'stop') await within(CLOSE_PATIENCE, process.stop(), `${place.name} does not stop`)
    else await process.kill()
    // Nobody can commit without the broker.
    const mustHaveCommitted = mayCommit && disturbances === this.#brokerFaults
    if (process.hasFailed || (mustHaveCommitted && process.leftUncommitted)) {
      throw new Error(`${place.name} failed:\n${process.errors}`)
    }
    if (kind === 'wipe') rmSync(directory, { recursive: true, force: true })
    await sleep(downtime)
    place.process = this.#spawn(directory)
  }

  async #drain(): Promise<void> {
    let before = ''
    let since = performance.now()
    await this.#until('everything is processed', () => {
      const statuses = this.#places.map(({ process }) => process.status)
      const now = JSON.stringify(statuses)
      const tasks = new Set(statuses.flatMap((status) => status?.tasks ?? []))
      const isDone = tasks.size === TASKS && statuses.every(isIdle)
      if (!isDone || now !== before) since = performance.now()
      before = now
      return performance.now() - since > QUIET
    })
    this.#note('drained')
  }

  async #close(): Promise<void> {
    const stopping = Promise.all(this.#places.map(({ process }) => process.stop()))
    await within(CLOSE_PATIENCE, stopping, 'the processes do not stop')
    this.#assertNoneFailed()
    const left = this.#places.find(({ process }) => process.leftUncommitted)
    if (left !== undefined) throw new Error(`${left.name} could not commit`)
    this.#note('closed')
  }

  #openTransactions(): Promise<OpenTransaction[]> {
    return openTransactions(this.#brokers.addresses, this.#settings.prefix)
  }

  /** Waits for transactions that killed processes left open: they hold up readers, and so the comparison. */
  async #awaitTransactions(): Promise<void> {
    const deadline = performance.now() + COMPARE_PATIENCE
    for (;;) {
      const open = await this.#openTransactions()
      if (open.length === 0) return
      if (performance.now() > deadline) throw new Error(`open: ${open.map(({ place }) => place).join('; ')}`)
      await sleep(200)
    }
  }

  async #compare(payments: number): Promise<Difference> {
    const isChecked = this.#service !== undefined
    const expected = expectedBooks(this.#bank, this.#topics, payments, isChecked)
    const callsBefore = this.#service?.calls
    const parts = [
      await inputDifference(this.#log, this.#topics, payments),
      booksDifference('topics', expected, await booksInTopics(this.#log, this.#topics)),
    ]
    // The first directory has state, and the rest is restored; the second restores everything from the changelogs.
    for (const directory of [
      this.#places[0]!.directory,
      join(this.#options.directory, `${this.#settings.prefix}new`),
    ]) {
      const app = bankApp({ ...this.#settings, standbyReplicas: 0, threads: 1 })
      await using streams = await Streams.start(app, { log: this.#log, stateDirectory: directory })
      await this.#until('the stores are open', () => {
        const { state, tasks } = streams.status()
        return state === 'running' && tasks.length === TASKS
      })
      const where = directory.endsWith('new') ? 'changelogs' : 'stores'
      parts.push(booksDifference(where, expected, booksInStores(streams, isChecked)))
      const owners = JSON.stringify([...ownersInStores(streams)].toSorted())
      if (owners !== JSON.stringify([...ownersOf(this.#bank)].toSorted()))
        parts.push({ lost: 1, doubled: 0, examples: [`${where}: the table of owners is ${owners}`] })
    }
    // What has been answered and committed is not called for again by those who open the stores, except for this: at
    // least once, a member that was given up may still write that a call runs, after its successor wrote the answer.
    const mayRepeat = this.#settings.guarantee === 'at_least_once' && (this.#hadZombie || this.#brokerFaults > 0)
    if (!mayRepeat && this.#service?.calls !== callsBefore)
      throw new Error('the service is called again though all was answered')
    this.#note('compared')
    return sum(parts)
  }

  /** Keys and order; how many answers there are, the books tell. */
  async #callsSeen(payments: number): Promise<CallsSeen | undefined> {
    const { checks, guarantee } = this.#settings
    if (this.#service === undefined || checks === undefined) return undefined
    const ids = Array.from({ length: payments }, (_, index) => `p${index}`)
    const seen = this.#service.seen(ids.flatMap((id) => CHECKS.map((check) => nameOf({ id, check }))))
    // Records that are processed again are sent again, behind later ones.
    if (guarantee === 'at_least_once') return seen
    const by = checks.emit === 'in-order' ? 'partition' : 'payer'
    return { ...seen, wrong: [...seen.wrong, ...(await disorderOf(this.#log, this.#topics, by))] }
  }

  async #until(what: string, isTrue: () => boolean): Promise<void> {
    const patience = this.#service === undefined ? DRAIN_PATIENCE : CALLS_PATIENCE
    const deadline = performance.now() + patience
    while (!isTrue()) {
      if (performance.now() > deadline) throw new Error(`not within ${patience} ms: ${what}`)
      this.#assertNoneFailed()
      await sleep(100)
    }
  }

  #assertNoneFailed(): void {
    const failed = this.#places.find(({ process }) => process.hasFailed)
    if (failed !== undefined) throw new Error(`process ${failed.name} failed`)
  }

  #note(what: string): void {
    this.#trace.push(`${((performance.now() - this.#started) / 1000).toFixed(1)} s ${what}`)
  }

  #report(): string {
    const said = this.#places.map(
      ({ name, process }) => `--- ${name} ${JSON.stringify(process.status)}\n${process.errors}`,
    )
    return [JSON.stringify(this.#settings), ...this.#trace, ...said].join('\n')
  }
}

function isIdle(status: BankStatus | undefined): boolean {
  return status?.state === 'running' && status.lag === 0 && status.calls === 0
}

function hasTasks({ status }: AppProcess<BankStatus>): boolean {
  return status?.state === 'running' && status.tasks.length > 0
}

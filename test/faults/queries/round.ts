import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readTopic, TopicWriter } from 'millrace'
import type { Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { uniqueName } from '../../kafka/broker/index.ts'
import { Random } from '../../simulation/random.ts'
import { HEARTBEAT_INTERVAL, SESSION_TIMEOUT } from '../kit/brokers.ts'
import type { ProxiedBrokers } from '../kit/brokers.ts'
import { within } from '../kit/within.ts'
import { mirror, PARTITIONS, STORES, wordsTopic } from './app.ts'
import { Asker, Positions } from './asker.ts'
import type { AskedStore } from './asker.ts'
import { Instance, PEER_FAULTS, PROCESS_FAULTS } from './instance.ts'
import type { FaultKind } from './instance.ts'
import { ExactCounts, GrowingCounts, partitionOf, Written } from './model.ts'
import { settledFault } from './settled.ts'
import { Tally } from './tally.ts'

export interface QueryRoundOptions {
  readonly seed: number
  readonly groupProtocol: 'streams' | 'classic'
  /** Threads of each process. */
  readonly threads: number
  /** How many faults the seed chooses, or which ones there are, in order. */
  readonly faults: number | readonly FaultKind[]
  /** The directory for the state of the processes; the caller removes it. */
  readonly directory: string
}

export interface QueryRoundResult {
  readonly tally: Tally
  readonly records: number
  readonly faults: readonly FaultKind[]
  /** What is wrong besides single answers. */
  readonly complaints: readonly string[]
  /** What happened, for a report. */
  readonly trace: readonly string[]
}

const INSTANCES = 3
/** At least one instance is there while others are struck. */
const MOST_STRUCK = INSTANCES - 1
const ASKERS = 8
const WORDS = 20_000
/** Records before the first question: about half of the words are there then. */
const FILL = 15_000
/** Records a second after that. */
const RATE = 1000
/** ms between two turns of the writer. */
const TURN = 50
/** Right answers through an instance that does not have the task: with fewer, a round has shown nothing. */
const LEAST_HOPS = 200
/** The same while something was broken, for each fault. */
const LEAST_HOPS_A_FAULT = 10
/** The least and the greatest ms that a fault lasts; it ends between them when enough was answered meanwhile. */
const [SHORTEST_FAULT, LONGEST_FAULT] = [300, 8000]
/** ms for all instances to run, or to have processed everything. */
const PATIENCE = 60_000
/** ms without a change after which everything counts as processed. */
const QUIET = 1000

/** Asks three instances under steady input and through the seed's faults. @returns what is wrong with their answers */
export function runQueryRound(brokers: ProxiedBrokers, options: QueryRoundOptions): Promise<QueryRoundResult> {
  return new QueryRound(brokers, options).run()
}

class QueryRound {
  readonly #options: QueryRoundOptions
  readonly #brokers: ProxiedBrokers
  readonly #random: Random
  readonly #prefix: string
  readonly #log: Log
  readonly #written = new Written()
  readonly #tally = new Tally()
  readonly #instances: Instance[] = []
  readonly #stores: readonly AskedStore[]
  readonly #faults: FaultKind[] = []
  readonly #recoveries: Promise<void>[] = []
  readonly #trace: string[] = []
  readonly #started = performance.now()
  readonly #ending = new AbortController()

  constructor(brokers: ProxiedBrokers, options: QueryRoundOptions) {
    this.#brokers = brokers
    this.#options = options
    this.#random = new Random(options.seed)
    this.#prefix = `${uniqueName(`asked-${options.seed}`)}-`
    this.#log = kafka({ brokers: brokers.addresses })
    this.#stores = storesOf(this.#prefix, this.#written)
  }

  async run(): Promise<QueryRoundResult> {
    try {
      const complaints = await this.#run()
      const { records } = this.#written
      return { tally: this.#tally, records, faults: this.#faults, complaints, trace: this.#trace }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      throw new Error([message, ...this.#tally.examples, this.#report()].join('\n'), { cause: error })
    } finally {
      this.#ending.abort()
      await Promise.allSettled(this.#recoveries)
      await Promise.all(this.#instances.map((instance) => instance.close()))
      await this.#log.close()
    }
  }

  async #run(): Promise<string[]> {
    const words = wordsTopic(this.#prefix)
    const configs = { 'retention.ms': '-1' }
    await this.#log.createTopics([{ name: words.name, partitions: PARTITIONS, configs }])
    await using writer = await TopicWriter.open(this.#log, words)
    for (let record = 0; record < FILL; record++) this.#write(writer)
    await writer.flush()
    await this.#startInstances()
    await this.#until('every instance runs', () => this.#instances.every(({ isRunning }) => isRunning))
    this.#note('running')
    const { signal } = this.#ending
    const busy = [this.#keepWriting(writer, signal), ...this.#askers().map((asker) => asker.run(signal))]
    const working = Promise.all(busy)
    // The others end by themselves only if they fail.
    await Promise.race([this.#disturb(), working])
    this.#ending.abort()
    await working
    this.#note(`calm: ${this.#written.records} records, ${this.#tally.asked} questions`)
    await this.#drain()
    const fault = await within(PATIENCE, this.#settle(), 'the stores do not show all that was written')
    await this.#close()
    return [fault, await this.#inputFault(), this.#poverty()].filter((each) => each !== undefined)
  }

  async #startInstances(): Promise<void> {
    const { directory, groupProtocol, threads } = this.#options
    const standbyReplicas = this.#random.pick([0, 1])
    for (let index = 0; index < INSTANCES; index++) {
      const name = String.fromCharCode(65 + index)
      this.#instances.push(
        await Instance.start({
          name,
          prefix: this.#prefix,
          standbyReplicas,
          threads,
          directory: join(directory, `${this.#prefix}${name}`),
          kafka: {
            brokers: this.#brokers.addresses,
            groupProtocol,
            sessionTimeout: SESSION_TIMEOUT,
            heartbeatInterval: HEARTBEAT_INTERVAL,
            transactionTimeout: 4000,
          },
        }),
      )
    }
    this.#note(`${groupProtocol}, threads: ${threads}, standbys: ${standbyReplicas}`)
  }

  #askers(): Asker[] {
    const known = new Positions()
    return Array.from({ length: ASKERS }, (_, index) => {
      const { seed } = this.#options
      return new Asker({
        random: new Random(seed * ASKERS + index),
        instances: this.#instances,
        stores: this.#stores,
        tally: this.#tally,
        known,
        carries: index % 4 !== 0,
      })
    })
  }

  #write(writer: TopicWriter<string, string>): void {
    const word = wordOf(this.#random.below(WORDS))
    this.#written.note(word)
    writer.write(word, '')
  }

  async #keepWriting(writer: TopicWriter<string, string>, signal: AbortSignal): Promise<void> {
    const started = performance.now()
    for (let wrote = 0; !signal.aborted;) {
      const due = ((performance.now() - started) * RATE) / 1000
      for (; wrote < due; wrote++) this.#write(writer)
      await writer.flush()
      await sleep(TURN)
    }
  }

  async #disturb(): Promise<void> {
    const { faults } = this.#options
    for (const kind of typeof faults === 'number' ? this.#chosen(faults) : faults) {
      await sleep(this.#random.between(500, 2000))
      while (this.#instances.filter(({ isStruck }) => isStruck).length >= MOST_STRUCK) await sleep(50)
      this.#assertNoneFailed()
      this.#strike(kind)
    }
    await Promise.all(this.#recoveries)
    await this.#until('enough answers come from other instances', () => this.#tally.hops >= LEAST_HOPS)
  }

  /** Kinds in a random order, each as often as the others: the first one breaks connections of peers. */
  #chosen(count: number): FaultKind[] {
    const chosen: FaultKind[] = [this.#random.pick(PEER_FAULTS)]
    let left: FaultKind[] = []
    while (chosen.length < count) {
      if (left.length === 0) left = [...PROCESS_FAULTS, ...PEER_FAULTS]
      chosen.push(...left.splice(this.#random.below(left.length), 1))
    }
    return chosen
  }

  #strike(kind: FaultKind): void {
    const instance = this.#random.pick(this.#instances.filter(({ isStruck }) => !isStruck))
    this.#note(`${instance.name}: ${kind}`)
    this.#faults.push(kind)
    const least = this.#tally.hopsUnderFaults + LEAST_HOPS_A_FAULT
    const lasting = (): Promise<void> => this.#lasting(least)
    const recovery = instance.strike(kind, this.#random, lasting).then(() => this.#note(`${instance.name}: back`))
    this.#recoveries.push(recovery)
    // A failure is thrown where all of them are awaited.
    recovery.catch(() => undefined)
  }

  /** Resolves when enough was answered through instances without the task, if that can be. */
  async #lasting(least: number): Promise<void> {
    await sleep(this.#random.between(SHORTEST_FAULT, 2000))
    const deadline = performance.now() + LONGEST_FAULT
    while (this.#tally.hopsUnderFaults < least && performance.now() < deadline) await sleep(20)
  }

  async #drain(): Promise<void> {
    let before = ''
    let since = performance.now()
    await this.#until('everything is processed', () => {
      const statuses = this.#instances.map(({ status }) => status)
      const now = JSON.stringify(statuses)
      const tasks = new Set(statuses.flatMap((status) => status?.tasks ?? []))
      const isIdle = statuses.every((status) => status?.state === 'running' && status.lag === 0)
      if (!isIdle || tasks.size < STORES.length * PARTITIONS || now !== before) since = performance.now()
      before = now
      return performance.now() - since > QUIET
    })
    this.#note('drained')
  }

  /** Asks every instance for everything, until it shows all that was written. Returns what it shows otherwise. */
  async #settle(): Promise<string | undefined> {
    for (const instance of this.#instances) {
      for (const store of this.#stores) {
        const deadline = performance.now() + PATIENCE / 2
        for (;;) {
          const fault = await settledFault(instance, store)
          if (fault === undefined) break
          if (performance.now() > deadline) return fault
          await sleep(100)
        }
      }
    }
    this.#note('settled')
    return undefined
  }

  /** Finds out whether the topic is what the round takes it for. */
  async #inputFault(): Promise<string | undefined> {
    const found = new Written()
    const wrong: string[] = []
    for await (const { key, partition, offset } of readTopic(this.#log, wordsTopic(this.#prefix), { until: 'end' })) {
      const word = String(key)
      if (partitionOf(word) !== partition || found.end(partition) !== offset) wrong.push(`${word} at ${offset}`)
      found.note(word)
    }
    const isSame = [...found.words].every(
      ([word, offsets]) => String(offsets) === String(this.#written.words.get(word)),
    )
    if (isSame && found.records === this.#written.records && wrong.length === 0) return undefined
    return `the topic has ${found.records} records of ${this.#written.records}; ${wrong.slice(0, 5).join(', ')}`
  }

  /** Says what the round lacks to prove anything. */
  #poverty(): string | undefined {
    const { hops, hopsUnderFaults } = this.#tally
    const least = LEAST_HOPS_A_FAULT * this.#faults.length
    if (hops >= LEAST_HOPS && hopsUnderFaults >= least) return undefined
    return `only ${hops} of ${LEAST_HOPS} answers came from elsewhere, ${hopsUnderFaults} of ${least} under faults`
  }

  async #close(): Promise<void> {
    await Promise.all(this.#instances.map((instance) => instance.stop()))
    this.#assertNoneFailed()
    for (const instance of this.#instances) rmSync(instance.directory, { recursive: true, force: true })
    this.#note('closed')
  }

  async #until(what: string, isTrue: () => boolean): Promise<void> {
    const deadline = performance.now() + PATIENCE
    while (!isTrue()) {
      if (performance.now() > deadline) throw new Error(`not within ${PATIENCE} ms: ${what}`)
      this.#assertNoneFailed()
      await sleep(50)
    }
  }

  #assertNoneFailed(): void {
    const failed = this.#instances.find(({ isStruck, hasFailed }) => !isStruck && hasFailed)
    if (failed !== undefined) throw new Error(`${failed.name} failed`)
  }

  #note(what: string): void {
    this.#trace.push(`${((performance.now() - this.#started) / 1000).toFixed(1)} s ${what}`)
  }

  #report(): string {
    const said = this.#instances.map(({ name, status, errors }) => `--- ${name} ${JSON.stringify(status)}\n${errors}`)
    return [...this.#trace, ...said].join('\n')
  }
}

function wordOf(index: number): string {
  return `k${String(index).padStart(5, '0')}`
}

function storesOf(prefix: string, written: Written): AskedStore[] {
  const words = Array.from({ length: WORDS }, (_, index) => wordOf(index))
  return STORES.map(({ name, subtopology }) =>
    name === 'counts'
      ? { name, subtopology, truth: new ExactCounts(wordsTopic(prefix).name, written), keys: words }
      : {
          name,
          subtopology,
          truth: new GrowingCounts(`${prefix}asked-mirrors-repartition`, written),
          keys: words.map(mirror).sort(),
        },
  )
}

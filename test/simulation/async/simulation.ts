import { silentLogger } from '../../../src/index.ts'
import type { Application, Logger } from '../../../src/index.ts'
import { calmDown, disturb, Faults, settle, stopAll } from '../disturbance.ts'
import { differences } from '../observe.ts'
import { Random } from '../random.ts'
import type { SimProcess } from '../sim-process.ts'
import { PARTITIONS, partitionOf, World } from '../world.ts'
import type { InputRecord, Round, Simulated } from '../world.ts'
import { asyncApp, clicks, OUTPUTS, payments, rates } from './app.ts'
import type { Payment } from './app.ts'
import { Ledger } from './ledger.ts'
import { compareAsSets, observe } from './outputs.ts'
import { Service } from './service.ts'
import { randomAsyncShape } from './shape.ts'
import type { AsyncShape } from './shape.ts'
import { callingSteps, SYNCHRONOUS } from './step-makers.ts'

export interface AsyncSimulationResult {
  readonly seed: number
  readonly shape: AsyncShape
  readonly steps: number
  /** How often each kind of fault happened. */
  readonly faults: ReadonlyMap<string, number>
  /** Empty if everything is as with synchronous steps in an undisturbed run. */
  readonly problems: readonly string[]
  /** What happened, in its order. */
  readonly trace: readonly string[]
}

const HOSTS = 3
const KEYS = ['ada', 'bob', 'cyd', 'dan', 'eve', 'fay', 'gus']
const SHOPS = Array.from({ length: 5 }, (_, index) => `shop-${index}`)
/** After every window. */
const END_OF_TIME = 1_000_000_000

/**
 * Runs an application with asynchronous steps through whatever the seed brings, and once with synchronous steps and
 * undisturbed. Under exactly-once both must come to the same; at least once, nothing may be lost.
 */
export async function simulateAsync(seed: number): Promise<AsyncSimulationResult> {
  const random = new Random(seed)
  const shape = randomAsyncShape(random)
  const rounds = randomRounds(random, shape)
  const disturbed = new Disturbed(shape, rounds, random)
  let problems: string[]
  try {
    problems = await disturbed.run()
  } finally {
    await disturbed.world.close()
  }
  const { faults, world } = disturbed
  const { steps, trace } = world.schedule
  return { seed, shape, steps, faults: faults.counts, problems, trace }
}

class Disturbed {
  readonly world: World
  readonly faults = new Faults()
  readonly #shape: AsyncShape
  readonly #rounds: readonly Round[]
  readonly #random: Random
  readonly #service: Service
  readonly #ledger: Ledger

  constructor(shape: AsyncShape, rounds: readonly Round[], random: Random) {
    this.#shape = shape
    this.#rounds = rounds
    this.#random = random
    this.#service = new Service(random, this.faults, shape.trouble, (id) => this.#ledger.hasSent('limited', id))
    const logger: Logger = {
      ...silentLogger,
      error: (fields, message) => this.world.schedule.note(`${message}: ${textOf(fields)}`),
    }
    const appOf = (process: SimProcess): Application =>
      asyncApp(shape, callingSteps(shape, this.#service, process), logger)
    this.world = new World(simulated(shape, appOf), HOSTS, random, random.pick([0.2, 0.5, 0.8]), this.faults)
    this.#ledger = new Ledger(this.world.log, shape)
    for (const round of [...rounds, lastRound(shape)]) this.#ledger.appended(round)
  }

  async run(): Promise<string[]> {
    const { world } = this
    const check = (): void => this.#ledger.check()
    await disturb(world, this.#rounds, this.faults, check)
    this.#service.isCalm = true
    calmDown(world)
    for (const round of [[], lastRound(this.#shape)]) {
      if (round.length > 0) world.append(round)
      if (await settle(world, () => this.#isOver, check)) continue
      return [...this.#problems, `does not come to an end: ${world.describe()}; kept: ${this.#ledger.kept}`]
    }
    const expected = await undisturbed(this.#shape, this.#rounds)
    try {
      // At least once, results may still be on their way.
      const compared = this.#isExact ? this.#compare(expected) : []
      const problems = [...this.#problems, ...compared, ...this.#uncalled()]
      if (problems.length > 0 || (this.#isExact && this.#random.chance(0.5))) return problems
      return await this.#restoreAll(expected)
    } finally {
      await expected.close()
    }
  }

  get #isExact(): boolean {
    return this.#shape.guarantee === 'exactly_once'
  }

  /**
   * True if no record is in a step or its store. At least once, a process that is no member any more may have written
   * to a store after the next owner had read it: whoever reads it next calls again.
   */
  get #isOver(): boolean {
    return this.world.callsEnded && (!this.#isExact || this.#ledger.isEmpty)
  }

  get #problems(): string[] {
    return [...this.world.problems, ...this.#service.problems, ...this.#ledger.problems]
  }

  #compare(expected: World): string[] {
    if (this.#isExact) {
      return OUTPUTS.flatMap((output) =>
        differences('output', observe(this.world.log, output), observe(expected.log, output)),
      )
    }
    return OUTPUTS.filter(({ isStateless }) => isStateless).flatMap((output) => {
      const { problems, doubled } = compareAsSets(
        output.name,
        observe(this.world.log, output),
        observe(expected.log, output),
      )
      for (let i = 0; i < doubled; i++) this.faults.count('result doubled at least once')
      return problems
    })
  }

  /** Every record must have been called. */
  #uncalled(): string[] {
    if (!this.#shape.pieces.includes('notified')) return []
    const called = this.#service.called.get('notify')
    return [...this.#rounds, lastRound(this.#shape)]
      .flat()
      .filter(({ topic, value }) => topic === payments.name && called?.has((value as Payment).id) !== true)
      .map(({ value }) => `nobody was notified of ${(value as Payment).id}`)
  }

  /** All stop, every disk is lost, one starts: nothing is to come of it. */
  async #restoreAll(expected: World): Promise<string[]> {
    const { world } = this
    if (!(await stopAll(world))) return [...this.#problems, `does not stop: ${world.describe()}`]
    world.start(this.#random.pick(world.hosts))
    const check = (): void => this.#ledger.check()
    if (!(await settle(world, () => world.callsEnded && this.#ledger.isEmpty, check)) || !(await stopAll(world))) {
      return [...this.#problems, `does not restore: ${world.describe()}; kept: ${this.#ledger.kept}`]
    }
    return [...this.#problems, ...this.#compare(expected)]
  }
}

/** To be closed by the caller. */
async function undisturbed(shape: AsyncShape, rounds: readonly Round[]): Promise<World> {
  const calm: AsyncShape = { ...shape, guarantee: 'exactly_once', threads: 1 }
  const app = asyncApp(calm, SYNCHRONOUS, silentLogger)
  const world = new World(
    simulated(calm, () => app),
    1,
    new Random(0),
    1,
    new Faults(),
  )
  for (const round of rounds) {
    world.append(round)
    await Promise.resolve()
  }
  for (const round of [[], lastRound(shape)]) {
    if (round.length > 0) world.append(round)
    if (!(await settle(world))) throw new Error(`the undisturbed run does not come to an end: ${world.describe()}`)
  }
  if (world.problems.length > 0) throw new Error(world.problems.join('\n'))
  return world
}

function simulated(shape: AsyncShape, appOf: (process: SimProcess) => Application): Simulated {
  const { subtopologies } = asyncApp(shape, SYNCHRONOUS, silentLogger).topology()
  return {
    appOf,
    topics: [payments.name, rates.name, clicks.name, ...OUTPUTS.map(({ name }) => name)],
    inputs: [...inputsOf(shape), ...(shape.pieces.includes('rekeyed') ? ['app-shop-repartition'] : [])],
    tasks: subtopologies.length * PARTITIONS,
    guarantee: shape.guarantee,
    kind: shape.threads === 1 ? 'kafka' : 'memory',
  }
}

function inputsOf({ pieces }: AsyncShape): string[] {
  return pieces.includes('stateful') ? [payments.name, rates.name, clicks.name] : [payments.name]
}

/** Records in rounds whose times rise; within a round times are out of order. */
function randomRounds(random: Random, shape: AsyncShape): Round[] {
  const rounds: Round[] = []
  const inputs = inputsOf(shape)
  let time = 1_000
  let id = 0
  for (let count = random.between(4, 10); count > 0; count--) {
    const round: InputRecord[] = []
    const span = random.pick([500, 2_000, 8_000])
    for (let records = random.between(1, 15); records > 0; records--) {
      const key = random.pick(KEYS)
      const timestamp = time + random.below(span)
      const topic = random.chance(0.6) ? payments.name : random.pick(inputs)
      if (topic === payments.name) {
        const isBad = shape.onError !== 'fail' && random.chance(0.1)
        round.push({ topic, key, value: { id: `${++id}`, shop: random.pick(SHOPS), isBad }, timestamp })
      } else round.push({ topic, key, value: topic === rates.name && random.chance(0.2) ? null : ++id, timestamp })
    }
    rounds.push(round)
    time += span
  }
  return rounds
}

/** A payment in every partition, so late that every window is closed. */
function lastRound(shape: AsyncShape): Round {
  const byPartition = new Map(KEYS.map((key) => [partitionOf(key), key]))
  if (byPartition.size < PARTITIONS) throw new Error('a partition has no key')
  const [shop = ''] = SHOPS
  return inputsOf(shape).flatMap((topic) =>
    [...byPartition.values()].map((key, index) => ({
      topic,
      key,
      value: topic === payments.name ? { id: `${1_000_000 + index}`, shop, isBad: false } : index,
      timestamp: END_OF_TIME,
    })),
  )
}

/** Error of a log line, without names that differ from run to run. */
function textOf(fields: object): string {
  if (!('err' in fields) || !(fields.err instanceof Error)) return ''
  return `${fields.err.message}`.replaceAll(/[0-9a-f-]{36}/g, '<process>')
}

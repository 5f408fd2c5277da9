import { silentLogger } from '../../src/index.ts'
import type { Application } from '../../src/index.ts'
import { END_OF_TIME, EXACT_OUTPUTS, FINAL_OUTPUTS, INPUTS, randomShape, simulatedApp } from './app.ts'
import type { AppShape } from './app.ts'
import { calmDown, disturb, Faults, settle, stopAll } from './disturbance.ts'
import { KEYS, randomInput, SHOPS } from './input.ts'
import { differences, observeOutputs, observeStores } from './observe.ts'
import type { Observation } from './observe.ts'
import { QueryClients } from './query-clients.ts'
import { Random } from './random.ts'
import { PARTITIONS, partitionOf, World } from './world.ts'
import type { InputRecord, Round, Simulated } from './world.ts'

export interface SimulationResult {
  readonly seed: number
  readonly shape: AppShape
  readonly steps: number
  /** The number of faults of each kind. */
  readonly faults: ReadonlyMap<string, number>
  /** Empty if everything is as in an undisturbed run. */
  readonly problems: readonly string[]
  /** Everything that happened, in order. */
  readonly trace: readonly string[]
}

const HOSTS = 3

/** Runs the application through the faults of a seed, and once without any. Both must have the same results. */
export async function simulate(seed: number): Promise<SimulationResult> {
  const random = new Random(seed)
  const shape = randomShape(random)
  const rounds = randomInput(random)
  const disturbed = new Disturbed(seed, shape, rounds, random)
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
  readonly #seed: number
  readonly #shape: AppShape
  readonly #rounds: readonly Round[]
  readonly #random: Random
  /** Tasks whose wall-clock punctuator has run since the faults ended. */
  readonly #punctuated = new Set<string>()
  #calm = false

  constructor(seed: number, shape: AppShape, rounds: readonly Round[], random: Random) {
    this.#seed = seed
    this.#shape = shape
    this.#rounds = rounds
    this.#random = random
    const app = simulatedApp(
      shape,
      {
        beforeOrder: () => {
          if (this.#calm || !random.chance(0.002)) return
          this.faults.count('user function throws')
          throw new RangeError('a user function throws')
        },
        punctuated: (task) => void this.#punctuated.add(task),
      },
      { ...silentLogger, error: (fields, message) => this.world.schedule.note(`${message}: ${textOf(fields)}`) },
    )
    this.world = new World(simulatedWorld(app), HOSTS, random, random.pick([0.2, 0.5, 0.8]), this.faults)
  }

  async run(): Promise<string[]> {
    const { world } = this
    const clients = new QueryClients(world, new Random(this.#seed))
    const onStep = (): void => clients.step()
    await disturb(world, this.#rounds, this.faults, onStep)
    this.#calm = true
    calmDown(world)
    const settled = await settle(world, undefined, onStep)
    await clients.close()
    this.faults.counts.set('answers to queries', clients.answers)
    this.faults.counts.set('changes of watches', clients.changes)
    if (!settled || clients.problems.length > 0) {
      return [...world.problems, ...clients.problems, `does not come to an end: ${world.describe()}`]
    }
    for (const round of lastRounds()) {
      world.append(round)
      if (!(await settle(world))) return [...world.problems, `does not come to an end: ${world.describe()}`]
    }
    this.#punctuated.clear()
    if (!(await settle(world, () => this.#punctuated.size === PARTITIONS))) {
      return [...world.problems, `has no wall-clock punctuation: ${world.describe()}`]
    }
    const expected = await undisturbed(this.#shape, this.#rounds)
    const problems = [...world.problems, ...differences('output', observeOutputs(world.log), expected.outputs)]
    problems.push(...differences('store', observeStores(world.running), expected.stores))
    if (problems.length > 0) return problems
    return this.#random.chance(0.5) ? this.#restoreAll(expected) : []
  }

  /** Stops all, wipes every disk and starts one: every store must be in its changelog. */
  async #restoreAll(expected: Undisturbed): Promise<string[]> {
    const { world } = this
    if (!(await stopAll(world))) return [`does not stop: ${world.describe()}`]
    world.start(this.#random.pick(world.hosts))
    if (!(await settle(world))) return [...world.problems, `does not restore: ${world.describe()}`]
    return [
      ...world.problems,
      ...differences('after the restore, output', observeOutputs(world.log), expected.outputs),
      ...differences('after the restore, store', observeStores(world.running), expected.stores),
    ]
  }
}

/** Every process runs the same application, of two sub-topologies. */
function simulatedWorld(app: Application): Simulated {
  return {
    appOf: () => app,
    topics: [...INPUTS, ...EXACT_OUTPUTS, ...FINAL_OUTPUTS].map(({ name }) => name),
    inputs: [...INPUTS.map(({ name }) => name), 'app-shop-repartition'],
    tasks: 2 * PARTITIONS,
    guarantee: 'exactly_once',
    kind: 'memory',
  }
}

interface Undisturbed {
  readonly outputs: Observation
  readonly stores: Observation
}

async function undisturbed(shape: AppShape, rounds: readonly Round[]): Promise<Undisturbed> {
  const app = simulatedApp({ ...shape, threads: 1 }, { beforeOrder() {}, punctuated() {} }, silentLogger)
  const world = new World(simulatedWorld(app), 1, new Random(0), 1, new Faults())
  try {
    for (const round of rounds) {
      world.append(round)
      await Promise.resolve()
    }
    for (const round of [[], ...lastRounds()]) {
      if (round.length > 0) world.append(round)
      if (!(await settle(world))) throw new Error(`the undisturbed run does not come to an end: ${world.describe()}`)
    }
    if (world.problems.length > 0) throw new Error(world.problems.join('\n'))
    return { outputs: observeOutputs(world.log), stores: observeStores(world.running) }
  } finally {
    await world.close()
  }
}

/** Makes orders from every partition to every other, so late that they close every window. */
function lastRounds(): Round[] {
  return [0, 100_000].map((after) =>
    onePerPartition(KEYS).flatMap((key) =>
      onePerPartition(SHOPS).map((shop): InputRecord => ({
        topic: 'orders',
        key,
        value: { id: 0, shop, cents: 0 },
        timestamp: END_OF_TIME + after,
      })),
    ),
  )
}

function onePerPartition(keys: readonly string[]): string[] {
  const byPartition = new Map(keys.map((key) => [partitionOf(key), key]))
  if (byPartition.size < PARTITIONS) throw new Error('a partition has no key')
  return [...byPartition.values()]
}

/** Returns the error of a log line, without names that differ from run to run. */
function textOf(fields: object): string {
  if (!('err' in fields) || !(fields.err instanceof Error)) return ''
  return `${fields.err.message}`.replaceAll(/[0-9a-f-]{36}/g, '<process>')
}

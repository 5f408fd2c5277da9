import { silentLogger } from '../../src/index.ts'
import { END_OF_TIME, PARTITIONS, randomShape, simulatedApp } from './app.ts'
import type { AppShape } from './app.ts'
import { KEYS, randomInput, SHOPS } from './input.ts'
import type { InputRecord, Round } from './input.ts'
import { differences, observeOutputs, observeStores } from './observe.ts'
import type { Observation } from './observe.ts'
import { rest } from './schedule.ts'
import { Random } from './random.ts'
import type { Host } from './world.ts'
import { partitionOf, World } from './world.ts'

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
/** Steps in ms by which dates are set, times up to 1,000: seconds, an hour, or so far that checkpoints are too old. */
const LEAPS = [-50_000, -3_600, -1, 1, 60, 3_600, 50_000]
/** Number of steps after which something hangs. */
const PATIENCE = 40_000

/** Runs the application through the faults of a seed, and once without any. Both must have the same results. */
export async function simulate(seed: number): Promise<SimulationResult> {
  const random = new Random(seed)
  const shape = randomShape(random)
  const rounds = randomInput(random)
  const disturbed = new Disturbed(shape, rounds, random)
  let problems: string[]
  try {
    problems = await disturbed.run()
  } finally {
    await disturbed.world.close()
  }
  const { faults, world } = disturbed
  const { steps, trace } = world.schedule
  return { seed, shape, steps, faults, problems, trace }
}

class Disturbed {
  readonly world: World
  readonly faults = new Map<string, number>()
  readonly #shape: AppShape
  readonly #rounds: readonly Round[]
  readonly #random: Random
  /** Tasks whose wall-clock punctuator has run since the faults ended. */
  readonly #punctuated = new Set<string>()
  #calm = false

  constructor(shape: AppShape, rounds: readonly Round[], random: Random) {
    this.#shape = shape
    this.#rounds = rounds
    this.#random = random
    const app = simulatedApp(
      shape,
      {
        beforeOrder: () => {
          if (this.#calm || !random.chance(0.002)) return
          this.count('user function throws')
          throw new RangeError('a user function throws')
        },
        punctuated: (task) => void this.#punctuated.add(task),
      },
      { ...silentLogger, error: (fields, message) => this.world.schedule.note(`${message}: ${textOf(fields)}`) },
    )
    this.world = new World(app, HOSTS, random, random.pick([0.2, 0.5, 0.8]), this)
  }

  count(kind: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1)
  }

  async run(): Promise<string[]> {
    const { world } = this
    await this.#disturb()
    this.#calm = true
    this.#calmDown()
    for (const round of [[], ...lastRounds()]) {
      if (round.length > 0) world.append(round)
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

  async #disturb(): Promise<void> {
    const { world } = this
    const random = this.#random
    Object.assign(world.commitFaults, { abort: 0.04, loseResponse: 0.04 })
    const faultRate = random.pick([0.003, 0.01, 0.03])
    world.start(random.pick(world.hosts))
    let next = 0
    for (let quiet = random.between(50, 300); quiet > 0;) {
      if (next === this.#rounds.length) quiet--
      else if (random.chance(0.02) && world.append(this.#rounds[next] as Round)) next++
      if (random.chance(faultRate)) {
        this.#fault()
        await rest()
      }
      await world.step()
    }
  }

  #fault(): void {
    const { world } = this
    const random = this.#random
    const free = world.hosts.filter(({ running }) => running === undefined)
    const busy = world.hosts.filter(({ running }) => running !== undefined)
    if (busy.length === 0 || (free.length > 0 && random.chance(0.4))) return this.#start(random.pick(free))
    this.#hit(random.pick(busy))
  }

  #start(host: Host): void {
    this.count(host.started === 0 ? 'start' : 'restart')
    this.world.start(host)
  }

  #hit(host: Host): void {
    const { world } = this
    const random = this.#random
    const { running } = host
    if (running === undefined) return
    const { process, streams } = running
    const kind = random.pick(['crash', 'crash', 'stop', 'expel', 'zombie', 'pause', 'clock', 'time'] as const)
    switch (kind) {
      case 'crash':
        world.crash(host)
        if (random.chance(0.3)) {
          host.disk.wipe()
          return this.count('crash, disk lost')
        }
        return this.count('crash')
      case 'stop':
        if (streams === undefined || running.stopping) return
        running.stopping = true
        world.schedule.note(`${process.name}: is to stop`)
        streams.close().catch(() => {})
        return this.count('graceful stop')
      case 'expel':
        world.expel(running)
        return this.count('expelled')
      case 'zombie':
        if (process.paused) return
        process.paused = true
        world.expel(running)
        world.later(`${process.name} goes on`, () => (process.paused = false))
        return this.count('zombie')
      case 'pause':
        if (process.paused) return
        process.paused = true
        world.schedule.note(`${process.name}: pauses`)
        world.later(`${process.name} goes on`, () => (process.paused = false))
        return this.count('pause')
      case 'clock': {
        const leap = random.pick(LEAPS) * random.between(1, 1_000)
        process.skew += leap
        world.schedule.note(`${process.name}: its date is set ${leap} ms on`)
        return this.count(leap < 0 ? 'clock set back' : 'clock set forward')
      }
      case 'time': {
        const ms = random.pick([1_000, 40_000, 310_000])
        world.schedule.note(`${ms} ms pass`)
        world.clock.advance(ms)
        return this.count(`${ms} ms pass`)
      }
    }
  }

  #calmDown(): void {
    const { world } = this
    world.schedule.note('calm')
    Object.assign(world.commitFaults, { abort: 0, loseResponse: 0 })
    // Dates stay as wrong as they are.
    for (const { process } of world.running) process.paused = false
    world.endSessions()
  }

  /** Stops all, wipes every disk and starts one: every store must be in its changelog. */
  async #restoreAll(expected: Undisturbed): Promise<string[]> {
    const { world } = this
    for (const { streams } of world.running) streams?.close().catch(() => {})
    for (let i = 0; world.running.length > 0; i++) {
      if (i > PATIENCE) return [`does not stop: ${world.describe()}`]
      await world.step()
    }
    for (const { disk } of world.hosts) disk.wipe()
    world.start(this.#random.pick(world.hosts))
    if (!(await settle(world))) return [...world.problems, `does not restore: ${world.describe()}`]
    return [
      ...world.problems,
      ...differences('after the restore, output', observeOutputs(world.log), expected.outputs),
      ...differences('after the restore, store', observeStores(world.running), expected.stores),
    ]
  }
}

interface Undisturbed {
  readonly outputs: Observation
  readonly stores: Observation
}

async function undisturbed(shape: AppShape, rounds: readonly Round[]): Promise<Undisturbed> {
  const app = simulatedApp({ ...shape, threads: 1 }, { beforeOrder() {}, punctuated() {} }, silentLogger)
  const world = new World(app, 1, new Random(0), 1, { count() {} })
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

/** Returns true once everything appended is processed and `isDone`, false if that never happens. */
async function settle(world: World, isDone: () => boolean = () => true): Promise<boolean> {
  for (let i = 0; i < PATIENCE; i++) {
    if (world.running.length === 0) world.start(world.hosts[0] as Host)
    await world.step()
    if (i % 10 === 0 && isDone() && world.isDrained) return true
  }
  return false
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

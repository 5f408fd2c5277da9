import type { Application, Topology } from '../../src/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'
import { scenarioApp } from '../conformance/scenario-topology.ts'
import { Transient, type AnswerCall } from '../conformance/step-calls.ts'
import type { CallsStep, Input, Step } from '../conformance/scenario.ts'
import type { Random } from '../state/support/random.ts'
import { hasMeetings, hasOneSinkEach, hasWaysAround, withCalls } from './call-places.ts'
import type { GeneratedCase } from './generated-case.ts'
import { difference, differenceOf, observe } from './observe.ts'
import type { Observation } from './observe.ts'
import { preparedInputs } from './paced-run.ts'
import { byKey, finalTables, lastValues } from './per-key.ts'
import { randomInputs } from './random-inputs.ts'
import { randomMeetings } from './random-topology.ts'
import { inputTypes, pipe } from './run-on-driver.ts'
import { hasGlobalTable, hasOrderedTasks, hasSeveralInputs, keepsKeys, sendsNullKeys } from './topology-traits.ts'

/** Turns without a call that waits, after which no more comes: attempts may fail at once several times. */
const IDLE_TURNS = 20

/** Choices of places for the steps of a case. */
const PLACINGS = 8

/** A case with asynchronous steps, and how it is run. */
interface CallsCase {
  readonly topology: readonly Step[]
  readonly inputs: readonly Input[]
  readonly config: GeneratedCase['config']
  readonly settings: Parameters<typeof scenarioApp>[1]
  readonly partitions: number
  /** Inputs before which the application is stopped and started again. */
  readonly restarts: readonly number[]
  readonly keepState: boolean
  readonly compare: (synchronous: Observation, asynchronous: Observation) => string | undefined
}

/** True if the law says something about the case. */
export function isAboutCalls(generated: GeneratedCase): boolean {
  return callsCase(generated, generated.choices()) !== undefined
}

/** Topologies that are drawn until there is one with a meeting. */
const DRAWS = 30

/** Every second case has a topology of its own, in which other inputs meet the results of the steps. */
function withMeetings(generated: GeneratedCase, choices: Random): GeneratedCase {
  if (choices.chance(0.5)) return generated
  const unit = choices.chance(0.7) ? 1 : 20_000
  for (let draw = 0; draw < DRAWS; draw++) {
    const topology = randomMeetings(choices, unit)
    const drawn: GeneratedCase = { ...generated, flavour: 'ordered', topology }
    const placed = isSuitable(topology) ? placedCalls(drawn, choices, 'in-order') : undefined
    if (placed !== undefined && hasMeetings(placed.compiled)) {
      return { ...drawn, inputs: randomInputs(choices, topology, unit) }
    }
  }
  return generated
}

/** Punctuators see the time of the task, which is that of the records that were taken. */
function isSuitable(topology: readonly Step[]): boolean {
  return !topology.some(({ clock, proc }) => clock !== undefined || proc === 'punctuateLog')
}

/** Runs the case with synchronous steps and with asynchronous ones, whose calls end in any order. */
export async function checkCalls(generated: GeneratedCase): Promise<string | undefined> {
  const choices = generated.choices()
  const drawn = callsCase(generated, choices)
  if (drawn === undefined) return undefined
  const synchronous = await run(drawn, scenarioApp(drawn, drawn.settings), undefined)
  const service = new HeldCalls(choices)
  const asynchronous = await run(drawn, scenarioApp(drawn, drawn.settings, service.answer), service)
  const found = drawn.compare(synchronous, asynchronous)
  return (
    found && `${drawn.partitions} partitions, restarts before ${drawn.restarts.join(' and ')}: ${found}\n${show(drawn)}`
  )
}

function show({ topology, settings, inputs }: CallsCase): string {
  return [JSON.stringify(settings), ...[...topology, ...inputs].map((line) => `  ${JSON.stringify(line)}`)].join('\n')
}

/** Undefined where the order of what meets depends on more than the asynchronous steps. */
function callsCase(given: GeneratedCase, choices: Random): CallsCase | undefined {
  const generated = withMeetings(given, choices)
  const { config, flavour } = generated
  // The times of other keys do not count, nor does the order between keys, which stay what they are.
  const isPerKey = flavour === 'spread' && keepsKeys(generated.topology) && choices.chance(0.7)
  if (!isSuitable(generated.topology)) return undefined
  const placed = placedCalls(generated, choices, isPerKey ? 'as-completed' : 'in-order')
  if (placed === undefined) return undefined
  const { topology, compiled } = placed
  const inputs = preparedInputs(generated, hasSeveralInputs(compiled))
  // Tasks that wait for calls are not in step with others, which may write to the same partition.
  const mayHaveMany = keepsKeys(topology) && !sendsNullKeys(topology)
  const isCompatible = choices.chance(0.2)
  const isCached = flavour === 'tables' && choices.chance(0.5)
  return {
    topology,
    inputs,
    config,
    settings: {
      ...(isCompatible ? { compatibility: 'kafka-streams-4.3' } : {}),
      ...(isCached ? { cacheBytes: 1024 * 1024 } : {}),
    },
    partitions: mayHaveMany ? 1 + choices.below(3) : 1,
    // Kafka Streams forgets times at a restart.
    restarts: Array.from({ length: isCompatible ? 0 : choices.below(3) }, () => choices.below(inputs.length)).sort(
      (a, b) => a - b,
    ),
    keepState: choices.chance(0.5),
    compare: isPerKey ? differenceByKey : isCached ? differenceOfLast : exactDifference(topology),
  }
}

/** Looks for places where other inputs meet the results; undefined if there is none that the law speaks of. */
function placedCalls(
  { config, topology }: GeneratedCase,
  choices: Random,
  emit: CallsStep['emit'],
): { readonly topology: readonly Step[]; readonly compiled: Topology } | undefined {
  let found: { readonly topology: readonly Step[]; readonly compiled: Topology } | undefined
  for (let attempt = 0; attempt < PLACINGS; attempt++) {
    const placed = withCalls(choices, topology, emit)
    const compiled = scenarioApp({ config, topology: placed }, {}, (evaluate) => evaluate()).topology()
    if (!hasOrderedTasks(compiled) || !hasOneSinkEach(compiled) || hasWaysAround(compiled)) continue
    if (hasMeetings(compiled)) return { topology: placed, compiled }
    found ??= { topology: choices.chance(0.5) ? placed : placed.map(withoutAlign), compiled }
  }
  return found
}

/** Where nothing meets the results of a step, it makes no difference. */
function withoutAlign(step: Step): Step {
  return step.calls === undefined ? step : { ...step, calls: { ...step.calls, align: false } }
}

function exactDifference(topology: readonly Step[]): CallsCase['compare'] {
  // Global tables read their topics again at a restart, and drop again what they dropped before.
  return (synchronous, asynchronous) => differenceOf(synchronous, asynchronous, !hasGlobalTable(topology))
}

function differenceByKey(synchronous: Observation, asynchronous: Observation): string | undefined {
  return (
    difference('output', byKey(synchronous.outputs), byKey(asynchronous.outputs)) ??
    difference('store', finalTables(synchronous.stores), finalTables(asynchronous.stores))
  )
}

/** A cache decides which changes are seen on the way. */
function differenceOfLast(synchronous: Observation, asynchronous: Observation): string | undefined {
  return difference('last values of', lastTables(synchronous), lastTables(asynchronous))
}

/** Processors see the time of the commit at which a cache sends its changes on. */
function lastTables({ outputs }: Observation): ReadonlyMap<string, readonly string[]> {
  return lastValues(new Map([...outputs].filter(([place]) => !place.includes('-seen/'))))
}

/** Restarts count in both runs: what they do to an application without calls is the business of other laws. */
async function run(
  { inputs, topology, partitions, restarts, keepState }: CallsCase,
  app: Application,
  service: HeldCalls | undefined,
): Promise<Observation> {
  await using driver = new TopologyTestDriver(app, { partitions, wallClock: 0 })
  const types = inputTypes({ topology })
  for (const [index, input] of inputs.entries()) {
    if ('advanceWallClockMs' in input) continue
    for (const at of restarts) if (at === index) await driver.restart({ keepState })
    pipe(driver, input, types)
    await service?.endSome(driver)
  }
  await service?.endAll(driver)
  return withSynchronousNames(observe(driver, inputs, partitions))
}

/** Processors see generated names of repartition topics, which have the kind of the operator in them. */
function withSynchronousNames({ outputs, ...rest }: Observation): Observation {
  const renamed = [...outputs].map(([place, lines]) => [place, lines.map(withSynchronousName)] as const)
  return { ...rest, outputs: new Map(renamed) }
}

function withSynchronousName(line: string): string {
  return line.replaceAll(/(?<=KSTREAM-\w+)ASYNC-/g, '-')
}

/** A service that responds at once or when a run says so, sometimes with an error after which it is called again. */
class HeldCalls {
  readonly #random: Random
  #held: (() => void)[] = []

  constructor(random: Random) {
    this.#random = random
  }

  readonly answer: AnswerCall = (evaluate) => {
    const random = this.#random
    if (random.chance(0.2)) return evaluate()
    if (random.chance(0.1)) throw new Transient('not now')
    return new Promise((resolve, reject) =>
      this.#held.push(() => {
        if (random.chance(0.15)) return reject(new Transient('not this time'))
        try {
          resolve(evaluate())
        } catch (error) {
          reject(error)
        }
      }),
    )
  }

  /** Ends none or some of the calls, in any order, each before or after a turn of the driver. */
  async endSome(driver: TopologyTestDriver): Promise<void> {
    for (let left = this.#random.below(4); left > 0 && this.#held.length > 0; left--) {
      this.#endOne()
      if (this.#random.chance(0.6)) await turn(driver)
    }
  }

  async endAll(driver: TopologyTestDriver): Promise<void> {
    for (let idle = 0; idle < IDLE_TURNS;) {
      await turn(driver)
      idle = this.#held.length > 0 ? 0 : idle + 1
      if (this.#held.length > 0) this.#endOne()
    }
    await driver.settled()
  }

  #endOne(): void {
    const [settle] = this.#held.splice(this.#random.below(this.#held.length), 1)
    settle?.()
  }
}

/** Lets the driver process what has ended. */
async function turn(driver: TopologyTestDriver): Promise<void> {
  await new Promise(setImmediate)
  driver.advanceWallClock(0)
}

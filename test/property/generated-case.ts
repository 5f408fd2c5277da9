import { Random } from '../state/support/random.ts'
import type { Input, Scenario, Step } from '../conformance/scenario.ts'
import { randomInputs } from './random-inputs.ts'
import { randomTopology } from './random-topology.ts'
import { asksForWallClock, hasOrderedTasks, hopsAtMostOnce, topologyOf } from './topology-traits.ts'

/**
 * The kind of a case. `any` has every operator. `ordered` has only topologies whose tasks see their input in one order,
 * however they are scheduled. `tables` end in tables. `spread` has no results that depend on the time of other keys.
 */
export type Flavour = 'any' | 'ordered' | 'tables' | 'spread'

/** A random topology and its input, which is all that a law needs. */
export interface GeneratedCase extends Pick<Scenario, 'config' | 'topology' | 'inputs'> {
  readonly seed: number
  readonly number: number
  readonly flavour: Flavour
  /** Makes the source of a law's own choices (where to stop, how many partitions). */
  readonly choices: () => Random
}

const FLAVOURS: readonly Flavour[] = ['any', 'ordered', 'tables', 'spread']

/** Makes case `number` of `seed`, which is always the same. */
export function generateCase(seed: number, number: number): GeneratedCase {
  const caseSeed = Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)
  const random = new Random(caseSeed)
  const flavour = FLAVOURS[number % FLAVOURS.length] ?? 'any'
  // Windows of milliseconds, or of so many seconds that stores drop whole segments.
  const unit = random.chance(0.7) ? 1 : 20_000
  const topology = acceptable(flavour, () => randomTopology(random, flavour, unit))
  const inputs: readonly Input[] = randomInputs(random, topology, unit)
  const config: Scenario['config'] = {
    wallClockMs: 0,
    optimize: random.chance(0.2) ? 'all' : 'none',
    processingHandler: 'continue',
    deserializationHandler: 'continue',
  }
  return { seed, number, flavour, config, topology, inputs, choices: () => new Random(caseSeed ^ 0x5bd1e995) }
}

function acceptable(flavour: Flavour, draw: () => Step[]): Step[] {
  for (let attempt = 0; attempt < 200; attempt++) {
    const topology = draw()
    if (flavour === 'any' || flavour === 'tables') return topology
    const compiled = topologyOf(topology)
    const accepted =
      flavour === 'ordered' ? hasOrderedTasks(compiled) && !asksForWallClock(topology) : hopsAtMostOnce(compiled)
    if (accepted) return topology
  }
  throw new Error(`no acceptable topology for ${flavour} in 200 attempts`)
}

/** Describes the case, and how to run it again. */
export function showCase({ seed, number, flavour, topology, inputs }: GeneratedCase): string {
  const steps = topology.map((step) => `  ${JSON.stringify(step)}`)
  const records = inputs.map((input) => `  ${JSON.stringify(input)}`)
  return [
    `replay: npm run property -- --seed ${seed} --case ${number}   (${flavour})`,
    'topology:',
    ...steps,
    'inputs:',
    ...records,
  ].join('\n')
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chooseEngine } from '../../src/index.ts'
import { checkCalls, isAboutCalls } from './calls-law.ts'
import type { GeneratedCase } from './generated-case.ts'
import { checkJoin } from './join-law.ts'
import { checkIntegers, checkKept } from './json-laws.ts'
import { difference, differenceOf } from './observe.ts'
import type { Observation } from './observe.ts'
import { preparedInputs, runPaced } from './paced-run.ts'
import { byKey, finalTables, lastValues } from './per-key.ts'
import { runEmbedded } from './run-embedded.ts'
import { caseApp, runOnDriver } from './run-on-driver.ts'
import {
  asksForTaskTime,
  asksForWallClock,
  hasGlobalTable,
  hasOrderedTasks,
  hasSeveralInputs,
  independentInputs,
  keepsKeys,
  sendsNullKeys,
  topologyOf,
} from './topology-traits.ts'

/** A statement that is true of every application, so that it is checked without recorded answers. */
export interface Law {
  readonly name: string
  readonly promise: string
  /** Whether the law says something about the case. */
  applies(generated: GeneratedCase): boolean
  /** Returns what breaks it, or undefined. */
  check(generated: GeneratedCase): Promise<string | undefined>
}

const engines: Law = {
  name: 'engines',
  promise: 'the memory engine and RocksDB have the same outputs, stores and drops',
  applies: () => true,
  async check(generated) {
    const partitions = generated.choices().chance(0.25) ? 2 : 1
    const onMemory = await runOnDriver(generated, { partitions })
    const { factory } = await chooseEngine('rocksdb')
    return await withDirectory(async (directory) =>
      differenceOf(onMemory, await runOnDriver(generated, { partitions, engine: { factory, directory } })),
    )
  },
}

const restart: Law = {
  name: 'restart',
  promise:
    'an application that is stopped anywhere in the input, and restored from its changelogs, has the same results',
  applies: ({ topology }) => !topology.some(({ clock }) => clock === 'wall'),
  async check(generated) {
    const choices = generated.choices()
    const partitions = sendsNullKeys(generated.topology) ? 1 : 1 + choices.below(3)
    const restarts = Array.from({ length: 1 + choices.below(2) }, () => choices.below(generated.inputs.length))
    const unbroken = await runOnDriver(generated, { partitions })
    const broken = await runOnDriver(generated, { partitions, restarts })
    // Global tables read their topics again, and drop the same records again.
    const found = differenceOf(unbroken, broken, !hasGlobalTable(generated.topology))
    return found === undefined
      ? undefined
      : `restarted before inputs ${restarts.join(' and ')}, ${partitions} partitions: ${found}`
  },
}

const partitions: Law = {
  name: 'partitions',
  promise: 'with one partition or several, each key has the same results in the same order, and tables end the same',
  applies: ({ flavour }) => flavour === 'spread',
  async check(generated) {
    const many = 2 + generated.choices().below(4)
    const [one, several] = [await runOnDriver(generated), await runOnDriver(generated, { partitions: many })]
    return (
      difference(`with ${many} partitions, output`, byKey(one.outputs), byKey(several.outputs)) ??
      sameStores(one, several)
    )
  },
}

function sameStores(one: Observation, several: Observation): string | undefined {
  return difference('store', finalTables(one.stores), finalTables(several.stores))
}

const merged: Law = {
  name: 'merged',
  promise: 'one task for all sub-topologies and a task for each have the same results',
  applies: ({ topology }) =>
    !asksForTaskTime(topology) && !asksForWallClock(topology) && independentInputs(topologyOf(topology)),
  async check(generated) {
    return differenceOf(await runOnDriver(generated), await runOnDriver(generated, { tasks: 'merged' }))
  },
}

const crash: Law = {
  name: 'crash',
  promise:
    'however many records a commit has, and wherever tasks crash between commits, the committed outputs are the same',
  applies: hasOneOrder,
  async check(generated) {
    const choices = generated.choices()
    const inputs = preparedInputs(generated, hasSeveralInputs(topologyOf(generated.topology)))
    const prepared = { ...generated, inputs }
    const recordsPerCommit = 1 + choices.below(8)
    const crashes = Array.from({ length: 1 + choices.below(3) }, () => 1 + choices.below(inputs.length))
    const smooth = await runOnDriver(prepared)
    const crashed = runPaced(caseApp(prepared), prepared, { recordsPerCommit, crashes })
    const found = difference('output', smooth.outputs, crashed)
    return found && `a commit each ${recordsPerCommit} records, crashes after ${crashes.join(', ')}: ${found}`
  },
}

const embedded: Law = {
  name: 'embedded',
  promise: 'the test driver and an application on the embedded log have the same outputs in the same order',
  applies: (generated) => generated.flavour === 'ordered' && hasOneOrder(generated),
  async check(generated) {
    const topology = topologyOf(generated.topology)
    const partitions = keepsKeys(generated.topology) ? 1 + generated.choices().below(3) : 1
    const prepared = { ...generated, inputs: preparedInputs(generated, hasSeveralInputs(topology)) }
    const { outputs } = await runOnDriver(prepared, { partitions })
    const expected = [...outputs.values()].reduce((sum, lines) => sum + lines.length, 0)
    return await withDirectory(async (directory) =>
      difference('output', outputs, await runEmbedded(prepared, { directory, partitions, expected })),
    )
  },
}

function hasOneOrder({ topology }: GeneratedCase): boolean {
  return !asksForWallClock(topology) && hasOrderedTasks(topologyOf(topology))
}

const cache: Law = {
  name: 'cache',
  promise: 'with the record cache each key of a table ends with the same value as without it',
  applies: ({ flavour }) => flavour === 'tables',
  async check(generated) {
    const recordsPerCommit = 2 + generated.choices().below(12)
    const uncached = runPaced(caseApp(generated, { cacheBytes: 0 }), generated, { recordsPerCommit })
    const cached = runPaced(caseApp(generated, { cacheBytes: 1024 * 1024 }), generated, { recordsPerCommit })
    return difference(
      `a commit each ${recordsPerCommit} records, last values of`,
      lastValues(uncached),
      lastValues(cached),
    )
  },
}

const memory: Law = {
  name: 'memory',
  promise: 'with hardly any memory, so that no row is kept after it is written, the results are the same',
  applies: () => true,
  async check(generated) {
    const choices = generated.choices()
    const recordsPerCommit = 1 + choices.below(8)
    const cacheBytes = choices.chance(0.5) ? 0 : 2000
    const ample = caseApp(generated, { cacheBytes })
    const scarce = { ...ample, settings: { ...ample.settings, memory: cacheBytes + choices.below(4096) } }
    const much = runPaced(ample, generated, { recordsPerCommit })
    const little = runPaced(scarce, generated, { recordsPerCommit })
    return difference(
      `${scarce.settings.memory} bytes, a commit each ${recordsPerCommit} records, output`,
      much,
      little,
    )
  },
}

const optimized: Law = {
  name: 'optimized',
  promise: 'an optimized topology has the same results for each key, in the same order',
  applies: ({ flavour }) => flavour === 'spread',
  async check(generated) {
    const many = 1 + generated.choices().below(4)
    const run = (optimize: 'none' | 'all'): Promise<Observation> =>
      runOnDriver({ ...generated, config: { ...generated.config, optimize } }, { partitions: many })
    const [plain, rewritten] = [await run('none'), await run('all')]
    return difference(`with ${many} partitions, output`, byKey(plain.outputs), byKey(rewritten.outputs))
  },
}

const joins: Law = {
  name: 'joins',
  promise: 'a join of two streams has the results of a model without stores, each at the same record',
  applies: () => true,
  check: (generated) => checkJoin(generated.choices(), withDirectory),
}

const calls: Law = {
  name: 'calls',
  promise:
    'an asynchronous step has the results of a synchronous one, in whatever order calls end, with errors and restarts',
  applies: isAboutCalls,
  check: checkCalls,
}

const kept: Law = {
  name: 'kept',
  promise: 'an aggregator gets back what it made, from memory, after a restart and without memory, or it is refused',
  applies: () => true,
  check: async (generated) => checkKept(generated.choices()),
}

const integers: Law = {
  name: 'integers',
  promise: 'an integer in JSON keeps its digits, or is refused',
  applies: () => true,
  check: (generated) => checkIntegers(generated.choices()),
}

export const LAWS: readonly Law[] = [
  engines,
  restart,
  crash,
  embedded,
  cache,
  partitions,
  merged,
  memory,
  optimized,
  joins,
  calls,
  kept,
  integers,
]

export async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-law-'))
  try {
    return await use(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

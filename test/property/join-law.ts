import { chooseEngine, defineApp, joinWindow, string, topic } from '../../src/index.ts'
import type { Application, KStream } from '../../src/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'
import type { JoinKind } from '../../src/topology/operator-spec.ts'
import type { Input, Step } from '../conformance/scenario.ts'
import type { Random } from '../state/support/random.ts'
import { modelResults } from './join-model.ts'
import type { Arrival, JoinBounds } from './join-model.ts'
import { runPaced } from './paced-run.ts'

const left = topic('left', { key: string(), value: string(), tombstones: true })
const right = topic('right', { key: string(), value: string(), tombstones: true })
const out = topic('out', { key: string(), value: string() })
const KEYS = ['a', 'b', 'c', 'dd', 'e']

/** A join of two streams, or of one with itself, and its input. */
interface JoinCase {
  readonly kind: JoinKind
  readonly self: boolean
  readonly optimized: boolean
  readonly bounds: JoinBounds
  readonly inMemory: boolean
  readonly cacheBytes: number
  readonly partitions: number
  readonly arrivals: readonly Arrival[]
}

/** Runs a random join in one of several ways, compares each step with the model, and returns the first difference. */
export async function checkJoin(random: Random, onDisk: (use: OnDirectory) => Promise<string | undefined>) {
  const joined = randomCase(random)
  const way = random.next()
  const found =
    way < 0.3
      ? crashing(random, joined)
      : way < 0.35
        ? await onDisk((directory) => stepping(random, joined, directory))
        : await stepping(random, joined)
  return found === undefined ? undefined : `${found}\n${JSON.stringify({ ...joined, arrivals: undefined })}`
}

type OnDirectory = (directory: string) => Promise<string | undefined>

function randomCase(random: Random): JoinCase {
  // Windows of milliseconds, or of so many seconds that stores drop whole segments.
  const unit = random.chance(0.7) ? 1 : 20_000
  const span = (): number => (random.chance(0.2) ? 0 : random.below(13) * unit)
  const widest = { before: span(), after: span() }
  const negative = random.chance(0.25) ? random.pick(['before', 'after'] as const) : undefined
  if (negative !== undefined) {
    const other = negative === 'before' ? widest.after : widest.before
    widest[negative] = -random.below(other + 1)
  }
  const kind = random.pick(['inner', 'left', 'outer'] as const)
  const self = random.chance(0.25)
  const partitions = random.chance(0.7) ? 1 : 2 + random.below(3)
  const arrivals: Arrival[] = []
  let time = 0
  for (let i = 0; i < 30 + random.below(40); i++) {
    if (random.chance(0.6)) time += random.below(random.chance(0.1) ? 40 : 5) * unit
    const back = random.chance(0.4) ? random.below(random.chance(0.2) ? 60 : 16) * unit : 0
    arrivals.push({
      side: self || random.chance(0.5) ? 'left' : 'right',
      key: partitions === 1 && random.chance(0.03) ? null : random.pick(KEYS),
      value: random.chance(0.03) ? null : `${i}`,
      timestamp: Math.max(0, time - back + (unit > 1 && random.chance(0.2) ? random.pick([-1, 1]) : 0)),
    })
  }
  return {
    kind,
    self,
    optimized: self && random.chance(0.5),
    bounds: { ...widest, grace: random.chance(0.4) ? 0 : random.below(10) * unit },
    inMemory: random.chance(0.3),
    cacheBytes: random.chance(0.5) ? 0 : 1024 * 1024,
    partitions,
    arrivals,
  }
}

function appOf({ kind, self, optimized, bounds, inMemory, cacheBytes }: JoinCase): Application {
  return defineApp({
    id: 'joins',
    cacheBytes,
    optimize: optimized ? 'single.store.self.join' : 'none',
    build(builder) {
      const lefts = builder.stream(left) as KStream<string, string>
      const rights = self ? lefts : (builder.stream(right) as KStream<string, string>)
      const show = (a: string | null, b: string | null): string => `${a}+${b}`
      const options = { store: { type: inMemory ? 'memory' : 'persistent' } } as const
      const windows = joinWindow(bounds)
      const joined =
        kind === 'inner'
          ? lefts.join(rights, show, windows, options)
          : kind === 'left'
            ? lefts.leftJoin(rights, show, windows, options)
            : lefts.outerJoin(rights, show, windows, options)
      joined.to(out)
    },
  })
}

/** Runs record by record, with restarts in between, from the changelogs or from the state that is there. */
async function stepping(random: Random, joined: JoinCase, directory?: string): Promise<string | undefined> {
  const { kind, self, bounds, partitions, arrivals } = joined
  const app = appOf(joined)
  const options = { partitions, wallClock: 0 }
  const restarts = Array.from({ length: random.below(3) }, () => random.below(arrivals.length))
  await using driver =
    directory === undefined
      ? new TopologyTestDriver(app, options)
      : await TopologyTestDriver.open(app, { ...options, engine: (await chooseEngine('rocksdb')).factory, directory })
  const expected = modelResults(kind, bounds, self, partitions, arrivals)
  for (const [i, { side, key, value, timestamp }] of arrivals.entries()) {
    if (restarts.includes(i)) await driver.restart({ keepState: random.chance(0.5) })
    driver.input(side === 'left' ? left : right).pipe(key, value, { timestamp })
    const found = driver.output(out).readAll()
    const difference = differs(
      expected[i] ?? [],
      found.map((record) => `${record.key}: ${record.value} @${record.timestamp}`),
    )
    if (difference !== undefined)
      return `restarts before ${restarts.join(', ')}; after\n${shown(arrivals.slice(0, i + 1))}\n${difference}`
  }
  return undefined
}

/** Runs on all input at once, with crashes between commits: what was done since the last commit is done again. */
function crashing(random: Random, joined: JoinCase): string | undefined {
  const { kind, self, bounds } = joined
  const arrivals = inTaskOrder(joined.arrivals)
  const recordsPerCommit = 1 + random.below(8)
  const crashes = Array.from({ length: random.below(4) }, () => 1 + random.below(arrivals.length))
  const topology = ['left', 'right'].map((name) => ({ op: 'stream', topic: name }) as Step)
  const inputs = joined.arrivals.map(
    ({ side, key, value, timestamp }) => ({ topic: side, key, value, timestamp }) as Input,
  )
  const outputs = runPaced(appOf(joined), { topology, inputs }, { recordsPerCommit, crashes })
  const expected = modelResults(kind, bounds, self, 1, arrivals).flat()
  const found = [...outputs.values()].flat().map((line) => line.replace(' = ', ': '))
  const difference = differs(withoutKeyLast(expected), withoutKeyLast(found))
  if (difference === undefined) return undefined
  return `a commit each ${recordsPerCommit}, crashes after ${crashes.join(', ')};\n${shown(arrivals)}\n${difference}`
}

/** Records without a key are read in an order of their own. */
function withoutKeyLast(lines: readonly string[]): string[] {
  const hasKey = (line: string): boolean => !line.startsWith('null: ')
  return [...lines.filter(hasKey), ...lines.filter((line) => !hasKey(line)).sort()]
}

/** Orders records as a task takes them from two topics: always the older of the two heads, or the left one. */
function inTaskOrder(arrivals: readonly Arrival[]): Arrival[] {
  const queues = (['left', 'right'] as const).map((side) => arrivals.filter((arrival) => arrival.side === side))
  const ordered: Arrival[] = []
  while (ordered.length < arrivals.length) {
    const [lefts = [], rights = []] = queues
    const takesLeft = (lefts[0]?.timestamp ?? Infinity) <= (rights[0]?.timestamp ?? Infinity)
    ordered.push((takesLeft ? lefts : rights).shift()!)
  }
  return ordered
}

function differs(expected: readonly string[], found: readonly string[]): string | undefined {
  if (expected.join('\n') === found.join('\n')) return undefined
  return `expected ${expected.join(', ') || 'nothing'}\nfound    ${found.join(', ') || 'nothing'}`
}

function shown(arrivals: readonly Arrival[]): string {
  return arrivals.map(({ side, key, value, timestamp }) => `  ${side} (${key}, ${value})@${timestamp}`).join('\n')
}

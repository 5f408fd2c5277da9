import { inspect } from 'node:util'
import { defineApp, json, string, topic, tumbling } from '../../src/index.ts'
import type { Application, JsonIntegers } from '../../src/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'
import { Random } from '../state/support/random.ts'
import { runPaced } from './paced-run.ts'

const numbers = topic('numbers', { key: string(), value: json<number>() })
const out = topic('out', { key: string(), value: json<unknown>() })
const outBytes = topic('out', { key: string(), value: string() })

class Money {
  cents = 5
}

/** Results of an aggregator that JSON can write. */
const SAID: readonly ((random: Random) => unknown)[] = [
  (random) => random.below(5),
  () => -0,
  () => 'text \ud800',
  () => undefined,
  () => null,
  () => Object.assign(Object.create(null), { a: 1 }),
  () => [0, { n: 0 }],
  () => {
    const one = { n: 0 }
    return { first: one, last: [one, one] }
  },
]

/** Results that JSON cannot write. */
const LOST: readonly (() => unknown)[] = [
  () => Number.NaN,
  () => new Date(0),
  () => new Map([[1, 2]]),
  () => new Money(),
  () => 5n,
  () => [1, undefined],
]

function recipe(random: Random, losing: boolean, depth = 0): unknown {
  if (depth < 2 && random.chance(0.4)) {
    const fields = ['a', 'b', '__proto__'].map((name) => [name, recipe(random, losing, depth + 1)] as const)
    return Object.fromEntries(fields)
  }
  return losing && random.chance(0.15) ? random.pick(LOST)() : random.pick(SAID)(random)
}

/** Adds one to every `n` that it finds. An object that is in two places counts twice. */
function count(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if ('n' in value && typeof value.n === 'number') value.n++
  for (const field of Object.values(value)) count(field)
}

interface Aggregate {
  readonly seen: string
  readonly made?: unknown
}

interface Kept {
  /** Makes a new value for each record. */
  readonly made: readonly (() => unknown)[]
  /** Whether some values cannot be kept. */
  readonly losing: boolean
  readonly windowed: boolean
  readonly changes: boolean
}

/** Keeps what its aggregator made, and emits at the next record what the aggregator gets back. */
function keeping(kept: Kept, memory: number): Application {
  const { made, losing, windowed, changes } = kept
  const app = defineApp({
    id: 'keeping',
    cacheBytes: 0,
    // An aggregator that may throw gets a copy.
    onProcessingError: losing ? 'continue' : 'fail',
    build: (builder) => {
      const aggregator = (aggregate: Aggregate, at: number): Aggregate => {
        if (changes) count(aggregate.made)
        return { seen: inspect(aggregate.made, { depth: 10 }), made: made[at]?.() }
      }
      const initial = (): Aggregate => ({ seen: 'nothing' })
      const store = { store: 'kept', value: json<Aggregate>() }
      const grouped = builder.stream(numbers).groupByKey()
      const results = windowed
        ? grouped
            .windowedBy(tumbling('1h'))
            .aggregate(initial, aggregator, store)
            .toStream()
            .selectKey(() => 'k')
        : grouped.aggregate(initial, aggregator, store).toStream()
      results.mapValues((aggregate) => aggregate?.seen ?? null).to(out)
    },
  })
  return memory === 0 ? app : { ...app, settings: { ...app.settings, memory } }
}

/** Checks that an aggregator gets back the same values however often its state is read back. */
export function checkKept(random: Random): string | undefined {
  const length = 4 + random.below(12)
  const seeds = Array.from({ length }, () => random.below(2 ** 31))
  const losing = random.chance(0.3)
  const made = seeds.map((seed) => () => recipe(new Random(seed), losing))
  const kept = { made, losing, windowed: random.chance(0.3), changes: random.chance(0.5) }
  // The bytes of the text are those of the number as JSON.
  const inputs = made.map((_, at) => ({ topic: 'numbers', key: `k${at % 2}`, value: String(at), timestamp: at }))
  const run = (memory: number, recordsPerCommit: number, crashes: readonly number[]): string =>
    JSON.stringify([
      ...runPaced(
        keeping(kept, memory),
        { topology: [{ op: 'stream', id: 's', topic: 'numbers' }], inputs },
        { recordsPerCommit, crashes },
      ),
    ])
  const expected = run(0, length, [])
  const everywhere = Array.from({ length: 2 * length }, (_, record) => record + 1)
  const ways = {
    'many commits': run(0, 1, []),
    crashes: run(
      0,
      1 + random.below(3),
      everywhere.filter(() => random.chance(0.3)),
    ),
    'always read back': run(
      0,
      1,
      everywhere.filter((record) => record % 2 === 0),
    ),
    'hardly any memory': run(4096, 1 + random.below(3), []),
  }
  for (const [way, found] of Object.entries(ways)) {
    if (expected !== found) {
      return `${way}:\n${expected}\n${found}\n${made.map((make) => inspect(make(), { depth: 10 })).join('\n')}`
    }
  }
  return undefined
}

function randomNumber(random: Random): string {
  const digits = Array.from({ length: 1 + random.below(24) }, () => random.below(10)).join('')
  const whole = digits.replace(/^0+(?=\d)/, '')
  const near = String(2n ** BigInt(50 + random.below(15)) + BigInt(random.below(5) - 2))
  return (random.chance(0.3) ? '-' : '') + (random.chance(0.4) ? near : whole)
}

/** Checks that an application refuses an integer, or keeps its digits. */
export async function checkIntegers(random: Random): Promise<string | undefined> {
  const integers = random.pick<JsonIntegers>(['refuse', 'bigint', 'string'])
  const serde = json<{ id: number | bigint | string }>({ integers })
  const input = topic('payments', { key: string(), value: serde })
  const app = defineApp({
    id: 'passing',
    onDeserializationError: 'continue',
    build: (builder) => {
      builder
        .stream(input)
        .selectKey((value) => String(value.id))
        .groupByKey({ key: string(), value: serde, name: 'again' })
        .reduce((_old, value) => value, { store: 'last', value: serde })
        .toStream()
        .to(topic('out', { key: string(), value: serde }))
    },
  })
  using driver = new TopologyTestDriver(app)
  const texts = Array.from({ length: 6 }, () => randomNumber(random))
  for (const text of texts) {
    if (random.chance(0.3)) await driver.restart({ keepState: false })
    driver.input(input).pipeBytes(Buffer.from('k'), Buffer.from(`{"id":${text}}`), { timestamp: 0 })
    const found = driver.output(outBytes).readValues()
    const exact = BigInt(text)
    const [line] = found
    if (line === undefined || line === null) {
      if (integers !== 'refuse' || String(Number(text)) === String(exact)) return `${integers}: ${text} was refused`
      continue
    }
    const id = /^\{"id":"?(-?\d[\d.e+]*)"?\}$/.exec(line)?.[1] ?? line
    const digits = /e/.test(id) ? digitsOf(id) : BigInt(id)
    if (found.length !== 1 || digits !== exact) return `${integers}: ${text} became ${found.join(', ')}`
  }
  return undefined
}

/** Reads a text like `1.5e+21` as a bigint. */
function digitsOf(text: string): bigint {
  const [, sign = '', whole = '', fraction = '', exponent = ''] = /^(-?)(\d+)(?:\.(\d+))?e\+(\d+)$/.exec(text) ?? []
  return BigInt(sign + whole + fraction + '0'.repeat(Number(exponent) - fraction.length))
}

import type { Input, Scalar, Step, TypeName } from '../conformance/scenario.ts'
import type { Random } from '../state/support/random.ts'

const KEYS = ['a', 'b', 'c', 'd', 'ab'] as const
const STRINGS = ['x', 'y', 'a,1', 'b,2', 'c,x', 'ab', 'xyz', '3', '~', ''] as const

/** Makes records for every source topic, mostly in the order of time: some late, far ahead, null or unreadable. */
export function randomInputs(random: Random, topology: readonly Step[], unit: number): Input[] {
  const sources = topology.filter(({ op }) => op === 'stream' || op === 'table' || op === 'globalTable')
  const wall = topology.some(({ clock }) => clock === 'wall')
  const count = 8 + random.below(30)
  const inputs: Input[] = []
  let time = random.below(20) * unit
  for (let i = 0; i < count; i++) {
    if (wall && random.chance(0.1)) {
      inputs.push({ advanceWallClockMs: 1 + random.below(20) * unit })
      continue
    }
    time += random.chance(0.06) ? random.below(80) * unit : random.below(5) * unit
    const late = random.chance(0.25) ? random.below(25) * unit : 0
    inputs.push(record(random, random.pick(sources), Math.max(0, time - late)))
  }
  // Later records with a key of their own close windows.
  for (const source of sources) {
    time += 500 * unit
    inputs.push({
      topic: topicOf(random, source),
      key: keyOf(source, 'zz', 99),
      value: valueOf(random, source),
      timestamp: time,
    })
  }
  return inputs
}

function record(random: Random, source: Step, timestamp: number): Input {
  const key = random.chance(0.04) ? null : keyOf(source, random.pick(KEYS), random.below(6) - 1)
  const value = random.chance(0.1) ? null : valueOf(random, source)
  const headers = random.chance(0.1) ? { headers: [['h', random.pick(['1', '2', null])] as const] } : {}
  const unreadable = source.value === 'long' && random.chance(0.02)
  const topic = topicOf(random, source)
  if (unreadable) return { topic, key, value: 'bad', timestamp, valueSerde: 'string' }
  return { topic, key, value, timestamp, ...headers }
}

function topicOf(random: Random, source: Step): string {
  return source.topics === undefined ? (source.topic ?? '') : random.pick(source.topics)
}

function keyOf({ key }: Step, text: string, number: number): Scalar {
  return typed(key, text, number)
}

function valueOf(random: Random, { value }: Step): Scalar {
  return typed(value, random.pick(STRINGS), random.below(10) - 3)
}

function typed(type: TypeName | undefined, text: string, number: number): Scalar {
  return type === 'long' ? number : text
}

import { Headers } from '../../../src/record/headers.ts'
import type { LocalLog } from '../../../src/log/local/local-log.ts'
import type { Observation } from '../observe.ts'
import { PARTITIONS } from '../world.ts'
import type { Order, Output } from './app.ts'

const NONE = new Headers()

interface Line {
  readonly key: string
  readonly text: string
}

/** What a reader of committed records sees in a topic, as far as its order does not depend on anything. */
export function observe(log: LocalLog, { name, order }: Output): Observation {
  const seen = new Map<string, readonly string[]>()
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const lines = linesOf(log, name, partition)
    if (order === 'partition') {
      seen.set(
        `${name}/${partition}`,
        lines.map(({ key, text }) => `${key} = ${text}`),
      )
      continue
    }
    for (const key of new Set(lines.map((line) => line.key))) {
      const ofKey = lines.filter((line) => line.key === key).map(({ text }) => text)
      seen.set(`${name}/${partition} ${key}`, fixed(ofKey, order))
    }
  }
  return seen
}

function fixed(lines: readonly string[], order: Order): readonly string[] {
  if (order === 'none') return [...lines].sort()
  return order === 'last' ? lines.slice(-1) : lines
}

/** What is missing or was never to be there, in words; and how many records came more than once. */
export function compareAsSets(
  topic: string,
  actual: Observation,
  expected: Observation,
): { readonly problems: readonly string[]; readonly doubled: number } {
  const problems: string[] = []
  let doubled = 0
  for (const place of new Set([...actual.keys(), ...expected.keys()])) {
    const [found, wanted] = [actual.get(place) ?? [], expected.get(place) ?? []]
    const [foundOnce, wantedOnce] = [new Set(found), new Set(wanted)]
    doubled += found.length - foundOnce.size
    for (const line of wantedOnce) if (!foundOnce.has(line)) problems.push(`${topic} ${place}: lost ${line}`)
    for (const line of foundOnce) if (!wantedOnce.has(line)) problems.push(`${topic} ${place}: unexpected ${line}`)
  }
  return { problems, doubled }
}

function linesOf(log: LocalLog, topic: string, partition: number): Line[] {
  const lines: Line[] = []
  const reader = log.openReader()
  reader.assign(topic, partition, 0)
  const poll = (): number =>
    reader.poll((_topic, _partition, cursor) => {
      while (cursor.next()) {
        const { buffer, keyStart, keyEnd, valueStart, valueEnd, timestamp } = cursor
        const value = valueStart < 0 ? 'null' : buffer.toString('utf8', valueStart, valueEnd)
        const headers = [...cursor.headers(NONE)].map(({ name }) => name).join(' ')
        lines.push({ key: buffer.toString('utf8', keyStart, keyEnd), text: `${value} at ${timestamp} ${headers}` })
      }
    })
  while (poll() > 0);
  void reader.close()
  return lines
}

import { MillraceError, topic } from '../../src/index.ts'
import type { Headers, Serde, Topology } from '../../src/index.ts'
import { show } from '../conformance/expressions.ts'
import type { Input } from '../conformance/scenario.ts'
import type { TopologyTestDriver } from '../../src/testing/index.ts'
import { shownStores } from '../conformance/shown-stores.ts'

/** The results of a case, each record and row as a line of text. */
export interface Observation {
  /** Lines by `<topic>/<partition>`, in order. */
  readonly outputs: ReadonlyMap<string, readonly string[]>
  /** Rows by `<store>/<partition>`, sorted. */
  readonly stores: ReadonlyMap<string, readonly string[]>
  readonly dropped: number
}

export interface OutputTopic {
  readonly name: string
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
}

export function outputTopics(topology: Topology): OutputTopic[] {
  const topics = new Map<string, OutputTopic>()
  for (const { nodes } of topology.subtopologies) {
    for (const node of nodes) {
      if (node.kind !== 'sink' || node.internal || typeof node.topic !== 'string') continue
      topics.set(node.topic, { name: node.topic, keySerde: node.keySerde, valueSerde: node.valueSerde })
    }
  }
  return [...topics.values()]
}

export function asTopic({ name, keySerde, valueSerde }: OutputTopic) {
  return topic(name, { key: keySerde as Serde<{}>, value: valueSerde as Serde<{}> })
}

export interface SeenRecord {
  readonly key: unknown
  readonly value: unknown
  readonly timestamp: number
  readonly headers: Headers
}

export function recordLine({ key, value, timestamp, headers }: SeenRecord): string {
  const shown = [...headers].map(
    (header) => ` ${header.name}=${header.value === null ? 'null' : header.value.toString()}`,
  )
  return `${show(key)} = ${show(value)} @${timestamp}${shown.join('')}`
}

/** Stands for the partition of records without a key, which go to any. */
export const NO_KEY = 'without a key'

export function observe(driver: TopologyTestDriver, inputs: readonly Input[], partitions: number): Observation {
  const outputs = new Map<string, string[]>()
  for (const output of outputTopics(driver.topology)) {
    for (const record of driver.output(asTopic(output)).readAll()) {
      push(
        outputs,
        record.key === null ? `${output.name}/${NO_KEY}` : `${output.name}/${record.partition}`,
        recordLine(record),
      )
    }
  }
  for (const [name, lines] of outputs) if (name.endsWith(NO_KEY)) lines.sort()
  const stores = new Map<string, string[]>()
  for (let partition = 0; partition < partitions; partition++) {
    for (const [store, rows] of Object.entries(storesOf(driver, inputs, partition))) {
      if (partition > 0 && driver.topology.stores.get(store)?.global === true) continue
      stores.set(`${store}/${partition}`, rows.map((row) => JSON.stringify(row)).sort())
    }
  }
  return { outputs, stores, dropped: driver.dropped.total }
}

/** Returns the rows of all stores. Versioned ones, which only look up keys of the inputs, have strings as keys. */
function storesOf(driver: TopologyTestDriver, inputs: readonly Input[], partition: number) {
  try {
    return shownStores(
      driver,
      { inputs: inputs.filter((input) => 'key' in input && typeof input.key === 'string') },
      partition,
    )
  } catch (error) {
    // A partition may lack a task.
    if (error instanceof MillraceError && error.code === 'MR_STORE_UNKNOWN') return {}
    throw error
  }
}

export function push(lists: Map<string, string[]>, name: string, line: string): void {
  const list = lists.get(name)
  if (list === undefined) lists.set(name, [line])
  else list.push(line)
}

/** Describes the first difference between two sets of lists, or returns undefined. */
export function difference(
  what: string,
  expected: ReadonlyMap<string, readonly string[]>,
  found: ReadonlyMap<string, readonly string[]>,
): string | undefined {
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    const [a, b] = [expected.get(name) ?? [], found.get(name) ?? []]
    const at = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i).find((i) => a[i] !== b[i])
    if (at === undefined) continue
    const lines = `expected ${a[at] ?? 'nothing'}\n  found    ${b[at] ?? 'nothing'}`
    return `${what} ${name}, line ${at} of ${a.length} and ${b.length}:\n  ${lines}`
  }
  return undefined
}

export function differenceOf(expected: Observation, found: Observation, withDrops = true): string | undefined {
  const drops =
    expected.dropped === found.dropped ? undefined : `dropped: expected ${expected.dropped}, found ${found.dropped}`
  return (
    difference('output', expected.outputs, found.outputs) ??
    difference('store', expected.stores, found.stores) ??
    (withDrops ? drops : undefined)
  )
}

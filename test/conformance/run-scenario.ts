import { describe, long, MillraceError, string, topic, Windowed } from '../../src/index.ts'
import type { Application, Topic, Topology } from '../../src/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'
import type { Headers } from '../../src/index.ts'
import type { Serde } from '../../src/serde/serde.ts'
import type { Input, Scalar, Scenario, ScenarioResult, ShownRecord, TypeName } from './scenario.ts'
import { scenarioApp } from './scenario-topology.ts'
import { shownStores } from './shown-stores.ts'

/** Runs a scenario on the test driver; reads everything of it but what is expected. */
export function runScenario(scenario: Omit<Scenario, 'expect'>): ScenarioResult {
  let app: Application
  let driver: TopologyTestDriver
  try {
    app = scenarioApp(scenario)
    driver = new TopologyTestDriver(app, { tasks: 'merged', wallClock: scenario.config.wallClockMs ?? 0 })
  } catch (error) {
    return { error: { phase: 'build', type: typeOf(error) } }
  }
  try {
    const failed = feed(driver, scenario)
    const outputs = outputsOf(driver)
    if (failed !== undefined) return { outputs, error: failed }
    return {
      outputs,
      stores: shownStores(driver, scenario),
      droppedRecords: driver.dropped.total,
      producedTopics: driver.producedTopics,
      describe: describe(driver.topology),
    }
  } finally {
    driver.close()
  }
}

function feed(driver: TopologyTestDriver, scenario: Omit<Scenario, 'expect'>): ScenarioResult['error'] {
  const types = inputTypes(scenario)
  for (const [index, input] of scenario.inputs.entries()) {
    try {
      if ('advanceWallClockMs' in input) driver.advanceWallClock(input.advanceWallClockMs)
      else pipe(driver, input, types)
    } catch (error) {
      return { phase: 'run', input: index, type: typeOf(error) }
    }
  }
  return undefined
}

type Types = ReadonlyMap<string, { readonly key: TypeName; readonly value: TypeName }>

/** Source topics are declared by their steps. */
function inputTypes({ topology }: Omit<Scenario, 'expect'>): Types {
  const types = new Map<string, { key: TypeName; value: TypeName }>()
  for (const { op, topic: name, topics, key = 'string', value = 'string' } of topology) {
    if (op !== 'stream' && op !== 'table' && op !== 'globalTable' && op !== 'globalStore') continue
    for (const source of topics ?? [name ?? '']) types.set(source, { key, value })
  }
  return types
}

function pipe(driver: TopologyTestDriver, input: Exclude<Input, { advanceWallClockMs: number }>, types: Types): void {
  const declared = types.get(input.topic)
  const keySerde = serdeOf(input.keySerde ?? declared?.key)
  const valueSerde = serdeOf(input.valueSerde ?? declared?.value)
  const fed = topic(input.topic, { key: keySerde, value: valueSerde })
  driver.input(fed).pipe(input.key, input.value, { timestamp: input.timestamp, headers: input.headers ?? [] })
}

function serdeOf(type: TypeName | undefined): Serde<Scalar> {
  const serde = type === 'long' ? long() : string()
  return serde as Serde<unknown> as Serde<Scalar>
}

function outputsOf(driver: TopologyTestDriver): Record<string, readonly ShownRecord[]> {
  const outputs: Record<string, readonly ShownRecord[]> = {}
  for (const { name, serdes, fixed } of sinkTopics(driver.topology, driver.producedTopics)) {
    const output = topic(name, serdes) as Topic<unknown, unknown>
    const records = driver
      .output(output)
      .readAll()
      .map(({ key, value, timestamp, headers }) => ({
        key: shownKey(key),
        value,
        timestamp,
        ...(headers.length === 0 ? {} : { headers: shownHeaders(headers) }),
      }))
    if (fixed || records.length > 0) outputs[name] = records
  }
  return outputs
}

interface SinkTopic {
  readonly name: string
  readonly serdes: { readonly key: Serde<unknown>; readonly value: Serde<unknown> }
  readonly fixed: boolean
}

function sinkTopics({ subtopologies }: Topology, produced: readonly string[]): SinkTopic[] {
  const sinks = subtopologies.flatMap(({ nodes }) => nodes.filter((node) => node.kind === 'sink' && !node.internal))
  const topics: SinkTopic[] = []
  const known = new Set<string>()
  for (const node of sinks) {
    if (node.kind !== 'sink' || typeof node.topic !== 'string' || known.has(node.topic)) continue
    known.add(node.topic)
    topics.push({ name: node.topic, serdes: { key: node.keySerde, value: node.valueSerde }, fixed: true })
  }
  const computed = sinks.find((node) => node.kind === 'sink' && typeof node.topic !== 'string')
  if (computed?.kind !== 'sink') return topics
  const serdes = { key: computed.keySerde, value: computed.valueSerde }
  for (const name of produced) {
    if (!known.has(name) && !name.startsWith('app-')) topics.push({ name, serdes, fixed: false })
  }
  return topics
}

export function shownKey(key: unknown): unknown {
  return key instanceof Windowed ? { key: key.key, start: key.start, end: key.end } : key
}

function shownHeaders(headers: Headers): [string, string | null][] {
  return [...headers].map(({ name, value }) => [name, value === null ? null : value.toString('utf8')])
}

function typeOf(error: unknown): string {
  return error instanceof MillraceError ? error.code : String(error)
}

import type { Scalar, Input, TypeName } from '../conformance/scenario.ts'
import { scenarioApp } from '../conformance/scenario-topology.ts'
import { long, string, topic } from '../../src/index.ts'
import type { Application, EngineFactory, Serde } from '../../src/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'
import type { GeneratedCase } from './generated-case.ts'
import { observe } from './observe.ts'
import type { Observation } from './observe.ts'

export interface DriverRun {
  readonly partitions?: number
  readonly tasks?: 'real' | 'merged'
  /** Engine and directory of the state. Default: the memory engine. */
  readonly engine?: { readonly factory: EngineFactory; readonly directory: string }
  /** Indices of the inputs before which the application is restarted. */
  readonly restarts?: readonly number[]
  readonly keepState?: boolean
}

/** Makes the application of a case, with the default behaviour. */
export function caseApp(
  { config, topology }: GeneratedCase,
  settings: Parameters<typeof scenarioApp>[1] = {},
): Application {
  return scenarioApp({ config, topology }, settings)
}

/** Feeds a case to the test driver. */
export async function runOnDriver(generated: GeneratedCase, run: DriverRun = {}): Promise<Observation> {
  const { partitions = 1, tasks = 'real', engine, restarts = [], keepState = false } = run
  const app = caseApp(generated)
  const options = { partitions, tasks, wallClock: 0 }
  await using driver =
    engine === undefined
      ? new TopologyTestDriver(app, options)
      : await TopologyTestDriver.open(app, { ...options, engine: engine.factory, directory: engine.directory })
  const types = inputTypes(generated)
  for (const [index, input] of generated.inputs.entries()) {
    if (restarts.includes(index)) await driver.restart({ keepState })
    if ('advanceWallClockMs' in input) driver.advanceWallClock(input.advanceWallClockMs)
    else pipe(driver, input, types)
  }
  return observe(driver, generated.inputs, partitions)
}

type RecordInput = Exclude<Input, { readonly advanceWallClockMs: number }>
type Types = ReadonlyMap<string, { readonly key: TypeName; readonly value: TypeName }>

export function inputTypes({ topology }: Pick<GeneratedCase, 'topology'>): Types {
  const types = new Map<string, { key: TypeName; value: TypeName }>()
  for (const { op, topic: name, topics, key = 'string', value = 'string' } of topology) {
    if (op !== 'stream' && op !== 'table' && op !== 'globalTable') continue
    for (const source of topics ?? [name ?? '']) types.set(source, { key, value })
  }
  return types
}

export function inputTopic(input: RecordInput, types: Types) {
  const declared = types.get(input.topic)
  const serde = (type: TypeName | undefined): Serde<{}> => (type === 'long' ? long() : string())
  return topic(input.topic, {
    key: serde(input.keySerde ?? declared?.key),
    value: serde(input.valueSerde ?? declared?.value),
  })
}

export function pipe(driver: TopologyTestDriver, input: RecordInput, types: Types): void {
  const { key, value, timestamp, headers = [] } = input
  driver.input(inputTopic(input, types)).pipe(given(key), given(value), { timestamp, headers })
}

function given(scalar: Scalar): {} | null {
  return scalar
}

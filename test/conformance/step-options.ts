import {
  hopping,
  long,
  session,
  sessionWindowed,
  sliding,
  string,
  topic,
  tumbling,
  unlimited,
  untilTimeLimit,
  untilWindowCloses,
  windowed,
} from '../../src/index.ts'
import type {
  KeyValueStoreOptions,
  Materialize,
  Serde,
  SessionWindows,
  SlidingWindows,
  StoreSpec,
  StreamPartitioner,
  Suppressed,
  TimeWindows,
  Topic,
  WindowStoreOptions,
} from '../../src/index.ts'
import { aggregator, reducer, show } from './expressions.ts'
import type { TopicExtractor } from '../../src/topology/topology.ts'
import type { DataType } from './expressions.ts'
import type { Step, WindowsStep } from './scenario.ts'
import type { Types } from './step-result.ts'

/** The serde of a type; what cannot be written has none. */
export function serdeOf(type: DataType): Serde<{}> {
  if (type === 'string') return string()
  if (type === 'long') return long()
  if (typeof type === 'object' && 'windowed' in type) {
    const inner = serdeOf(type.windowed)
    return type.size === null ? sessionWindowed(inner) : windowed(inner, type.size)
  }
  throw new Error(`no serde for ${JSON.stringify(type)}`)
}

export function scenarioTopic(
  name: string,
  { key, value }: Types,
  timestamps: Step['timestamps'],
): Topic<unknown, unknown> {
  const options = {
    key: serdeOf(key) as Serde<unknown>,
    value: serdeOf(value) as Serde<unknown>,
    tombstones: true,
  } as const
  return topic(name, timestamps === 'valueAt' ? { ...options, timestamp: timestampOfValue } : options)
}

/** The number behind the last `@` of the value, or the partition's time if that is `pt`. */
export function timestampOfValue(
  record: { readonly value: unknown; readonly timestamp: number },
  partitionTime: number,
): number {
  const { value } = record
  if (typeof value !== 'string' || !value.includes('@')) return record.timestamp
  const text = value.slice(value.lastIndexOf('@') + 1)
  return text === 'pt' ? partitionTime : Number(text)
}

export function named({ named: name }: Step): { readonly name?: string } {
  return name === undefined ? {} : { name }
}

export function serdes({ key, value }: Types): { readonly key: Serde<{}>; readonly value: Serde<{}> } {
  return { key: serdeOf(key), value: serdeOf(value) }
}

/** `always`: the step passes serdes even without a store, as `Materialized.with` does. */
export function materialize(step: Step, types: Types, always: boolean): Materialize<unknown, unknown> {
  const store: KeyValueStoreOptions = {
    ...storeParts(step),
    ...(step.historyMs === undefined ? {} : { versioned: { history: step.historyMs } }),
  }
  if (step.store !== undefined) return { ...serdes(types), store }
  return always ? { ...serdes(types), store, materialized: true } : serdes(types)
}

export function materializeWindows(step: Step, types: Types): Materialize<unknown, unknown, WindowStoreOptions> {
  const retention = step.retentionMs === undefined ? {} : { retention: step.retentionMs }
  return { ...serdes(types), materialized: true, store: { ...storeParts(step), ...retention } }
}

export function storeOption(step: Step): { readonly store?: WindowStoreOptions } {
  return step.store === undefined && step.storeType === undefined ? {} : { store: storeParts(step) }
}

/** `drop:…` writes records with that value to no partition; `default` leaves it to the default partitioner. */
export function partitionerOf({ partitioner: rule }: Step): { readonly partitioner?: StreamPartitioner } {
  if (rule === undefined) return {}
  if (rule === 'default') return { partitioner: () => undefined }
  if (!rule.startsWith('drop:')) throw new Error(`unknown partitioner ${rule}`)
  const dropped = rule.slice('drop:'.length)
  return { partitioner: (_topic, _key, value) => (show(value) === dropped ? [] : 0) }
}

/** Chooses a topic by what the context says of the record. */
export function topicChooser(rule: string): TopicExtractor {
  if (rule === 'source') return (_value, _key, { topic }) => `from-${topic}`
  if (rule === 'offset') return (_value, _key, { offset }) => `off-${offset}`
  if (rule.startsWith('time:')) {
    const divisor = Number(rule.slice('time:'.length))
    return (_value, _key, { timestamp }) => `time-${timestamp % divisor}`
  }
  if (!rule.startsWith('header:')) throw new Error(`unknown topic chooser ${rule}`)
  const name = rule.slice('header:'.length)
  return (_value, _key, { headers }) => `header-${headers.getString(name) ?? 'none'}`
}

export function storeParts({ store, caching, storeType, logging }: Step): WindowStoreOptions {
  return {
    ...(logging === undefined ? {} : { logging }),
    ...(store === undefined ? {} : { name: store }),
    ...(caching === undefined ? {} : { caching }),
    ...(storeType === undefined ? {} : { type: 'memory' }),
  }
}

export function plainStore(name: string, key: DataType, value: DataType): StoreSpec {
  return {
    kind: 'keyValue',
    timestamped: false,
    name,
    keySerde: serdeOf(key),
    valueSerde: serdeOf(value),
    persistent: true,
    logging: {},
    caching: false,
  }
}

export type FoldingPlan = { readonly type: DataType } & (
  | { readonly kind: 'count' }
  | { readonly kind: 'reduce'; readonly reducer: (aggregate: unknown, value: unknown) => {} }
  | {
      readonly kind: 'aggregate'
      readonly initializer: () => unknown
      readonly aggregator: (aggregate: unknown, value: unknown, key: unknown) => unknown
    }
)

export function folding(step: Step, valueType: DataType): FoldingPlan {
  switch (step.op) {
    case 'count':
      return { kind: 'count', type: 'long' }
    case 'reduce':
      return { kind: 'reduce', type: valueType, reducer: reducer(step.reducer ?? '') as (a: unknown, b: unknown) => {} }
    case 'aggregate': {
      const { type, run } = aggregator(step.agg ?? '')
      return { kind: 'aggregate', type, initializer: () => step.init ?? null, aggregator: run }
    }
    default:
      throw new Error(`unknown step ${step.op} on a group`)
  }
}

export function windowsOf(step: WindowsStep): TimeWindows | SlidingWindows | SessionWindows {
  const grace = { grace: step.graceMs ?? 0 }
  switch (step.type) {
    case 'tumbling':
      return tumbling(step.sizeMs ?? 0, grace)
    case 'hopping':
      return hopping(step.sizeMs ?? 0, { advance: step.advanceMs ?? 0, ...grace })
    case 'sliding':
      return sliding(step.diffMs ?? 0, grace)
    case 'session':
      return session(step.gapMs ?? 0, grace)
    case 'unlimited':
      return unlimited({ start: step.startMs ?? 0 })
  }
}

export function windowedType(key: DataType, windows: TimeWindows | SlidingWindows | SessionWindows): DataType {
  switch (windows.kind) {
    case 'session':
      return { windowed: key, size: null }
    case 'sliding':
      return { windowed: key, size: windows.difference }
    case 'period':
      throw new Error('no scenario has windows of the calendar')
    case 'unlimited':
      return { windowed: key, size: Number.MAX_SAFE_INTEGER }
    default:
      return { windowed: key, size: windows.size }
  }
}

export function suppressed({ mode, ms, buffer }: Step): Suppressed {
  const bounds = {
    ...(buffer?.maxRecords === undefined ? {} : { maxRecords: buffer.maxRecords }),
    ...(buffer?.maxBytes === undefined ? {} : { maxBytes: buffer.maxBytes }),
  }
  // The steps of a scenario have no types.
  if (mode === 'windowClose') return untilWindowCloses(bounds) as Suppressed
  const whenFull = buffer?.onFull === 'shutdown' ? 'shutDown' : 'emitEarly'
  return untilTimeLimit(ms ?? 0, { ...bounds, whenFull })
}

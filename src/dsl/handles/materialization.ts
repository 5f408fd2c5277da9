import type { Serde } from '../../serde/serde.ts'
import type { ValueShape } from '../../serde/shaped-serde.ts'
import type {
  KeyValueStoreSpec,
  PeriodStoreSpec,
  SessionStoreSpec,
  VersionedStoreSpec,
  WindowStoreSpec,
} from '../../topology/store-spec.ts'
import type { StoreKind } from '../../topology/store-ref.ts'
import type { BuildSettings } from '../../topology/build-settings.ts'
import type { NameGenerator } from '../../topology/names.ts'
import { requiredInternalSerde } from '../../topology/required-serde.ts'
import { shapedSpec, shapeOf } from '../../topology/store-shape.ts'
import { topologyError } from '../../topology/topology-error.ts'
import {
  defaultRetention,
  minimumRetention,
  type AggregationWindows,
  type PeriodWindows,
  type SessionWindows,
} from '../../windowing/windows.ts'
import { MATERIALIZE, operatorOptions, type MaterializeTable } from '../options/option-tables.ts'
import type { Materialize, StoreOptions } from '../options/operator-options.ts'

/** The options of a store as an operator understands them. */
export interface Materialization {
  /** True if the user gave a store at all, even an unnamed one. */
  readonly given: boolean
  readonly storeName: string | undefined
  /** The kind of store that the user's reference is of. */
  readonly kind: StoreKind | undefined
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  readonly persistent: boolean
  readonly caching: boolean
  readonly logging: false | Readonly<Record<string, string>>
  /** History of a versioned store, ms. */
  readonly history: number | undefined
  /** How long a windowed store keeps rows, ms. */
  readonly retention: number | undefined
  /** The shape of the store's values; undefined: they have no version. */
  readonly shape: ValueShape | undefined
}

/**
 * @param owner the operator, as errors name it: `count()`
 * @param table its options, if it has more than those of every store
 * @throws MR_CONFIG, MR_TOPOLOGY_STORE_OPTION, MR_TOPOLOGY_NAME, MR_DURATION
 */
export function materializationOf(
  options: Materialize<unknown, unknown, StoreOptions> | undefined,
  owner: string,
  table: MaterializeTable = MATERIALIZE,
): Materialization {
  const { key, value, store: given, materialized = false } = operatorOptions(table, options, owner)
  const { name, type, caching = true, logging = true, versioned, retention, ref } = given ?? {}
  const persistent = type !== 'memory'
  if (versioned !== undefined && !persistent) throw badStoreOption(name, 'is versioned, but in memory')
  return {
    given: given !== undefined || materialized,
    storeName: name,
    kind: ref?.kind,
    keySerde: key ?? ref?.key,
    valueSerde: value ?? ref?.value,
    persistent,
    caching: caching && versioned === undefined,
    logging: logging === true ? {} : logging,
    history: versioned?.history,
    retention,
    shape: shapeOf(given ?? {}, (problem) => badStoreOption(name, problem)),
  }
}

function badStoreOption(store: string | undefined, problem: string): Error {
  return topologyError(
    'MR_TOPOLOGY_STORE_OPTION',
    `the store ${JSON.stringify(store ?? '(unnamed)')} ${problem}`,
    'A store is { name, type: persistent | memory, caching, logging }, ' +
      'with { versioned: { history } } for persistent tables, { retention } for windows, ' +
      'and { version, migrate } where the shape of its values changes.',
  )
}

/** @throws MR_TOPOLOGY_STORE_OPTION if the store is referred to as one of another kind */
export function requireKind({ kind, storeName }: Materialization, made: StoreKind | undefined): void {
  if (kind === undefined || kind === made) return
  const what = made === undefined ? 'stores that nobody asks' : `one of kind ${made}`
  throw badStoreOption(storeName, `is referred to as a store of kind ${kind}, but the operator makes ${what}`)
}

/** @throws MR_TOPOLOGY_STORE_OPTION if values have versions, where their shape is that of others */
export function requireNoShape({ shape, storeName }: Materialization, why: string): void {
  if (shape !== undefined) throw badStoreOption(storeName, `has a version, but ${why}`)
}

/** Returns the user's name for the store, else a generated one. */
export function storeNameOf(
  materialization: Materialization,
  names: NameGenerator,
  prefix: string,
): { readonly name: string; readonly generated: boolean } {
  const { storeName } = materialization
  return storeName === undefined
    ? { name: names.nextStore(prefix), generated: true }
    : { name: storeName, generated: false }
}

export interface StoreSerdes {
  readonly key: Serde<unknown> | undefined
  readonly value: Serde<unknown> | undefined
}

function baseSpec(
  settings: BuildSettings,
  materialization: Materialization,
  name: string,
  serdes: StoreSerdes,
  node: string,
): Omit<KeyValueStoreSpec, 'kind' | 'timestamped'> {
  const purpose = `the store "${name}"`
  const valueSerde = requiredInternalSerde(settings, 'value', serdes.value, node, purpose)
  return {
    name,
    keySerde: requiredInternalSerde(settings, 'key', serdes.key, node, purpose),
    ...shapedSpec(name, valueSerde, materialization.shape),
    persistent: materialization.persistent,
    logging: materialization.logging,
    caching: materialization.caching,
  }
}

/** @throws MR_SERDE_MISSING, MR_TOPOLOGY_STORE_OPTION */
export function tableStoreSpec(
  settings: BuildSettings,
  materialization: Materialization,
  name: string,
  serdes: StoreSerdes,
  node: string,
): KeyValueStoreSpec | VersionedStoreSpec {
  if (materialization.retention !== undefined) {
    throw badStoreOption(name, 'has a retention, but is not windowed')
  }
  requireKind(materialization, materialization.history === undefined ? 'keyValue' : 'versioned')
  const base = baseSpec(settings, materialization, name, serdes, node)
  return materialization.history === undefined
    ? { kind: 'keyValue', timestamped: true, ...base }
    : { kind: 'versioned', historyRetention: materialization.history, ...base }
}

/** @throws MR_SERDE_MISSING, MR_TOPOLOGY_STORE_OPTION */
export function windowedStoreSpec(
  settings: BuildSettings,
  materialization: Materialization,
  name: string,
  serdes: StoreSerdes,
  node: string,
  windows: AggregationWindows,
  emitOnClose: boolean,
): WindowStoreSpec | PeriodStoreSpec | SessionStoreSpec {
  requireKind(materialization, windows.kind === 'session' ? 'session' : 'window')
  const { caching, ...base } = baseSpec(settings, materialization, name, serdes, node)
  const common = { ...base, caching: caching && !emitOnClose, timeOrdered: emitOnClose }
  switch (windows.kind) {
    case 'session':
      return { kind: 'session', ...common, retention: retentionOf(settings, materialization, windows) }
    case 'period': {
      const retention = materialization.retention ?? defaultRetention(windows)
      return { kind: 'period', ...common, retention, maxSize: windows.maxSize }
    }
    default:
      return {
        kind: 'window',
        timestamped: true,
        ...common,
        // Kafka Streams keeps the cache of tumbling and hopping windows, and disables that of sliding ones.
        caching: caching && (!emitOnClose || (settings.compatible && windows.kind !== 'sliding')),
        retention: retentionOf(settings, materialization, windows),
        inclusiveRetention: false,
        windowSize: windowSize(windows),
        retainDuplicates: false,
      }
  }
}

/** Returns a retention long enough that results do not depend on other keys, except under `compatibility`. */
function retentionOf(settings: BuildSettings, { retention }: Materialization, windows: AggregationWindows): number {
  if (settings.compatible) return retention ?? minimumRetention(windows)
  return Math.max(retention ?? 0, defaultRetention(windows))
}

/**
 * Refuses options that a windowed store cannot have. Called with the operator, so that the stack shows the user's line.
 *
 * @throws MR_TOPOLOGY_STORE_OPTION, MR_TOPOLOGY_RETENTION
 */
export function checkWindowStore(materialization: Materialization, windows: AggregationWindows, name: string): void {
  if (materialization.history !== undefined) throw badStoreOption(name, 'is versioned, but windowed')
  const least = minimumRetention(windows)
  const { retention } = materialization
  if (retention !== undefined && retention < least) {
    throw topologyError(
      'MR_TOPOLOGY_RETENTION',
      `the store "${name}" keeps its windows for ${retention} ms, but they are final only after ${least} ms`,
      'Give a retention of at least the size of the windows plus their grace period.',
    )
  }
}

/** Returns the size of a window as its key's serde must know it, ms. */
export function windowSize(windows: Exclude<AggregationWindows, PeriodWindows | SessionWindows>): number {
  switch (windows.kind) {
    case 'sliding':
      return windows.difference
    case 'unlimited':
      return Number.MAX_SAFE_INTEGER
    default:
      return windows.size
  }
}

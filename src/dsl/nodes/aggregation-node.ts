import type { Serde } from '../../serde/serde.ts'
import { sessionWindowed } from '../../serde/session-windowed.ts'
import { windowed } from '../../serde/windowed.ts'
import type { StoreSpec } from '../../topology/store-spec.ts'
import type { BuildSettings } from '../../topology/build-settings.ts'
import { GraphNode, type NodeTraits } from '../../topology/graph/graph-node.ts'
import type { Folding, Merger, OperatorSpec } from '../../topology/operator-spec.ts'
import { closingDelay, includesEnd, minimumRetention, type AggregationWindows } from '../../windowing/windows.ts'
import {
  checkWindowStore,
  tableStoreSpec,
  windowSize,
  windowedStoreSpec,
  type Materialization,
} from '../handles/materialization.ts'
import { AggregateOrigin, type StoreKind } from '../handles/table-origins.ts'

/** How an aggregation is windowed; undefined: not at all. */
export interface Windowing {
  readonly windows: AggregationWindows
  readonly emitOnClose: boolean
  /** Sessions only. */
  readonly merger: Merger | undefined
}

export interface AggregationStore {
  readonly name: string
  readonly generated: boolean
  readonly materialization: Materialization
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
}

/** Makes the node that folds records into a store, and the way its table is looked up. */
export function aggregationNode(
  name: string,
  store: AggregationStore,
  folding: Folding,
  windowing: Windowing | undefined,
  storeSpec: StoreSpecMaker = storeSpecOnce(store, windowing),
): { readonly node: GraphNode; readonly origin: AggregateOrigin } {
  if (windowing !== undefined) checkWindowStore(store.materialization, windowing.windows, store.name)
  const origin = new AggregateOrigin(store.name, storeKindOf(store.materialization, windowing))
  const node = new GraphNode(name, nodeTraitsOf(store.materialization, windowing), (writer, self) => {
    writer.addProcessor(name, operatorOf(store.name, folding, windowing, origin.sendsOldValues), self.parentNames())
    writer.addStore(storeSpec(writer.settings, name), store.generated, name)
  })
  return { node, origin }
}

/** Makes the definition of a store for the first node that asks; several nodes of a cogroup share it. */
export type StoreSpecMaker = (settings: BuildSettings, node: string) => StoreSpec

export function storeSpecOnce(store: AggregationStore, windowing: Windowing | undefined): StoreSpecMaker {
  let spec: StoreSpec | undefined
  return (settings, node) => (spec ??= storeSpecOf(settings, node, store, windowing))
}

/** Returns the serde of the result's keys. In windows it wraps the serde of the key, which may be the default one. */
export function resultKeySerde(
  keySerde: Serde<unknown> | undefined,
  windows: AggregationWindows | undefined,
  settings: BuildSettings,
): Serde<unknown> | undefined {
  if (windows === undefined) return keySerde
  const inner = keySerde ?? settings.defaultKeySerde
  if (inner === undefined) return undefined
  if (windows.kind === 'session') return sessionWindowed(inner)
  return windowed(inner, windows.kind === 'period' ? windows : windowSize(windows))
}

function storeKindOf(materialization: Materialization, windowing: Windowing | undefined): StoreKind {
  const kind = windowing?.windows.kind
  if (kind !== undefined) return kind === 'session' || kind === 'period' ? kind : 'window'
  return materialization.history === undefined ? 'keyValue' : 'versioned'
}

function nodeTraitsOf(materialization: Materialization, windowing: Windowing | undefined): NodeTraits {
  if (windowing === undefined) return { versioned: materialization.history !== undefined }
  const { windows } = windowing
  const delay = closingDelay(windows)
  // Unlimited windows never close, whatever their size.
  const size = Math.max(0, minimumRetention(windows) - delay)
  return { versioned: false, windowClose: { delay, inclusiveEnd: includesEnd(windows), size } }
}

function operatorOf(
  store: string,
  folding: Folding,
  windowing: Windowing | undefined,
  sendOldValues: boolean,
): OperatorSpec {
  if (windowing === undefined) return { op: 'aggregate', store, folding, sendOldValues }
  const { windows, emitOnClose, merger } = windowing
  switch (windows.kind) {
    case 'period':
      return { op: 'periodAggregate', store, windows, folding, emitOnClose, sendOldValues }
    case 'sliding':
      return { op: 'slidingAggregate', store, windows, folding, emitOnClose, sendOldValues }
    case 'session':
      if (merger === undefined) throw new Error('a session aggregation has a merger')
      return { op: 'sessionAggregate', store, windows, folding, merger, emitOnClose, sendOldValues }
    default:
      return { op: 'windowAggregate', store, windows, folding, emitOnClose, sendOldValues }
  }
}

function storeSpecOf(
  settings: BuildSettings,
  node: string,
  store: AggregationStore,
  windowing: Windowing | undefined,
): StoreSpec {
  const { name, materialization } = store
  const serdes = { key: store.keySerde, value: store.valueSerde }
  if (windowing === undefined) return tableStoreSpec(settings, materialization, name, serdes, node)
  const { windows, emitOnClose } = windowing
  return windowedStoreSpec(settings, materialization, name, serdes, node, windows, emitOnClose)
}

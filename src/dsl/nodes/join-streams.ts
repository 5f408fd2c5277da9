import { STREAM_JOIN } from '../options/option-tables.ts'
import type { Serde } from '../../serde/serde.ts'
import type { OuterJoinStoreSpec, StoreSpec, WindowStoreSpec } from '../../topology/store-spec.ts'
import type { BuildSettings } from '../../topology/build-settings.ts'
import type { TopologyWriter } from '../../topology/compile/topology-writer.ts'
import { GraphNode, type NodeRole } from '../../topology/graph/graph-node.ts'
import type { LogicalGraph } from '../../topology/graph/logical-graph.ts'
import { newRepartition, repartitionNode } from '../../topology/graph/repartition.ts'
import type { JoinKind, Joiner } from '../../topology/operator-spec.ts'
import { requiredInternalSerde } from '../../topology/required-serde.ts'
import { validateName } from '../../topology/names.ts'
import { defaultRetention, minimumRetention, type JoinWindows } from '../../windowing/windows.ts'
import type { StreamHandle } from '../handles/handles.ts'
import { materializationOf, requireKind, requireNoShape, type Materialization } from '../handles/materialization.ts'
import type { StreamJoinOptions } from '../options/operator-options.ts'
import { processorNode } from './stream-operator.ts'

interface JoinSerdes {
  readonly key: Serde<unknown> | undefined
  readonly left: Serde<unknown> | undefined
  readonly right: Serde<unknown> | undefined
}

interface JoinNames {
  readonly leftWindow: string
  readonly rightWindow: string
  readonly left: string
  readonly right: string
  readonly merge: string
  readonly leftStore: string
  readonly rightStore: string
  /** Null for an inner join. */
  readonly outerStore: string | null
}

export function joinStreams(
  left: StreamHandle,
  right: StreamHandle,
  join: JoinKind,
  joiner: Joiner,
  windows: JoinWindows,
  options: StreamJoinOptions<unknown, unknown, unknown> = {},
): StreamHandle {
  const { graph } = left
  const materialization = materializationOf(options, join === 'inner' ? 'join()' : `${join}Join()`, STREAM_JOIN)
  requireKind(materialization, undefined)
  requireNoShape(materialization, 'the stores of a join of streams hold what its topics have')
  const serdes: JoinSerdes = {
    key: options.key ?? left.keySerde ?? right.keySerde,
    left: options.value ?? left.valueSerde,
    right: options.otherValue ?? right.valueSerde,
  }
  const leftBase = options.name === undefined ? left.name : validateName(`${options.name}-left`)
  const rightBase = options.name === undefined ? right.name : validateName(`${options.name}-right`)
  const leftSide = repartitionForJoin(left, leftBase, serdes.key, serdes.left)
  const rightSide = repartitionForJoin(right, rightBase, serdes.key, serdes.right)
  const sources = graph.copartition(leftSide.sources, rightSide.sources)
  const names = joinNames(graph, join, options.name, materialization.storeName)

  const addWindow = (side: StreamHandle, name: string, store: string): void => {
    graph.add(
      side.node,
      processorNode(name, {}, () => ({ op: 'joinWindow', store })),
    )
  }
  addWindow(leftSide, names.leftWindow, names.leftStore)
  addWindow(rightSide, names.rightWindow, names.rightStore)

  const role: NodeRole = {
    kind: 'streamJoin',
    inner: join === 'inner',
    leftWindow: names.leftWindow,
    rightWindow: names.rightWindow,
    selfJoin: false,
  }
  const node = new GraphNode(names.merge, { role, relaxedNullKeys: join !== 'inner' }, (writer, self) => {
    const stores = joinStores(writer.settings, names, serdes, windows, materialization)
    const plan: JoinPlan = {
      names,
      join,
      joiner,
      windows,
      stores,
      generatedStores: materialization.storeName === undefined,
    }
    if (self.role.kind === 'streamJoin' && self.role.selfJoin) writeSelfJoin(writer, plan)
    else writeJoin(writer, plan)
  })
  graph.add([leftSide.node, rightSide.node], node)
  return { graph, name: names.merge, node, keySerde: serdes.key, valueSerde: undefined, sources, repartition: false }
}

/** Repartitions a stream whose key may have changed. Joins of one stream share it, unless a name is given. */
export function repartitionForJoin(
  stream: StreamHandle,
  base: string,
  keySerde: Serde<unknown> | undefined,
  valueSerde: Serde<unknown> | undefined,
): StreamHandle {
  if (!stream.repartition) return stream
  const { graph } = stream
  const body = newRepartition(graph.names, base, { keySerde, valueSerde })
  let node = stream.joinRepartition
  if (node === undefined || stream.name !== base) {
    node = repartitionNode('optimizable', body)
    stream.joinRepartition = node
    graph.add(stream.node, node)
  }
  return { graph, name: node.name, node, keySerde, valueSerde, sources: new Set([node.name]), repartition: false }
}

function joinNames(
  graph: LogicalGraph,
  join: JoinKind,
  name: string | undefined,
  storeBase: string | undefined,
): JoinNames {
  const { names } = graph
  const leftSuffix = join === 'outer' ? '-outer-this-join' : '-this-join'
  const rightSuffix = join === 'inner' ? '-other-join' : '-outer-other-join'
  const leftWindow = names.suffixedOrNext(name, '-this-windowed', 'KSTREAM-WINDOWED-')
  const rightWindow = names.suffixedOrNext(name, '-other-windowed', 'KSTREAM-WINDOWED-')
  const left = names.next(join === 'outer' ? 'KSTREAM-OUTERTHIS-' : 'KSTREAM-JOINTHIS-')
  const right = names.next(join === 'inner' ? 'KSTREAM-JOINOTHER-' : 'KSTREAM-OUTEROTHER-')
  const merge = names.suffixedOrNext(name, '-merge', 'KSTREAM-MERGE-')
  const sharedName =
    storeBase === undefined
      ? `KSTREAM-OUTERSHARED-${left.slice(-10)}`
      : `${storeBase}${join === 'outer' ? '-outer-shared-join' : '-left-shared-join'}`
  return {
    leftWindow,
    rightWindow,
    left: name === undefined ? left : name + leftSuffix,
    right: name === undefined ? right : name + rightSuffix,
    merge,
    leftStore: validateName(`${storeBase === undefined ? left : storeBase + leftSuffix}-store`),
    rightStore: validateName(`${storeBase === undefined ? right : storeBase + rightSuffix}-store`),
    outerStore: join === 'inner' ? null : `${sharedName}-store`,
  }
}

interface JoinStores {
  readonly left: StoreSpec
  readonly right: StoreSpec
  readonly outer: StoreSpec | undefined
}

function joinStores(
  settings: BuildSettings,
  names: JoinNames,
  serdes: JoinSerdes,
  windows: JoinWindows,
  materialization: Materialization,
): JoinStores {
  const { persistent, logging } = materialization
  const purpose = `the stores of the join "${names.merge}"`
  const keySerde = requiredInternalSerde(settings, 'key', serdes.key, names.merge, purpose)
  const leftValue = requiredInternalSerde(settings, 'value', serdes.left, names.left, purpose)
  const rightValue = requiredInternalSerde(settings, 'value', serdes.right, names.right, purpose)
  const windowStore = (name: string, valueSerde: Serde<unknown>): WindowStoreSpec => ({
    kind: 'window',
    name,
    keySerde,
    valueSerde,
    persistent,
    logging,
    caching: false,
    timestamped: false,
    retention: settings.compatible ? minimumRetention(windows) : defaultRetention(windows),
    inclusiveRetention: !settings.compatible,
    windowSize: windows.before + windows.after,
    retainDuplicates: true,
    timeOrdered: false,
  })
  const outer: OuterJoinStoreSpec | undefined =
    names.outerStore === null
      ? undefined
      : {
          kind: 'outerJoin',
          name: names.outerStore,
          keySerde,
          valueSerde: leftValue,
          rightValueSerde: rightValue,
          persistent,
          logging,
          caching: false,
        }
  return { left: windowStore(names.leftStore, leftValue), right: windowStore(names.rightStore, rightValue), outer }
}

interface JoinPlan {
  readonly names: JoinNames
  readonly join: JoinKind
  readonly joiner: Joiner
  readonly windows: JoinWindows
  readonly stores: JoinStores
  readonly generatedStores: boolean
}

function writeJoin(writer: TopologyWriter, plan: JoinPlan): void {
  const { names, join, joiner, windows, stores, generatedStores } = plan
  const common = {
    op: 'streamJoin',
    join,
    outerStore: names.outerStore,
    windows,
    joiner,
    timeKey: names.merge,
  } as const
  writer.addProcessor(names.left, { ...common, side: 'left', otherStore: names.rightStore }, [names.leftWindow])
  writer.addProcessor(names.right, { ...common, side: 'right', otherStore: names.leftStore }, [names.rightWindow])
  writer.addProcessor(names.merge, { op: 'passThrough' }, [names.left, names.right])
  writer.addStore(stores.left, generatedStores, names.leftWindow, names.right)
  writer.addStore(stores.right, generatedStores, names.rightWindow, names.left)
  if (stores.outer !== undefined) writer.addStore(stores.outer, generatedStores, names.left, names.right)
}

function writeSelfJoin(writer: TopologyWriter, plan: JoinPlan): void {
  const { names, joiner, windows, stores, generatedStores } = plan
  writer.addProcessor(names.merge, { op: 'streamSelfJoin', store: names.leftStore, windows, joiner }, [
    names.leftWindow,
  ])
  writer.addStore(stores.left, generatedStores, names.leftWindow, names.merge)
}

import type { Aggregator, Initializer, Merger } from '../../topology/operator-spec.ts'
import { newRepartition, repartitionNode } from '../../topology/graph/repartition.ts'
import type { GraphNode } from '../../topology/graph/graph-node.ts'
import type { AggregationWindows } from '../../windowing/windows.ts'
import type { GroupedStreamHandle, TableHandle } from '../handles/handles.ts'
import { materializationOf, storeNameOf } from '../handles/materialization.ts'
import type { Materialize, StoreOptions } from '../options/operator-options.ts'
import { CogroupOrigin, type AggregateOrigin } from '../handles/table-origins.ts'
import {
  aggregationNode,
  resultKeySerde,
  storeSpecOnce,
  type AggregationStore,
  type Windowing,
} from './aggregation-node.ts'
import { processorNode } from './stream-operator.ts'

/** Grouped streams and how each is folded into the common aggregate, in the order in which they were added. */
export interface CogroupHandle {
  readonly inputs: Map<GroupedStreamHandle, Aggregator>
  /** Repartitions made so far: several aggregations of one cogroup share them. */
  readonly repartitions: Map<GroupedStreamHandle, GraphNode>
}

export function aggregateCogroup(
  cogroup: CogroupHandle,
  initializer: Initializer,
  windows: AggregationWindows | undefined,
  merger: Merger | undefined,
  options: Materialize<unknown, unknown, StoreOptions> = {},
): TableHandle {
  const groups = [...cogroup.inputs.keys()]
  const [first] = groups
  if (first === undefined) throw new Error('a cogroup has at least one input')
  const { graph } = first
  const { names } = graph
  const materialization = materializationOf(options, 'aggregate()')
  const named = storeNameOf(materialization, names, 'COGROUPKSTREAM-AGGREGATE-')
  const keySerde = materialization.keySerde ?? first.keySerde
  const store: AggregationStore = { ...named, materialization, keySerde, valueSerde: materialization.valueSerde }
  const windowing: Windowing | undefined = windows === undefined ? undefined : { windows, emitOnClose: false, merger }

  const parents = new Map(groups.map((group) => [group, parentOf(cogroup, group, named.name)]))
  const sources = graph.copartition(
    ...groups.map((group) => (group.repartition ? new Set([parents.get(group)?.name ?? '']) : group.sources)),
  )

  const storeSpec = storeSpecOnce(store, windowing)
  const origins: AggregateOrigin[] = []
  const nodes: GraphNode[] = []
  for (const [group, aggregator] of cogroup.inputs) {
    const name = names.suffixedOrNext(options.name, `-cogroup-agg-${nodes.length}`, 'COGROUPKSTREAM-AGGREGATE-')
    const made = aggregationNode(name, store, { kind: 'aggregate', initializer, aggregator }, windowing, storeSpec)
    origins.push(made.origin)
    nodes.push(made.node)
    graph.add(parents.get(group) ?? group.node, made.node)
  }
  const name = names.suffixedOrNext(options.name, '-cogroup-merge', 'COGROUPKSTREAM-MERGE-')
  const node = processorNode(name, {}, () => ({ op: 'passThrough' }))
  graph.add(nodes, node)
  return {
    graph,
    name,
    node,
    keySerde: resultKeySerde(keySerde, windows, graph.settings),
    valueSerde: materialization.valueSerde,
    sources,
    origin: new CogroupOrigin(origins),
    shape: materialization.shape,
    sendsOldValues: false,
  }
}

function parentOf(cogroup: CogroupHandle, group: GroupedStreamHandle, storeName: string): GraphNode {
  if (!group.repartition) return group.node
  const { graph } = group
  const body = newRepartition(graph.names, group.repartitionName ?? storeName, {
    keySerde: group.keySerde,
    valueSerde: group.valueSerde,
    group,
  })
  const existing = cogroup.repartitions.get(group)
  if (existing !== undefined) return existing
  const made = repartitionNode('optimizable', body)
  graph.add(group.node, made)
  cogroup.repartitions.set(group, made)
  return made
}

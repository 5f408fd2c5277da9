import { GraphNode } from '../../topology/graph/graph-node.ts'
import type { LogicalGraph } from '../../topology/graph/logical-graph.ts'
import type { SpecOf } from '../../topology/operator-spec.ts'
import { newRepartition, repartitionNode } from '../../topology/graph/repartition.ts'
import type { StreamHandle, TableHandle } from '../handles/handles.ts'
import {
  materializationOf,
  storeNameOf,
  tableStoreSpec,
  type Materialization,
  type StoreSerdes,
} from '../handles/materialization.ts'
import type { Materialize } from '../options/operator-options.ts'
import { SourceOrigin } from '../handles/table-origins.ts'

export function toTable(stream: StreamHandle, options: Materialize<unknown, unknown> = {}): TableHandle {
  const { graph } = stream
  const materialization = materializationOf(options, 'toTable()')
  const name = graph.names.orNext(options.name, 'KSTREAM-TOTABLE-')
  const store = storeNameOf(materialization, graph.names, 'KSTREAM-TOTABLE-')
  const keySerde = materialization.keySerde ?? stream.keySerde
  const valueSerde = materialization.valueSerde ?? stream.valueSerde

  let parent = stream.node
  let { sources } = stream
  if (stream.repartition) {
    parent = repartitionNode('optimizable', newRepartition(graph.names, name, { keySerde, valueSerde }))
    graph.add(stream.node, parent)
    sources = new Set([parent.name])
  }

  const serdes = { key: keySerde, value: valueSerde }
  return upsertedTable(graph, parent, name, materialization, store, serdes, sources)
}

/** Makes a table of what a node emits, upserted by key. */
export function upsertedTable(
  graph: LogicalGraph,
  parent: GraphNode,
  name: string,
  materialization: Materialization,
  store: { readonly name: string; readonly generated: boolean },
  serdes: StoreSerdes,
  sources: ReadonlySet<string>,
): TableHandle {
  const versioned = materialization.history !== undefined
  const origin = new SourceOrigin(store.name, versioned, !store.generated)
  const node = new GraphNode(name, { versioned }, (writer, self) => {
    writer.addProcessor(name, tableSourceOperator(origin), self.parentNames())
    if (!origin.materialized) return
    writer.addStore(tableStoreSpec(writer.settings, materialization, store.name, serdes, name), store.generated, name)
  })
  graph.add(parent, node)
  const { key: keySerde, value: valueSerde } = serdes
  const { shape } = materialization
  return { graph, name, node, keySerde, valueSerde, sources, origin, shape, sendsOldValues: false }
}

/** Upserts by key, into a store if it is needed. */
export function tableSourceOperator(origin: SourceOrigin): SpecOf<'tableSource'> {
  return {
    op: 'tableSource',
    store: origin.materialized ? origin.store : null,
    versioned: origin.versioned,
    sendOldValues: origin.sendsOldValues,
  }
}

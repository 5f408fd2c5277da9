import { long } from '../../serde/long.ts'
import type { Serde } from '../../serde/serde.ts'
import { changeSerde } from '../../serde/internal/change-serde.ts'
import { GraphNode, type WriteNode } from '../../topology/graph/graph-node.ts'
import { REPARTITION_SUFFIX } from '../../topology/graph/repartition.ts'
import { validateName } from '../../topology/names.ts'
import type { Aggregator, Initializer, OperatorSpec, Reducer } from '../../topology/operator-spec.ts'
import { requiredInternalSerde } from '../../topology/required-serde.ts'
import type { GroupedTableHandle, TableHandle } from '../handles/handles.ts'
import { materializationOf, storeNameOf, tableStoreSpec } from '../handles/materialization.ts'
import type { Materialize } from '../options/operator-options.ts'
import { AggregateOrigin } from '../handles/table-origins.ts'

export type TableFolding =
  | { readonly kind: 'count' }
  | { readonly kind: 'reduce'; readonly adder: Reducer; readonly subtractor: Reducer }
  | {
      readonly kind: 'aggregate'
      readonly initializer: Initializer
      readonly adder: Aggregator
      readonly subtractor: Aggregator
    }

/** `count`, `reduce` and `aggregate` of a grouped table; always through a repartition topic. */
export function aggregateTable(
  group: GroupedTableHandle,
  folding: TableFolding,
  options: Materialize<unknown, unknown> = {},
): TableHandle {
  const { graph } = group
  const { names } = graph
  const materialization = materializationOf(options, `${folding.kind}()`)
  const store = storeNameOf(materialization, names, 'KTABLE-AGGREGATE-')
  const sink = names.suffixedOrNext(options.name, '-sink', 'KSTREAM-SINK-')
  const source = names.suffixedOrNext(options.name, '-source', 'KSTREAM-SOURCE-')
  const name = names.orNext(options.name, folding.kind === 'reduce' ? 'KTABLE-REDUCE-' : 'KTABLE-AGGREGATE-')

  const shared = group.repartitionName === undefined ? undefined : group.sharedRepartition
  const topic = validateName((group.repartitionName ?? store.name) + REPARTITION_SUFFIX)
  const generated = group.repartitionName === undefined && store.generated
  const parent = shared ?? repartitionNode(group, { topic, generated, sink, source })
  group.sharedRepartition = parent
  graph.add(group.node, parent)

  const keySerde = materialization.keySerde ?? group.keySerde
  const valueSerde = materialization.valueSerde ?? inheritedValueSerde(group, folding)
  const versioned = materialization.history !== undefined
  const origin = new AggregateOrigin(store.name, versioned ? 'versioned' : 'keyValue')
  const node = new GraphNode(name, { versioned }, (writer, self) => {
    writer.addProcessor(name, operatorOf(store.name, folding, origin.sendsOldValues), self.parentNames())
    const serdes = { key: keySerde, value: valueSerde }
    writer.addStore(tableStoreSpec(writer.settings, materialization, store.name, serdes, name), store.generated, name)
  })
  graph.add(parent, node)
  const { shape } = materialization
  const sources = new Set([parent.name])
  return { graph, name, node, keySerde, valueSerde, sources, origin, shape, sendsOldValues: false }
}

function repartitionNode(
  group: GroupedTableHandle,
  names: { readonly topic: string; readonly generated: boolean; readonly sink: string; readonly source: string },
): GraphNode {
  const { topic, generated, sink, source } = names
  const write: WriteNode = (writer, self) => {
    writer.addInternalTopic(topic, 0, generated)
    const purpose = `the repartition topic "${topic}"`
    const keySerde = requiredInternalSerde(writer.settings, 'key', group.keySerde, group.node.name, purpose)
    const ownValueSerde = requiredInternalSerde(writer.settings, 'value', group.valueSerde, group.node.name, purpose)
    const valueSerde = changeSerde(ownValueSerde)
    writer.addSink({ name: sink, topic, keySerde, valueSerde, partitioner: undefined, parents: self.parentNames() })
    writer.addInternalSource({ name: source, topics: [topic], keySerde, valueSerde })
  }
  return new GraphNode(source, {}, write, group.node.trace)
}

function operatorOf(store: string, folding: TableFolding, sendOldValues: boolean): OperatorSpec {
  switch (folding.kind) {
    case 'count':
      return {
        op: 'tableAggregate',
        store,
        initializer: () => 0,
        adder: (count) => Number(count) + 1,
        subtractor: (count) => Number(count) - 1,
        sendOldValues,
      }
    case 'reduce':
      return { op: 'tableReduce', store, adder: folding.adder, subtractor: folding.subtractor, sendOldValues }
    case 'aggregate': {
      const { initializer, adder, subtractor } = folding
      return { op: 'tableAggregate', store, initializer, adder, subtractor, sendOldValues }
    }
  }
}

function inheritedValueSerde(group: GroupedTableHandle, folding: TableFolding): Serde<unknown> | undefined {
  if (folding.kind === 'count') return long()
  return folding.kind === 'reduce' ? group.valueSerde : undefined
}

import type { TableView, Predicate, ValueMapper, OperatorSpec } from '../../topology/operator-spec.ts'
import type { ValueTransformerSupplier } from '../../topology/processor-api.ts'
import { GraphNode, type NodeTraits } from '../../topology/graph/graph-node.ts'
import { inputIsVersioned } from '../../topology/graph/versioned.ts'
import type { Serde } from '../../serde/serde.ts'
import type { StreamHandle, TableHandle } from '../handles/handles.ts'
import { materializationOf, tableStoreSpec, type Materialization } from '../handles/materialization.ts'
import { NAMED, TRANSFORM, operatorOptions } from '../options/option-tables.ts'
import type { Materialize, Named } from '../options/operator-options.ts'
import { DerivedOrigin, enableOldValues } from '../handles/table-origins.ts'
import { processorNode } from './stream-operator.ts'

type Options = Materialize<unknown, unknown>

export function filterTable(
  table: TableHandle,
  predicate: Predicate,
  not: boolean,
  options: Options = {},
): TableHandle {
  const materialization = materializationOf(options, not ? 'filterNot()' : 'filter()')
  const name = derivedName(table, materialization, options.name, 'KTABLE-FILTER-')
  // A filter uses old values if its parent has them anyway: it can then leave out useless tombstones.
  const parentSends = enableOldValues(table, false)
  const origin = derivedOrigin(table, materialization, parentSends, (of) => ({ kind: 'filter', of, predicate, not }))
  return derive(table, name, materialization, origin, table.valueSerde, [], (node) => ({
    op: 'tableFilter',
    predicate,
    not,
    store: origin.store,
    versioned: inputIsVersioned(node),
    sendOldValues: origin.sendsOldValues,
    parentSendsOldValues: parentSends,
  }))
}

export function mapTableValues(table: TableHandle, mapper: ValueMapper, options: Options = {}): TableHandle {
  const materialization = materializationOf(options, 'mapValues()')
  const name = derivedName(table, materialization, options.name, 'KTABLE-MAPVALUES-')
  const origin = derivedOrigin(table, materialization, false, (of) => ({ kind: 'mapValues', of, mapper }))
  return derive(table, name, materialization, origin, undefined, [], (node) => ({
    op: 'tableMapValues',
    mapper,
    store: origin.store,
    versioned: inputIsVersioned(node),
    sendOldValues: origin.sendsOldValues,
  }))
}

export function transformTableValues(
  table: TableHandle,
  supplier: ValueTransformerSupplier<unknown, unknown, unknown>,
  options: Options & { readonly stores?: readonly string[] } = {},
): TableHandle {
  const materialization = materializationOf(options, 'transformValues()', TRANSFORM)
  const stores = options.stores ?? []
  const name = table.graph.names.orNext(options.name, 'KTABLE-TRANSFORMVALUES-')
  const origin = derivedOrigin(table, materialization, false, (of) => ({
    kind: 'transformValues',
    of,
    supplier,
    stores,
  }))
  return derive(table, name, materialization, origin, undefined, stores, (node) => ({
    op: 'tableTransformValues',
    supplier,
    stores,
    store: origin.store,
    versioned: inputIsVersioned(node),
    sendOldValues: origin.sendsOldValues,
  }))
}

export function toStream(table: TableHandle, options: Named = {}): StreamHandle {
  operatorOptions(NAMED, options, 'toStream()')
  const { graph, keySerde, valueSerde, sources } = table
  const name = graph.names.orNext(options.name, 'KTABLE-TOSTREAM-')
  const node = processorNode(name, {}, () => ({ op: 'tableToStream' }))
  graph.add(table.node, node)
  return { graph, name, node, keySerde, valueSerde, sources, repartition: false }
}

/** A store without a name is not made, but draws its number. */
function derivedName(
  table: TableHandle,
  materialization: Materialization,
  name: string | undefined,
  prefix: string,
): string {
  const { names } = table.graph
  if (materialization.given && materialization.storeName === undefined) names.nextStore(prefix)
  return names.orNext(name, prefix)
}

function derivedOrigin(
  table: TableHandle,
  materialization: Materialization,
  sendsOldValues: boolean,
  view: (parent: TableView) => TableView,
): DerivedOrigin {
  const { storeName, history } = materialization
  const store =
    storeName === undefined
      ? null
      : { name: storeName, kind: history === undefined ? ('keyValue' as const) : ('versioned' as const) }
  return new DerivedOrigin(table, store, sendsOldValues, view)
}

function derive(
  table: TableHandle,
  name: string,
  materialization: Materialization,
  origin: DerivedOrigin,
  inheritedValueSerde: Serde<unknown> | undefined,
  stores: readonly string[],
  operator: (node: GraphNode) => OperatorSpec,
): TableHandle {
  const { graph, sources } = table
  const keySerde = materialization.keySerde ?? table.keySerde
  const valueSerde = materialization.valueSerde ?? inheritedValueSerde
  const traits: NodeTraits = materialization.given ? { versioned: materialization.history !== undefined } : {}
  const node = new GraphNode(name, traits, (writer, self) => {
    writer.addProcessor(name, operator(self), self.parentNames())
    for (const store of stores) writer.connect(name, store)
    if (materialization.storeName === undefined) return
    const serdes = { key: keySerde, value: valueSerde }
    writer.addStore(
      tableStoreSpec(writer.settings, materialization, materialization.storeName, serdes, name),
      false,
      name,
    )
  })
  graph.add(table.node, node)
  const shape = materialization.shape ?? (inheritedValueSerde === undefined ? undefined : table.shape)
  return { graph, name, node, keySerde, valueSerde, sources, origin, shape, sendsOldValues: false }
}

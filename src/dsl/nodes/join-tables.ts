import { GraphNode } from '../../topology/graph/graph-node.ts'
import { outputIsVersioned } from '../../topology/graph/versioned.ts'
import type { JoinKind, Joiner } from '../../topology/operator-spec.ts'
import type { TableHandle } from '../handles/handles.ts'
import { materializationOf, storeNameOf, tableStoreSpec } from '../handles/materialization.ts'
import type { Materialize } from '../options/operator-options.ts'
import { JoinOrigin, enableOldValues, storesOf } from '../handles/table-origins.ts'

/** Joins two tables by their common key. */
export function joinTables(
  left: TableHandle,
  right: TableHandle,
  join: JoinKind,
  joiner: Joiner,
  options: Materialize<unknown, unknown> = {},
): TableHandle {
  const { graph } = left
  const { names } = graph
  const materialization = materializationOf(options, join === 'inner' ? 'join()' : `${join}Join()`)
  const store = materialization.given ? storeNameOf(materialization, names, 'KTABLE-MERGE-') : undefined
  const name = names.orNext(options.name, 'KTABLE-MERGE-')
  const sources = graph.copartition(left.sources, right.sources)
  if (join !== 'inner') enableOldValues(left, true)
  if (join === 'outer') enableOldValues(right, true)
  const leftName = names.suffixedOrNext(options.name, '-join-this', 'KTABLE-JOINTHIS-')
  const rightName = names.suffixedOrNext(options.name, '-join-other', 'KTABLE-JOINOTHER-')

  const versioned = materialization.history !== undefined
  const kind = versioned ? 'versioned' : 'keyValue'
  const origin = new JoinOrigin(left, right, join, joiner, store === undefined ? null : { name: store.name, kind })
  const leftView = left.origin.view()
  const rightView = right.origin.view()
  const keySerde = materialization.keySerde ?? left.keySerde
  const { valueSerde } = materialization

  const node = new GraphNode(name, { versioned }, (writer) => {
    const common = { op: 'tableJoin', join, joiner, sendOldValues: origin.sendsOldValues } as const
    const leftVersioned = outputIsVersioned(left.node)
    const rightVersioned = outputIsVersioned(right.node)
    writer.addProcessor(
      leftName,
      { ...common, side: 'left', other: rightView, versioned: leftVersioned, otherVersioned: rightVersioned },
      [left.name],
    )
    writer.addProcessor(
      rightName,
      { ...common, side: 'right', other: leftView, versioned: rightVersioned, otherVersioned: leftVersioned },
      [right.name],
    )
    writer.addProcessor(name, { op: 'tableJoinMerge', store: origin.store, sendOldValues: origin.sendsOldValues }, [
      leftName,
      rightName,
    ])
    const rightStores = storesOf(rightView)
    const leftStores = storesOf(leftView)
    for (const used of rightStores) writer.connect(leftName, used)
    for (const used of leftStores) writer.connect(rightName, used)
    // With caches, each side would see updates of the other before they are forwarded. Two deletions would each find
    // the other side gone and emit nothing; two insertions would emit one row twice, and no old value.
    if (!writer.settings.compatible) for (const used of [...leftStores, ...rightStores]) writer.disableCaching(used)
    if (store === undefined) return
    const serdes = { key: keySerde, value: valueSerde }
    writer.addStore(tableStoreSpec(writer.settings, materialization, store.name, serdes, name), store.generated, name)
  })
  graph.add([left.node, right.node], node)
  const { shape } = materialization
  return { graph, name, node, keySerde, valueSerde, sources, origin, shape, sendsOldValues: false }
}

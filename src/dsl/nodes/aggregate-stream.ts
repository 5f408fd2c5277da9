import { long } from '../../serde/long.ts'
import type { Serde } from '../../serde/serde.ts'
import type { Folding, Merger } from '../../topology/operator-spec.ts'
import type { AggregationWindows } from '../../windowing/windows.ts'
import type { GroupedStreamHandle, TableHandle, WindowedStreamHandle } from '../handles/handles.ts'
import { materializationOf, storeNameOf } from '../handles/materialization.ts'
import type { Materialize, StoreOptions } from '../options/operator-options.ts'
import { aggregationNode, resultKeySerde, type Windowing } from './aggregation-node.ts'
import { repartitionGroup } from './grouping.ts'

type Options = Materialize<unknown, unknown, StoreOptions>

/** `count`, `reduce` and `aggregate` of a grouped stream. */
export function aggregateStream(group: GroupedStreamHandle, folding: Folding, options: Options = {}): TableHandle {
  return aggregate(group, folding, undefined, options)
}

/** As `aggregateStream`, in windows. `merger` merges sessions; count and reduce have their own. */
export function aggregateWindows(
  windowed: WindowedStreamHandle<AggregationWindows>,
  folding: Folding,
  merger: Merger | undefined,
  options: Options = {},
): TableHandle {
  const { grouped, windows, emitOnClose } = windowed
  return aggregate(grouped, folding, { windows, emitOnClose, merger: merger ?? mergerOf(folding) }, options)
}

function aggregate(
  group: GroupedStreamHandle,
  folding: Folding,
  windowing: Windowing | undefined,
  options: Options,
): TableHandle {
  const { graph } = group
  const prefix = folding.kind === 'reduce' ? 'KSTREAM-REDUCE-' : 'KSTREAM-AGGREGATE-'
  const materialization = materializationOf(options, `${folding.kind}()`)
  // Kafka Streams draws a number here that it never uses, except for sliding windows.
  const counts = folding.kind === 'count' && windowing?.windows.kind !== 'sliding'
  if (counts && materialization.given && materialization.storeName === undefined) graph.names.nextStore(prefix)
  const store = storeNameOf(materialization, graph.names, prefix)
  const name = graph.names.orNext(options.name, prefix)
  const keySerde = materialization.keySerde ?? group.keySerde
  const valueSerde = materialization.valueSerde ?? inheritedValueSerde(group, folding)
  const { node, origin } = aggregationNode(
    name,
    { ...store, materialization, keySerde, valueSerde },
    folding,
    windowing,
  )
  const { parent, sources } = repartitionGroup(group, store.name)
  graph.add(parent, node)
  return {
    graph,
    name,
    node,
    keySerde: resultKeySerde(keySerde, windowing?.windows, graph.settings),
    valueSerde,
    sources,
    origin,
    shape: materialization.shape,
    sendsOldValues: false,
  }
}

function inheritedValueSerde(group: GroupedStreamHandle, folding: Folding): Serde<unknown> | undefined {
  if (folding.kind === 'count') return long()
  return folding.kind === 'reduce' ? group.valueSerde : undefined
}

function mergerOf(folding: Folding): Merger | undefined {
  switch (folding.kind) {
    case 'count':
      return (aggregate, other) => Number(aggregate) + Number(other)
    case 'reduce':
      return (aggregate, other) => (aggregate === null ? other : folding.reducer(aggregate, other))
    case 'aggregate':
      return undefined
  }
}

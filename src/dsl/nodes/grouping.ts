import { Trace } from '../../errors/trace.ts'
import type { Serde } from '../../serde/serde.ts'
import type { PairMapper, ValueMapper } from '../../topology/operator-spec.ts'
import type { GraphNode } from '../../topology/graph/graph-node.ts'
import { newRepartition, repartitionNode } from '../../topology/graph/repartition.ts'
import { validateName } from '../../topology/names.ts'
import type { GroupedStreamHandle, GroupedTableHandle, StreamHandle, TableHandle } from '../handles/handles.ts'
import { GROUP, operatorOptions } from '../options/option-tables.ts'
import type { GroupOptions } from '../options/operator-options.ts'
import { enableOldValues } from '../handles/table-origins.ts'
import { processorNode } from './stream-operator.ts'

type Options = GroupOptions<unknown, unknown>

export function groupByKey(stream: StreamHandle, options: Options = {}): GroupedStreamHandle {
  operatorOptions(GROUP, options, 'groupByKey()')
  return grouped(stream, stream.node, stream.name, stream.keySerde, stream.repartition, options)
}

export function groupBy(stream: StreamHandle, selector: ValueMapper, options: Options = {}): GroupedStreamHandle {
  operatorOptions(GROUP, options, 'groupBy()')
  const { graph } = stream
  const name = graph.names.orNext(options.name, 'KSTREAM-KEY-SELECT-')
  const node = processorNode(name, { keyChanging: true }, () => ({ op: 'selectKey', mapper: selector }))
  graph.add(stream.node, node)
  return grouped(stream, node, name, undefined, true, options)
}

function grouped(
  stream: StreamHandle,
  node: GraphNode,
  name: string,
  keySerde: Serde<unknown> | undefined,
  repartition: boolean,
  options: Options,
): GroupedStreamHandle {
  // Kafka Streams forgets the stream's serdes as soon as any option is given.
  const forgets =
    stream.graph.settings.compatible &&
    (options.name !== undefined || options.key !== undefined || options.value !== undefined)
  return {
    graph: stream.graph,
    name,
    node,
    trace: new Trace(),
    keySerde: options.key ?? (forgets ? undefined : keySerde),
    valueSerde: options.value ?? (forgets ? undefined : stream.valueSerde),
    sources: stream.sources,
    repartition,
    repartitionName: options.name === undefined ? undefined : validateName(options.name),
  }
}

export function groupTable(table: TableHandle, selector: PairMapper, options: Options = {}): GroupedTableHandle {
  operatorOptions(GROUP, options, 'groupBy()')
  const { graph } = table
  const name = graph.names.orNext(options.name, 'KTABLE-SELECT-')
  const node = processorNode(name, {}, () => ({ op: 'tableGroupBy', mapper: selector }))
  graph.add(table.node, node)
  enableOldValues(table, true)
  return {
    graph,
    node,
    keySerde: options.key,
    valueSerde: options.value,
    repartitionName: options.name === undefined ? undefined : validateName(options.name),
  }
}

/** Returns what an aggregation of a group hangs below: the group itself, or a repartition of it. */
export function repartitionGroup(
  group: GroupedStreamHandle,
  storeName: string,
): { readonly parent: GraphNode; readonly sources: ReadonlySet<string> } {
  if (!group.repartition) return { parent: group.node, sources: group.sources }
  const { graph } = group
  const body = newRepartition(graph.names, group.repartitionName ?? storeName, {
    keySerde: group.keySerde,
    valueSerde: group.valueSerde,
    group,
  })
  const shared = group.repartitionName === undefined ? undefined : group.sharedRepartition
  const parent = shared ?? repartitionNode('optimizable', body)
  group.sharedRepartition = parent
  graph.add(group.node, parent)
  return { parent, sources: new Set([body.source]) }
}

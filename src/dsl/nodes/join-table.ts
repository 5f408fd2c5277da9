import type { JoinBufferSpec } from '../../topology/store-spec.ts'
import { GraphNode } from '../../topology/graph/graph-node.ts'
import { outputIsVersioned } from '../../topology/graph/versioned.ts'
import { validateName } from '../../topology/names.ts'
import type { TopologyWriter } from '../../topology/compile/topology-writer.ts'
import type { Joiner, ValueMapper } from '../../topology/operator-spec.ts'
import { requiredInternalSerde } from '../../topology/required-serde.ts'
import { topologyError } from '../../topology/topology-error.ts'
import type { GlobalTableHandle, StreamHandle, TableHandle } from '../handles/handles.ts'
import { NAMED, TABLE_JOIN, operatorOptions } from '../options/option-tables.ts'
import type { Named, TableJoinOptions } from '../options/operator-options.ts'
import { isVersionedView, storesOf } from '../handles/table-origins.ts'
import { repartitionForJoin } from './join-streams.ts'
import { addToStream, streamAfter } from './stream-operator.ts'

export function joinTable(
  stream: StreamHandle,
  table: TableHandle,
  join: 'inner' | 'left',
  joiner: Joiner,
  options: TableJoinOptions<unknown, unknown> = {},
): StreamHandle {
  const { grace } = operatorOptions(TABLE_JOIN, options, join === 'inner' ? 'join()' : 'leftJoin()')
  const { graph } = stream
  const keySerde = options.key ?? stream.keySerde
  const valueSerde = options.value ?? stream.valueSerde
  const base = options.name === undefined ? stream.name : validateName(options.name)
  const side = repartitionForJoin(stream, base, keySerde, valueSerde)
  const sources = graph.copartition(side.sources, table.sources)
  const name = graph.names.orNext(options.name, join === 'left' ? 'KSTREAM-LEFTJOIN-' : 'KSTREAM-JOIN-')
  if (grace !== undefined && !outputIsVersioned(table.node)) throw notVersioned(name)
  const buffer = grace === undefined ? null : validateName(`${name}-Buffer`)
  const view = table.origin.view()

  const node = new GraphNode(name, { relaxedNullKeys: join === 'left' }, (writer, self) => {
    const tableVersioned = isVersionedView(view)
    writer.addProcessor(
      name,
      { op: 'streamTableJoin', join, table: view, tableVersioned, joiner, buffer, grace: grace ?? 0 },
      self.parentNames(),
    )
    for (const store of storesOf(view)) writer.connect(name, store)
    if (buffer === null || grace === undefined) return
    for (const store of storesOf(view)) checkHistory(writer, store, grace, name)
    const purpose = `the store "${buffer}"`
    const spec: JoinBufferSpec = {
      kind: 'joinBuffer',
      name: buffer,
      keySerde: requiredInternalSerde(writer.settings, 'key', keySerde, name, purpose),
      valueSerde: requiredInternalSerde(writer.settings, 'value', valueSerde, name, purpose),
      persistent: true,
      logging: {},
      caching: false,
      grace,
    }
    writer.addStore(spec, options.name === undefined, name)
  })
  graph.add(side.node, node)
  return { graph, name, node, keySerde, valueSerde: undefined, sources, repartition: false }
}

function checkHistory(writer: TopologyWriter, store: string, grace: number, node: string): void {
  const spec = writer.stores.get(store)?.spec
  if (spec?.kind !== 'versioned') throw notVersioned(node)
  if (spec.historyRetention >= grace) return
  throw topologyError(
    'MR_TOPOLOGY_RETENTION',
    `the join waits ${grace} ms for the table, whose store "${store}" keeps a history of ${spec.historyRetention} ms`,
    'Give the table a history of at least the grace period of the join.',
    node,
  )
}

function notVersioned(node: string): Error {
  return topologyError(
    'MR_TOPOLOGY_VERSIONED',
    'a join with a grace period needs a versioned table',
    'Give the table a store like { name, versioned: { history } }, or leave out `grace`.',
    node,
  )
}

export function joinGlobalTable(
  stream: StreamHandle,
  table: GlobalTableHandle,
  join: 'inner' | 'left',
  keyMapper: ValueMapper,
  joiner: Joiner,
  options: Named = {},
): StreamHandle {
  operatorOptions(NAMED, options, join === 'inner' ? 'join()' : 'leftJoin()')
  // The prefix is the same for the inner join.
  const name = stream.graph.names.orNext(options.name, 'KSTREAM-LEFTJOIN-')
  const node = addToStream(
    stream,
    name,
    { relaxedNullKeys: join === 'left' },
    {
      op: 'streamGlobalTableJoin',
      join,
      table: { kind: 'store', store: table.store, storeKind: 'keyValue' },
      keyMapper,
      joiner,
    },
  )
  return streamAfter(stream, node, { key: true, value: false })
}

import type { StoreSpec } from '../../topology/store-spec.ts'
import type { NewSource, TopologyWriter } from '../../topology/compile/topology-writer.ts'
import type { OperatorSpec } from '../../topology/operator-spec.ts'
import type { ProcessorSupplier } from '../../topology/processor-api.ts'
import { GraphNode } from '../../topology/graph/graph-node.ts'
import type { LogicalGraph } from '../../topology/graph/logical-graph.ts'
import { validateName } from '../../topology/names.ts'
import { topologyError } from '../../topology/topology-error.ts'
import type { OffsetReset, TimestampExtractor } from '../../topology/topology.ts'
import type { Serde } from '../../serde/serde.ts'
import type { GlobalTableHandle, StreamHandle, TableHandle } from '../handles/handles.ts'
import { materializationOf, requireNoShape, storeNameOf, tableStoreSpec } from '../handles/materialization.ts'
import { NAMED, operatorOptions } from '../options/option-tables.ts'
import type { Materialize, Named } from '../options/operator-options.ts'
import { SourceOrigin } from '../handles/table-origins.ts'
import { tableSourceOperator } from './to-table.ts'

/** Why a store has no shape of its own. */
const REBUILT = 'is rebuilt from its topic: its values have the shape of those there'

/** What a source must know of a topic. */
export interface SourceTopic {
  readonly name: string
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly timestamp: TimestampExtractor | undefined
  readonly offsetReset: OffsetReset | undefined
}

export function stream(graph: LogicalGraph, topics: readonly SourceTopic[], options: Named = {}): StreamHandle {
  operatorOptions(NAMED, options, 'stream()')
  const [first] = topics
  if (first === undefined) {
    throw topologyError('MR_TOPOLOGY_NO_TOPIC', 'a stream over no topic', 'Name at least one topic.')
  }
  const name = graph.names.orNext(options.name, 'KSTREAM-SOURCE-')
  const { keySerde, valueSerde, timestamp, offsetReset } = first
  for (const topic of topics) {
    if (topic.keySerde !== keySerde || topic.valueSerde !== valueSerde || topic.timestamp !== timestamp) {
      throw topologyError(
        'MR_TOPOLOGY_SOURCE_MIXED',
        `the topics "${first.name}" and "${topic.name}" of one stream differ in their serdes or timestamps`,
        'Share the serdes (const value = json<T>()), or make a stream of each topic and merge() them.',
        name,
      )
    }
  }
  const names = [...new Set(topics.map((topic) => topic.name))]
  const node = new GraphNode(name, { role: { kind: 'streamSource', topics: names, offsetReset } }, (writer) => {
    writer.addSource({ name, topics: names, keySerde, valueSerde, timestampExtractor: timestamp, offsetReset })
  })
  graph.add(graph.root, node)
  return { graph, name, node, keySerde, valueSerde, sources: new Set([name]), repartition: false }
}

export function table(
  graph: LogicalGraph,
  topic: SourceTopic,
  options: Materialize<unknown, unknown> = {},
): TableHandle {
  const materialization = materializationOf(options, 'table()')
  const store = storeNameOf(materialization, graph.names, `${topic.name}-`)
  const { source, name } = sourceNames(graph, options.name)
  const { keySerde, valueSerde } = topic
  const versioned = materialization.history !== undefined
  const origin = new SourceOrigin(store.name, versioned, !store.generated)
  const node = new GraphNode(name, { versioned }, (writer) => {
    writer.addSource(sourceSpec(source, topic))
    writer.addProcessor(name, tableSourceOperator(origin), [source])
    if (!origin.materialized) return
    const serdes = { key: materialization.keySerde ?? keySerde, value: materialization.valueSerde ?? valueSerde }
    const spec = tableStoreSpec(writer.settings, materialization, store.name, serdes, name)
    const reuse = writer.settings.optimizations.has('reuse.ktable.source.topics')
    if (reuse) requireNoShape(materialization, REBUILT)
    writer.addStore(spec, store.generated && !reuse, name)
    if (reuse) writer.useTopicAsChangelog(store.name, topic.name)
  })
  graph.add(graph.root, node)
  const { shape } = materialization
  return { graph, name, node, keySerde, valueSerde, sources: new Set([source]), origin, shape, sendsOldValues: false }
}

export function globalTable(
  graph: LogicalGraph,
  topic: SourceTopic,
  options: Materialize<unknown, unknown> = {},
): GlobalTableHandle {
  const materialization = materializationOf(options, 'globalTable()')
  if (materialization.history !== undefined) {
    throw topologyError(
      'MR_TOPOLOGY_VERSIONED',
      `the global table over "${topic.name}" cannot be versioned`,
      'Use table() for a versioned table, or leave out `versioned`.',
    )
  }
  requireNoShape(materialization, REBUILT)
  const store = storeNameOf(materialization, graph.names, `${topic.name}-`)
  const { source, name } = sourceNames(graph, options.name)
  const node = new GraphNode(name, {}, (writer) => {
    const serdes = { key: topic.keySerde, value: topic.valueSerde }
    const spec = tableStoreSpec(writer.settings, materialization, store.name, serdes, name)
    addGlobalStore(writer, { source, name, topic, spec, operator: { op: 'globalTableSource', store: spec.name } })
  })
  graph.add(graph.root, node)
  return { graph, store: store.name }
}

export function globalStore(
  graph: LogicalGraph,
  spec: StoreSpec,
  topic: SourceTopic,
  supplier: ProcessorSupplier<unknown, unknown, never, never>,
  options: Named = {},
): void {
  operatorOptions(NAMED, options, 'addGlobalStore()')
  if (spec.version !== undefined) {
    throw topologyError(
      'MR_TOPOLOGY_STORE_OPTION',
      `the store ${JSON.stringify(spec.name)} has a version, but ${REBUILT}`,
      'Leave out `version` and `migrate`, or make a stream of the topic and keep its rows by process().',
    )
  }
  const { source, name } = sourceNames(graph, options.name)
  const node = new GraphNode(name, {}, (writer) => {
    addGlobalStore(writer, { source, name, topic, spec, operator: { op: 'globalProcess', store: spec.name, supplier } })
  })
  graph.add(graph.root, node)
}

interface NewGlobalStore {
  readonly source: string
  readonly name: string
  readonly topic: SourceTopic
  readonly spec: StoreSpec
  readonly operator: OperatorSpec
}

/** Adds a store whose topic is its changelog; no cache holds its updates back. */
function addGlobalStore(writer: TopologyWriter, { source, name, topic, spec, operator }: NewGlobalStore): void {
  writer.addGlobalStore(sourceSpec(source, topic), name, operator, { ...spec, logging: false, caching: false })
}

function sourceNames(graph: LogicalGraph, name: string | undefined): { source: string; name: string } {
  const source = graph.names.suffixedOrNext(name, '-source', 'KSTREAM-SOURCE-')
  return { source, name: graph.names.orNext(name === undefined ? undefined : validateName(name), 'KTABLE-SOURCE-') }
}

function sourceSpec(name: string, topic: SourceTopic): NewSource {
  const { keySerde, valueSerde, timestamp: timestampExtractor, offsetReset } = topic
  return { name, topics: [topic.name], keySerde, valueSerde, timestampExtractor, offsetReset }
}

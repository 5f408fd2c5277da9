import { FOREIGN_KEY_JOIN } from '../options/option-tables.ts'
import { ResponseMessage } from '../../record/foreign-key.ts'
import { bytes } from '../../serde/bytes.ts'
import { responseSerde, subscriptionSerde } from '../../serde/internal/foreign-key-serdes.ts'
import type { Serde } from '../../serde/serde.ts'
import type { KeyValueStoreSpec } from '../../topology/store-spec.ts'
import type { BuildSettings } from '../../topology/build-settings.ts'
import { GraphNode } from '../../topology/graph/graph-node.ts'
import type { LogicalGraph } from '../../topology/graph/logical-graph.ts'
import { outputIsVersioned } from '../../topology/graph/versioned.ts'
import { validateName } from '../../topology/names.ts'
import type { Joiner, OperatorSpec, ValueMapper } from '../../topology/operator-spec.ts'
import { requiredInternalSerde } from '../../topology/required-serde.ts'
import type { StreamPartitioner } from '../../topology/topology.ts'
import { topologyError } from '../../topology/topology-error.ts'
import type { TableHandle } from '../handles/handles.ts'
import { materializationOf, storeNameOf, tableStoreSpec } from '../handles/materialization.ts'
import type { ForeignKeyJoinOptions } from '../options/operator-options.ts'
import { SourceOrigin, enableOldValues, storesOf } from '../handles/table-origins.ts'
import { processorNode } from './stream-operator.ts'
import { tableSourceOperator } from './to-table.ts'

const PREFIX = 'KTABLE-FK-JOIN-'

/** A join of each left row with the right row whose key it holds (KIP-213): by way of two internal topics. */
export function joinByForeignKey(
  left: TableHandle,
  right: TableHandle,
  join: 'inner' | 'left',
  extractor: ValueMapper,
  joiner: Joiner,
  options: ForeignKeyJoinOptions<unknown, unknown> = {},
): TableHandle {
  const { graph } = left
  const { names } = graph
  const materialization = materializationOf(options, join === 'inner' ? 'join()' : 'leftJoin()', FOREIGN_KEY_JOIN)
  enableOldValues(right, true)
  enableOldValues(left, true)
  const name = (suffix: string, prefix: string): string => names.suffixedOrNext(options.name, suffix, prefix)
  const serdes = new JoinSerdes(left, right)
  const generated = options.name === undefined

  const subscriptionTopic = validateName(
    `${name('-subscription-registration', `${PREFIX}SUBSCRIPTION-REGISTRATION-`)}-topic`,
  )
  const subscribe = name('-subscription-registration-processor', `${PREFIX}SUBSCRIPTION-REGISTRATION-`)
  const subscribeNode = processorNodeWithSettings(subscribe, (settings) => ({
    op: 'foreignKeySubscribe',
    join,
    extractor,
    foreignKeySerde: serdes.foreignKey(settings, subscribe),
    valueSerde: serdes.leftValue(settings, subscribe),
    leftVersioned: outputIsVersioned(left.node),
  }))
  graph.add(left.node, subscribeNode)

  const subscriptionSource = addTopic(
    subscribeNode,
    graph,
    generated,
    subscriptionTopic,
    name('-subscription-registration-sink', 'KTABLE-SINK-'),
    name('-subscription-registration-source', 'KTABLE-SOURCE-'),
    onePartition(options.otherPartitioner, subscribe),
    (settings, node) => ({
      key: serdes.foreignKey(settings, node),
      value: subscriptionSerde(serdes.primaryKey(settings, node)),
    }),
  )
  graph.copartition(right.sources, new Set([subscriptionSource.name]))

  const store = name('-subscription-store', `${PREFIX}SUBSCRIPTION-STATE-STORE-`)
  const receive = name('-subscription-receive', `${PREFIX}SUBSCRIPTION-PROCESSOR-`)
  let storeSpec: KeyValueStoreSpec | undefined
  const subscriptionStore = (settings: BuildSettings): KeyValueStoreSpec =>
    (storeSpec ??= {
      kind: 'keyValue',
      timestamped: true,
      name: store,
      keySerde: bytes(),
      valueSerde: subscriptionSerde(serdes.primaryKey(settings, receive)),
      persistent: true,
      logging: {},
      caching: false,
    })
  const receiveNode = new GraphNode(receive, {}, (writer, self) => {
    const foreignKeySerde = serdes.foreignKey(writer.settings, receive)
    const primaryKeySerde = serdes.primaryKey(writer.settings, receive)
    writer.addProcessor(
      receive,
      { op: 'foreignKeyReceive', store, foreignKeySerde, primaryKeySerde },
      self.parentNames(),
    )
    writer.addStore(subscriptionStore(writer.settings), generated, receive)
  })
  graph.add(subscriptionSource, receiveNode)

  const rightView = right.origin.view()
  const answerNode = processorNode(
    name('-subscription-join-foreign', `${PREFIX}SUBSCRIPTION-PROCESSOR-`),
    {},
    () => ({ op: 'foreignKeyAnswer', right: rightView, rightVersioned: outputIsVersioned(right.node) }),
    storesOf(rightView),
  )
  graph.add(receiveNode, answerNode)

  const notify = name('-foreign-join-subscription', `${PREFIX}SUBSCRIPTION-PROCESSOR-`)
  const notifyNode = new GraphNode(notify, {}, (writer, self) => {
    const foreignKeySerde = serdes.foreignKey(writer.settings, notify)
    const primaryKeySerde = serdes.primaryKey(writer.settings, notify)
    const rightVersioned = outputIsVersioned(right.node)
    const spec = { op: 'foreignKeyNotify', store, foreignKeySerde, primaryKeySerde, rightVersioned } as const
    writer.addProcessor(notify, spec, self.parentNames())
    writer.addStore(subscriptionStore(writer.settings), generated, notify)
    // A row that came and went between two commits would be answered with, and its deletion never told.
    if (!writer.settings.compatible) for (const used of storesOf(rightView)) writer.disableCaching(used)
  })
  graph.add(right.node, notifyNode)

  const responseTopic = validateName(`${name('-subscription-response', `${PREFIX}SUBSCRIPTION-RESPONSE-`)}-topic`)
  const responseSource = addTopic(
    [answerNode, notifyNode],
    graph,
    generated,
    responseTopic,
    name('-subscription-response-sink', 'KTABLE-SINK-'),
    name('-subscription-response-source', 'KTABLE-SOURCE-'),
    onePartition(options.partitioner, subscribe) ?? partitionOfSubscriber,
    (settings, node) => ({
      key: serdes.primaryKey(settings, node),
      value: responseSerde(serdes.rightValue(settings, node)),
    }),
  )
  const sources = graph.copartition(left.sources, new Set([responseSource.name]))

  const leftView = left.origin.view()
  const resolve = name('-subscription-response-resolver', `${PREFIX}SUBSCRIPTION-RESPONSE-RESOLVER-PROCESSOR-`)
  const resolveNode = new GraphNode(resolve, {}, (writer, self) => {
    const valueSerde = serdes.leftValue(writer.settings, resolve)
    const leftVersioned = outputIsVersioned(left.node)
    const spec = { op: 'foreignKeyResolve', join, left: leftView, joiner, valueSerde, leftVersioned } as const
    writer.addProcessor(resolve, spec, self.parentNames())
    for (const used of storesOf(leftView)) writer.connect(resolve, used)
  })
  graph.add(responseSource, resolveNode)

  const result = name('-result', `${PREFIX}OUTPUT-`)
  const resultStore = storeNameOf(materialization, names, `${PREFIX}OUTPUT-`)
  const keySerde = materialization.keySerde ?? left.keySerde
  const { valueSerde } = materialization
  const versioned = materialization.history !== undefined
  const origin = new SourceOrigin(resultStore.name, versioned, !resultStore.generated)
  const node = new GraphNode(result, { versioned }, (writer, self) => {
    writer.addProcessor(result, tableSourceOperator(origin), self.parentNames())
    if (!origin.materialized) return
    const spec = tableStoreSpec(
      writer.settings,
      materialization,
      resultStore.name,
      { key: keySerde, value: valueSerde },
      result,
    )
    writer.addStore(spec, resultStore.generated, result)
  })
  graph.add(resolveNode, node)
  return { graph, name: result, node, keySerde, valueSerde, sources, origin, sendsOldValues: false }
}

/** Serdes of the two tables as the messages of the join need them. */
class JoinSerdes {
  readonly #left: TableHandle
  readonly #right: TableHandle

  constructor(left: TableHandle, right: TableHandle) {
    this.#left = left
    this.#right = right
  }

  primaryKey(settings: BuildSettings, node: string): Serde<unknown> {
    return requiredInternalSerde(settings, 'key', this.#left.keySerde, node, 'the keys of the left table')
  }

  foreignKey(settings: BuildSettings, node: string): Serde<unknown> {
    return requiredInternalSerde(settings, 'key', this.#right.keySerde, node, 'the keys of the right table')
  }

  leftValue(settings: BuildSettings, node: string): Serde<unknown> {
    return requiredInternalSerde(settings, 'value', this.#left.valueSerde, node, 'the values of the left table')
  }

  rightValue(settings: BuildSettings, node: string): Serde<unknown> {
    return requiredInternalSerde(settings, 'value', this.#right.valueSerde, node, 'the values of the right table')
  }
}

function processorNodeWithSettings(name: string, operator: (settings: BuildSettings) => OperatorSpec): GraphNode {
  return new GraphNode(name, {}, (writer, self) => {
    writer.addProcessor(name, operator(writer.settings), self.parentNames())
  })
}

/** A sink into an internal topic and the source that reads it. */
function addTopic(
  parents: GraphNode | readonly GraphNode[],
  graph: LogicalGraph,
  generated: boolean,
  topic: string,
  sink: string,
  source: string,
  partitioner: StreamPartitioner | undefined,
  serdes: (settings: BuildSettings, node: string) => { readonly key: Serde<unknown>; readonly value: Serde<unknown> },
): GraphNode {
  const sinkNode = new GraphNode(sink, {}, (writer, self) => {
    const { key, value } = serdes(writer.settings, sink)
    writer.addInternalTopic(topic, 0, generated)
    writer.addSink({ name: sink, topic, keySerde: key, valueSerde: value, partitioner, parents: self.parentNames() })
  })
  graph.add(parents, sinkNode)
  const sourceNode = new GraphNode(source, {}, (writer) => {
    const { key, value } = serdes(writer.settings, source)
    writer.addSource({
      name: source,
      topics: [topic],
      keySerde: key,
      valueSerde: value,
      timestampExtractor: undefined,
      offsetReset: undefined,
    })
  })
  graph.add(sinkNode, sourceNode)
  return sourceNode
}

/** The answer goes back to the partition that the subscription came from. */
const partitionOfSubscriber: StreamPartitioner = (_topic, _key, value) =>
  value instanceof ResponseMessage ? (value.partition ?? undefined) : undefined

function onePartition(partitioner: StreamPartitioner | undefined, node: string): StreamPartitioner | undefined {
  if (partitioner === undefined) return undefined
  return (topic, key, _value, partitions) => {
    const answer = partitioner(topic, key, null, partitions)
    if (!Array.isArray(answer)) return answer
    if (answer.length === 1) return answer[0]
    throw topologyError(
      'MR_TOPOLOGY_PARTITIONER',
      `the partitioner of a foreign-key join answered ${answer.length} partitions`,
      'answer exactly one partition',
      node,
    )
  }
}

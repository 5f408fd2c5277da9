import { FOREIGN_KEY_JOIN } from '../options/option-tables.ts'
import { ResponseMessage } from '../../record/foreign-key.ts'
import { bytes } from '../../serde/bytes.ts'
import { responseSerde, subscriptionSerde } from '../../serde/internal/foreign-key-serdes.ts'
import type { Serde } from '../../serde/serde.ts'
import type { KeyValueStoreSpec } from '../../topology/store-spec.ts'
import type { BuildSettings } from '../../topology/build-settings.ts'
import type { TopologyWriter } from '../../topology/compile/topology-writer.ts'
import { GraphNode } from '../../topology/graph/graph-node.ts'
import type { LogicalGraph } from '../../topology/graph/logical-graph.ts'
import { outputIsVersioned } from '../../topology/graph/versioned.ts'
import { validateName } from '../../topology/names.ts'
import type { Joiner, OperatorSpec, ValueMapper } from '../../topology/operator-spec.ts'
import { requiredInternalSerde } from '../../topology/required-serde.ts'
import type { StreamPartitioner } from '../../topology/topology.ts'
import { topologyError } from '../../topology/topology-error.ts'
import type { TableHandle } from '../handles/handles.ts'
import { materializationOf, storeNameOf } from '../handles/materialization.ts'
import type { ForeignKeyJoinOptions } from '../options/operator-options.ts'
import { enableOldValues, storesOf } from '../handles/table-origins.ts'
import { upsertedTable } from './to-table.ts'

const PREFIX = 'KTABLE-FK-JOIN-'

type Options = ForeignKeyJoinOptions<unknown, unknown>
type JoinType = 'inner' | 'left'

/**
 * Joins each left row with the right row whose key it holds (KIP-213). A left row subscribes to the right row through
 * one internal topic. The right row responds through another, at once and whenever it changes. The steps are in the
 * order in which Kafka Streams draws names.
 */
export function joinByForeignKey(
  left: TableHandle,
  right: TableHandle,
  join: JoinType,
  extractor: ValueMapper,
  joiner: Joiner,
  options: Options = {},
): TableHandle {
  const { graph } = left
  const materialization = materializationOf(options, join === 'inner' ? 'join()' : 'leftJoin()', FOREIGN_KEY_JOIN)
  if (left.shape !== undefined) throw shapedLeft(left.name)
  enableOldValues(right, true)
  enableOldValues(left, true)
  const steps = new ForeignKeyJoin(left, right, join, options)
  const subscriptions = steps.subscribe(extractor)
  const store = steps.subscriptionStore()
  const received = steps.receive(subscriptions, store)
  const responses = steps.respond([steps.answer(received), steps.notify(store)])
  const sources = graph.copartition(left.sources, new Set([responses.name]))
  const resolved = steps.resolve(responses, joiner)
  const name = steps.name('-result', `${PREFIX}OUTPUT-`)
  const resultStore = storeNameOf(materialization, graph.names, `${PREFIX}OUTPUT-`)
  const serdes = { key: materialization.keySerde ?? left.keySerde, value: materialization.valueSerde }
  return upsertedTable(graph, resolved, name, materialization, resultStore, serdes, sources)
}

/** The right side knows a left row by a hash of its value. One that is migrated has another: no answer would fit. */
function shapedLeft(node: string): Error {
  return topologyError(
    'MR_TOPOLOGY_STORE_OPTION',
    'the store of the left table of a foreign-key join has a version',
    'Leave out `version`, and give the store another name when its shape changes.',
    node,
  )
}

/** Subscriptions to rows of the right table, by foreign and primary key. */
interface SubscriptionStore {
  readonly name: string
  addTo(writer: TopologyWriter, node: string): void
}

type NodeSerde = (settings: BuildSettings, node: string) => Serde<unknown>
type TableSerdes = Record<'primaryKey' | 'foreignKey' | 'leftValue' | 'rightValue', NodeSerde>

/** Serdes of the two tables as the messages of the join need them. */
function serdesOf(left: TableHandle, right: TableHandle): TableSerdes {
  const of =
    (part: 'key' | 'value', serde: Serde<unknown> | undefined, what: string): NodeSerde =>
    (settings, node) =>
      requiredInternalSerde(settings, part, serde, node, what)
  return {
    primaryKey: of('key', left.keySerde, 'the keys of the left table'),
    foreignKey: of('key', right.keySerde, 'the keys of the right table'),
    leftValue: of('value', left.valueSerde, 'the values of the left table'),
    rightValue: of('value', right.valueSerde, 'the values of the right table'),
  }
}

class ForeignKeyJoin {
  readonly #graph: LogicalGraph
  readonly #left: TableHandle
  readonly #right: TableHandle
  readonly #join: JoinType
  readonly #options: Options
  readonly #serdes: TableSerdes
  readonly #subscriptionTopic: string
  readonly #subscriber: string

  constructor(left: TableHandle, right: TableHandle, join: JoinType, options: Options) {
    this.#graph = left.graph
    this.#left = left
    this.#right = right
    this.#join = join
    this.#options = options
    this.#serdes = serdesOf(left, right)
    const prefix = `${PREFIX}SUBSCRIPTION-REGISTRATION-`
    this.#subscriptionTopic = validateName(`${this.name('-subscription-registration', prefix)}-topic`)
    this.#subscriber = this.name('-subscription-registration-processor', prefix)
  }

  name(suffix: string, prefix: string): string {
    return this.#graph.names.suffixedOrNext(this.#options.name, suffix, prefix)
  }

  /** Left side: sends what each row subscribes to. Returns the source of the subscriptions on the right side. */
  subscribe(extractor: ValueMapper): GraphNode {
    const name = this.#subscriber
    const { foreignKey, leftValue, primaryKey } = this.#serdes
    const node = this.#add(this.#left.node, name, (settings) => ({
      op: 'foreignKeySubscribe',
      join: this.#join,
      extractor,
      foreignKeySerde: foreignKey(settings, name),
      valueSerde: leftValue(settings, name),
      leftVersioned: outputIsVersioned(this.#left.node),
    }))
    const source = this.#addTopic(
      node,
      this.#subscriptionTopic,
      this.name('-subscription-registration-sink', 'KTABLE-SINK-'),
      this.name('-subscription-registration-source', 'KTABLE-SOURCE-'),
      onePartition(this.#options.otherPartitioner, name),
      foreignKey,
      (settings, node) => subscriptionSerde(primaryKey(settings, node)),
    )
    this.#graph.copartition(this.#right.sources, new Set([source.name]))
    return source
  }

  subscriptionStore(): SubscriptionStore {
    const name = this.name('-subscription-store', `${PREFIX}SUBSCRIPTION-STATE-STORE-`)
    let spec: KeyValueStoreSpec | undefined
    return {
      name,
      addTo: (writer, node) => {
        spec ??= {
          kind: 'keyValue',
          timestamped: true,
          name,
          keySerde: bytes(),
          valueSerde: subscriptionSerde(this.#serdes.primaryKey(writer.settings, node)),
          persistent: true,
          logging: {},
          caching: false,
        }
        writer.addStore(spec, this.#options.name === undefined, node)
      },
    }
  }

  /** Right side: keeps the subscriptions. */
  receive(subscriptions: GraphNode, store: SubscriptionStore): GraphNode {
    const name = this.name('-subscription-receive', `${PREFIX}SUBSCRIPTION-PROCESSOR-`)
    const { foreignKey, primaryKey } = this.#serdes
    return this.#add(
      subscriptions,
      name,
      (settings) => ({
        op: 'foreignKeyReceive',
        store: store.name,
        foreignKeySerde: foreignKey(settings, name),
        primaryKeySerde: primaryKey(settings, name),
      }),
      (writer) => store.addTo(writer, name),
    )
  }

  /** Right side: responds to each subscription with the current row. */
  answer(received: GraphNode): GraphNode {
    const name = this.name('-subscription-join-foreign', `${PREFIX}SUBSCRIPTION-PROCESSOR-`)
    const right = this.#right.origin.view()
    return this.#add(
      received,
      name,
      () => ({ op: 'foreignKeyAnswer', right, rightVersioned: outputIsVersioned(this.#right.node) }),
      (writer) => connect(writer, name, storesOf(right)),
    )
  }

  /** Right side: responds to the subscriptions to a row that has changed. */
  notify(store: SubscriptionStore): GraphNode {
    const name = this.name('-foreign-join-subscription', `${PREFIX}SUBSCRIPTION-PROCESSOR-`)
    const { foreignKey, primaryKey } = this.#serdes
    const used = storesOf(this.#right.origin.view())
    return this.#add(
      this.#right.node,
      name,
      (settings) => ({
        op: 'foreignKeyNotify',
        store: store.name,
        foreignKeySerde: foreignKey(settings, name),
        primaryKeySerde: primaryKey(settings, name),
        rightVersioned: outputIsVersioned(this.#right.node),
      }),
      (writer) => {
        store.addTo(writer, name)
        // With a cache, a row could come and go between two commits: a response has it, its deletion is never sent.
        if (!writer.settings.compatible) for (const source of used) writer.disableCaching(source)
      },
    )
  }

  /** Right side: sends the responses back. Returns their source on the left side. */
  respond(answers: readonly GraphNode[]): GraphNode {
    const name = this.name('-subscription-response', `${PREFIX}SUBSCRIPTION-RESPONSE-`)
    const { primaryKey, rightValue } = this.#serdes
    return this.#addTopic(
      answers,
      validateName(`${name}-topic`),
      this.name('-subscription-response-sink', 'KTABLE-SINK-'),
      this.name('-subscription-response-source', 'KTABLE-SOURCE-'),
      onePartition(this.#options.partitioner, this.#subscriber) ?? partitionOfSubscriber,
      primaryKey,
      (settings, node) => responseSerde(rightValue(settings, node)),
    )
  }

  /** Left side: joins a response with the row, if the row has not changed since it subscribed. */
  resolve(responses: GraphNode, joiner: Joiner): GraphNode {
    const name = this.name('-subscription-response-resolver', `${PREFIX}SUBSCRIPTION-RESPONSE-RESOLVER-PROCESSOR-`)
    const left = this.#left.origin.view()
    return this.#add(
      responses,
      name,
      (settings) => ({
        op: 'foreignKeyResolve',
        join: this.#join,
        left,
        joiner,
        valueSerde: this.#serdes.leftValue(settings, name),
        leftVersioned: outputIsVersioned(this.#left.node),
      }),
      (writer) => connect(writer, name, storesOf(left)),
    )
  }

  /** Adds a node of one operator. `useStores` adds and connects what it uses. */
  #add(
    parent: GraphNode,
    name: string,
    operator: (settings: BuildSettings) => OperatorSpec,
    useStores?: (writer: TopologyWriter) => void,
  ): GraphNode {
    const node = new GraphNode(name, {}, (writer, self) => {
      writer.addProcessor(name, operator(writer.settings), self.parentNames())
      useStores?.(writer)
    })
    this.#graph.add(parent, node)
    return node
  }

  /** Adds a sink into an internal topic and the source that reads it. */
  #addTopic(
    parents: GraphNode | readonly GraphNode[],
    topic: string,
    sink: string,
    source: string,
    partitioner: StreamPartitioner | undefined,
    key: NodeSerde,
    value: NodeSerde,
  ): GraphNode {
    const sinkNode = new GraphNode(sink, {}, (writer, self) => {
      const keySerde = key(writer.settings, sink)
      const valueSerde = value(writer.settings, sink)
      writer.addInternalTopic(topic, 0, this.#options.name === undefined)
      writer.addSink({ name: sink, topic, keySerde, valueSerde, partitioner, parents: self.parentNames() })
    })
    this.#graph.add(parents, sinkNode)
    const sourceNode = new GraphNode(source, {}, (writer) => {
      const keySerde = key(writer.settings, source)
      const valueSerde = value(writer.settings, source)
      writer.addInternalSource({ name: source, topics: [topic], keySerde, valueSerde })
    })
    this.#graph.add(sinkNode, sourceNode)
    return sourceNode
  }
}

function connect(writer: TopologyWriter, name: string, stores: readonly string[]): void {
  for (const store of stores) writer.connect(name, store)
}

/** Sends the response to the partition that the subscription came from. */
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
      `the partitioner of a foreign-key join returned ${answer.length} partitions`,
      'Return exactly one partition.',
      node,
    )
  }
}

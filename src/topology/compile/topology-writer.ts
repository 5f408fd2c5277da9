import type { StoreSpec } from '../store-spec.ts'
import type { BuildSettings } from '../build-settings.ts'
import type { OperatorSpec } from '../operator-spec.ts'
import type { RepartitionTopic, SinkNode, SourceNode } from '../topology.ts'
import { topologyError } from '../topology-error.ts'
import { repartitionTopicConfigs } from './internal-topic-configs.ts'

export type NewSource = Omit<SourceNode, 'kind' | 'children' | 'internal' | 'readsValue'>
export type NewSink = Omit<SinkNode, 'kind' | 'internal' | 'repartition' | 'copiesValue'>

export interface WrittenProcessor {
  readonly kind: 'processor'
  readonly name: string
  readonly operator: OperatorSpec
  readonly parents: readonly string[]
  readonly stores: string[]
}

export type WrittenNode =
  | ({ readonly kind: 'source' } & NewSource)
  | ({ readonly kind: 'sink' } & NewSink)
  | WrittenProcessor

export interface WrittenStore {
  spec: StoreSpec
  readonly global: boolean
  /** The source topic that serves as changelog. */
  sourceTopic: string | undefined
  /** Processors that use it; all belong to one sub-topology. */
  readonly users: string[]
}

/** Collects sources, processors, stores and sinks in the order of processing, and refuses contradictions. */
export class TopologyWriter {
  readonly settings: BuildSettings
  /** In the order in which they were added. */
  readonly nodes = new Map<string, WrittenNode>()
  readonly stores = new Map<string, WrittenStore>()
  readonly internalTopics = new Map<string, RepartitionTopic>()
  readonly globalSources = new Set<string>()
  /** Stores and repartition topics whose names were generated. */
  readonly generatedNames: string[] = []
  readonly #topics = new Set<string>()

  constructor(settings: BuildSettings) {
    this.settings = settings
  }

  /** @throws MR_TOPOLOGY_NODE_EXISTS, MR_TOPOLOGY_TOPIC_TWICE */
  addSource(source: NewSource): void {
    this.#checkNewNode(source.name)
    for (const topic of source.topics) this.#takeTopic(topic, source.name)
    this.nodes.set(source.name, { kind: 'source', ...source })
  }

  /** @throws MR_TOPOLOGY_NODE_EXISTS */
  addProcessor(name: string, operator: OperatorSpec, parents: readonly string[]): void {
    this.#checkNewNode(name)
    this.#checkParents(name, parents)
    this.nodes.set(name, { kind: 'processor', name, operator, parents, stores: [] })
  }

  /** @throws MR_TOPOLOGY_NODE_EXISTS */
  addSink(sink: NewSink): void {
    this.#checkNewNode(sink.name)
    this.#checkParents(sink.name, sink.parents)
    this.nodes.set(sink.name, { kind: 'sink', ...sink })
  }

  /** Adds a source of an internal topic, whose records already carry their event time. @throws as `addSource` */
  addInternalSource(source: Omit<NewSource, 'timestampExtractor' | 'offsetReset'>): void {
    this.addSource({ ...source, timestampExtractor: undefined, offsetReset: undefined })
  }

  addInternalTopic(name: string, partitions: number, generatedName: boolean): void {
    if (generatedName && !this.internalTopics.has(name)) this.generatedNames.push(`repartition topic ${name}`)
    this.internalTopics.set(name, { name, partitions, configs: repartitionTopicConfigs(this.settings) })
  }

  /**
   * Adds a store and connects it; the same store may be added again.
   *
   * @throws MR_TOPOLOGY_STORE_EXISTS
   */
  addStore(spec: StoreSpec, generatedName: boolean, ...processors: string[]): void {
    const existing = this.stores.get(spec.name)
    if (existing !== undefined && existing.spec !== spec) throw storeExists(spec.name, processors[0])
    if (existing === undefined) {
      if (generatedName && spec.logging !== false) this.generatedNames.push(`store ${spec.name}`)
      this.stores.set(spec.name, { spec, global: false, sourceTopic: undefined, users: [] })
    }
    for (const processor of processors) this.connect(processor, spec.name)
  }

  /** Makes a source topic the changelog of a store: what is read from it is what the store holds. */
  useTopicAsChangelog(store: string, topic: string): void {
    const written = this.stores.get(store)
    if (written !== undefined) written.sourceTopic = topic
  }

  /** Makes the store forward every update at once. */
  disableCaching(store: string): void {
    const written = this.stores.get(store)
    if (written?.spec.caching === true) written.spec = { ...written.spec, caching: false }
  }

  /** @throws MR_TOPOLOGY_STORE_UNKNOWN */
  connect(processor: string, store: string): void {
    const written = this.stores.get(store)
    if (written === undefined) {
      throw topologyError(
        'MR_TOPOLOGY_STORE_UNKNOWN',
        `there is no store ${JSON.stringify(store)}`,
        'Add it with builder.addStateStore(…), or name the table it belongs to by the option `store`.',
        processor,
      )
    }
    if (written.global) {
      throw topologyError(
        'MR_TOPOLOGY_STORE_GLOBAL',
        `the store ${JSON.stringify(store)} is that of a global table`,
        'Every processor can read it by context.store(…). Leave it out of the option `stores`.',
        processor,
      )
    }
    const node = this.nodes.get(processor)
    if (node?.kind !== 'processor') throw new Error(`${processor} is no processor`)
    written.users.push(processor)
    if (!node.stores.includes(store)) node.stores.push(store)
  }

  /**
   * Adds a source and a processor that every instance runs over all partitions.
   *
   * @throws MR_TOPOLOGY_STORE_EXISTS, MR_TOPOLOGY_NODE_EXISTS, MR_TOPOLOGY_TOPIC_TWICE
   */
  addGlobalStore(source: NewSource, processor: string, operator: OperatorSpec, spec: StoreSpec): void {
    if (this.stores.has(spec.name)) throw storeExists(spec.name, processor)
    this.addSource(source)
    const topic = source.topics[0]
    this.addProcessor(processor, operator, [source.name])
    this.globalSources.add(source.name)
    this.stores.set(spec.name, { spec, global: true, sourceTopic: topic, users: [processor] })
    const node = this.nodes.get(processor)
    if (node?.kind === 'processor') node.stores.push(spec.name)
  }

  #checkNewNode(name: string): void {
    if (!this.nodes.has(name)) return
    throw topologyError(
      'MR_TOPOLOGY_NODE_EXISTS',
      `there are two nodes called ${JSON.stringify(name)}`,
      'Give each operator a `name` of its own.',
      name,
    )
  }

  #checkParents(name: string, parents: readonly string[]): void {
    for (const parent of parents) {
      if (!this.nodes.has(parent)) throw new Error(`${parent} must be written before its child ${name}`)
    }
  }

  #takeTopic(topic: string, node: string): void {
    if (this.#topics.has(topic)) {
      throw topologyError(
        'MR_TOPOLOGY_TOPIC_TWICE',
        `the topic ${JSON.stringify(topic)} is read by two sources`,
        'Read it once and use the stream or table twice. A stream becomes a table by toTable().',
        node,
      )
    }
    this.#topics.add(topic)
  }
}

function storeExists(name: string, node: string | undefined): Error {
  return topologyError(
    'MR_TOPOLOGY_STORE_EXISTS',
    `there are two stores called ${JSON.stringify(name)}`,
    'Give each store a name of its own.',
    node,
  )
}

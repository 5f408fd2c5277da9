import type { StoreSpec } from '../topology/store-spec.ts'
import { DEFAULT_BUILD_SETTINGS, type BuildSettings } from '../topology/build-settings.ts'
import { GraphNode } from '../topology/graph/graph-node.ts'
import { compileGraph } from '../topology/graph/compile-graph.ts'
import { LogicalGraph } from '../topology/graph/logical-graph.ts'
import type { Topology } from '../topology/topology.ts'
import type { ProcessorSupplier } from '../topology/processor-api.ts'
import { erased } from './options/functions.ts'
import type { GlobalKTable } from './global-ktable.ts'
import type { KStream } from './kstream.ts'
import type { KTable } from './ktable.ts'
import { globalStore, globalTable, stream, table } from './nodes/sources.ts'
import type { Materialize, Named } from './options/operator-options.ts'
import type { ReadableTopic } from './options/topic.ts'
import { wrap } from './wrap-handles.ts'

/**
 * Begins a topology: streams and tables over topics. `defineApp` passes a builder to its `build` function.
 *
 * @example
 * ```ts
 * defineApp({ id: 'copy', build: (builder) => builder.stream(words).to(copies) })
 * ```
 * Behaves as Kafka Streams' `StreamsBuilder`; the order of the calls decides the generated names.
 */
export class StreamsBuilder {
  readonly #graph: LogicalGraph

  constructor(settings: BuildSettings = DEFAULT_BUILD_SETTINGS) {
    this.#graph = new LogicalGraph(settings)
  }

  /**
   * Reads one or several topics as a stream. Several topics must have the same serdes and `timestamp`.
   *
   * @throws MR_TOPOLOGY_NO_TOPIC, MR_TOPOLOGY_SOURCE_MIXED
   */
  stream<K, V>(topics: ReadableTopic<K, V> | readonly ReadableTopic<K, V>[], options?: Named): KStream<K, V> {
    const list = 'name' in topics ? [topics] : topics
    return wrap.stream(stream(this.#graph, list, options))
  }

  /**
   * Reads a topic as a table: the latest record of a key is its row; a null value deletes it. Records without a key are
   * dropped and counted. The latest is by offset, or by timestamp if the table is versioned (KIP-914).
   *
   * @throws MR_TOPOLOGY_STORE_OPTION; MR_TOPOLOGY_TOPIC_TWICE when the topology is built
   * @example
   * ```ts
   * builder.table(customers, { store: 'customers' })
   * ```
   */
  table<K, V>(topic: ReadableTopic<K, V>, options?: Materialize<K, V>): KTable<K, V> {
    return wrap.table(table(this.#graph, topic, options))
  }

  /**
   * Reads a topic as a table that every instance holds completely, to its end before the application runs (KIP-99).
   *
   * @throws MR_TOPOLOGY_VERSIONED
   * @example
   * ```ts
   * builder.globalTable(countries)
   * ```
   */
  globalTable<K, V>(topic: ReadableTopic<K, V>, options?: Materialize<K, V>): GlobalKTable<K, V> {
    return wrap.globalTable(globalTable(this.#graph, topic, options))
  }

  /**
   * Adds a store for processors, which name it in their option `stores`.
   *
   * @throws MR_TOPOLOGY_STORE_EXISTS when the topology is built
   * @example
   * ```ts
   * builder.addStateStore(keyValueStore('seen', { key: string(), value: long() }))
   * ```
   */
  addStateStore(store: StoreSpec): this {
    const node = new GraphNode(store.name, {}, (writer) => writer.addStore(store, false))
    this.#graph.add(this.#graph.root, node)
    return this
  }

  /**
   * Adds a store that every instance holds completely and that a processor of your own fills from a topic;
   * `globalTable` stores records as they are. All partitions are read to their end before the application runs, each by
   * a processor of its own. The processor keeps all it knows in the store, which nothing else can change: if the disk
   * is lost, it processes again what the topic still has. It can neither forward nor schedule. Other processors read
   * the store by `context.store(…)`, without naming it in their `stores`.
   *
   * @throws MR_TOPOLOGY_STORE_EXISTS, MR_TOPOLOGY_TOPIC_TWICE when the topology is built
   * @example
   * ```ts
   * builder.addGlobalStore(keyValueStore('by-city', { key: string(), value: string() }), customers, () => new ByCity())
   * ```
   * Behaves as Kafka Streams' `addGlobalStore`.
   */
  addGlobalStore<K, V>(
    store: StoreSpec,
    topic: ReadableTopic<K, V>,
    supplier: ProcessorSupplier<K, V, never, never>,
    options?: Named,
  ): this {
    globalStore(this.#graph, store, topic, erased(supplier, 'the supplier of addGlobalStore()'), options)
    return this
  }

  /**
   * Compiles the topology. It can be called only once.
   *
   * @throws MR_TOPOLOGY_…, MR_SERDE_MISSING
   */
  build(): Topology {
    this.#graph.seal()
    return compileGraph(this.#graph)
  }
}

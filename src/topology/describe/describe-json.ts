import type { StoreSpec } from '../store-spec.ts'
import type { Topology, TopologyNode } from '../topology.ts'

/** A topology as data. Internal topics are named without the application id. */
export interface TopologyJson {
  /** The id of the application. Absent: not known, as in descriptions of a topology alone. */
  readonly application?: string
  readonly subtopologies: readonly {
    readonly id: number
    readonly global: boolean
    readonly nodes: readonly NodeJson[]
    readonly copartitionGroups: readonly (readonly string[])[]
  }[]
  readonly stores: readonly StoreJson[]
}

/** A source, processor or sink, and what it is wired to. */
export type NodeJson =
  | {
      readonly kind: 'source'
      readonly name: string
      readonly topics: readonly string[]
      readonly internal: boolean
      readonly children: readonly string[]
    }
  | {
      readonly kind: 'processor'
      readonly name: string
      readonly operator: string
      readonly stores: readonly string[]
      readonly parents: readonly string[]
      readonly children: readonly string[]
    }
  | {
      readonly kind: 'sink'
      readonly name: string
      /** Null: chosen per record. */
      readonly topic: string | null
      readonly internal: boolean
      /** The partitions that `repartition` was asked for. Absent: derived from other topics, or another sink. */
      readonly partitions?: number
      readonly parents: readonly string[]
    }

/** A store, and the topic it is rebuilt from. */
export interface StoreJson {
  readonly name: string
  readonly kind: string
  readonly persistent: boolean
  readonly caching: boolean
  readonly keySerde: string
  readonly valueSerde: string
  /** Its own changelog (`<application id>-<store>-changelog`), or the source topic to rebuild it from; null: none. */
  readonly changelog: 'own' | { readonly topic: string } | null
  readonly changelogConfigs: Readonly<Record<string, string>>
  /** True: every value has a timestamp beside it. Absent in kinds that have no choice. */
  readonly timestamped?: boolean
  /** The size of windows that all are as long, ms. */
  readonly windowSize?: number
  /** How long windows and sessions are kept, ms. */
  readonly retention?: number
  /** How far back versions of a row are kept, ms. */
  readonly historyRetention?: number
  /** The version of the shape of its values, if they have one. */
  readonly version?: number
  /** The newest version whose values it reads. */
  readonly readsUpTo?: number
}

/**
 * Describes the topology as plain JSON data, for tools that compare or draw it.
 *
 * @param application the id of the application, to stand in the description
 * @example
 * ```ts
 * writeFileSync('topology.json', JSON.stringify(describeJson(app.topology(), app.id)))
 * ```
 */
export function describeJson(topology: Topology, application?: string): TopologyJson {
  return {
    ...(application === undefined ? {} : { application }),
    subtopologies: topology.subtopologies.map(({ id, global, nodes, copartitionGroups }) => ({
      id,
      global,
      nodes: nodes.map(nodeJson),
      copartitionGroups,
    })),
    stores: [...topology.stores.values()].map(({ spec, changelog, changelogConfigs }) => ({
      name: spec.name,
      kind: spec.kind,
      persistent: spec.persistent,
      caching: spec.caching,
      keySerde: spec.keySerde.name,
      valueSerde: spec.valueSerde.name,
      changelog: changelog === null ? null : changelog.kind === 'own' ? 'own' : { topic: changelog.topic },
      changelogConfigs: changelog?.kind === 'own' ? Object.fromEntries(changelogConfigs) : {},
      ...rowsOf(spec),
      ...versionOf(spec),
    })),
  }
}

/** What the meaning of a store's rows depends on besides its serdes. */
function rowsOf(spec: StoreSpec): Partial<StoreJson> {
  switch (spec.kind) {
    case 'keyValue':
      return { timestamped: spec.timestamped }
    case 'window':
      return { timestamped: spec.timestamped, windowSize: spec.windowSize, retention: spec.retention }
    case 'period':
    case 'session':
      return { retention: spec.retention }
    case 'versioned':
      return { historyRetention: spec.historyRetention }
    default:
      return {}
  }
}

function versionOf({ version, readsUpTo }: StoreSpec): Partial<StoreJson> {
  return version === undefined || readsUpTo === undefined ? {} : { version, readsUpTo }
}

function nodeJson(node: TopologyNode): NodeJson {
  switch (node.kind) {
    case 'source':
      return { kind: 'source', name: node.name, topics: node.topics, internal: node.internal, children: node.children }
    case 'processor':
      return {
        kind: 'processor',
        name: node.name,
        operator: node.operator.op,
        stores: node.stores,
        parents: node.parents,
        children: node.children,
      }
    case 'sink':
      return {
        kind: 'sink',
        name: node.name,
        topic: typeof node.topic === 'string' ? node.topic : null,
        internal: node.internal,
        ...(node.repartition === undefined || node.repartition.partitions === 0
          ? {}
          : { partitions: node.repartition.partitions }),
        parents: node.parents,
      }
  }
}

import type { Topology, TopologyNode } from '../topology.ts'

/** A topology as data. Internal topics are named without the application id. */
export interface TopologyJson {
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
}

/**
 * Describes the topology as plain JSON data, for tools that compare or draw it.
 *
 * @example
 * ```ts
 * writeFileSync('topology.json', JSON.stringify(describeJson(app.topology())))
 * ```
 */
export function describeJson(topology: Topology): TopologyJson {
  return {
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
    })),
  }
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
        parents: node.parents,
      }
  }
}

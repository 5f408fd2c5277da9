import type {
  SourceNode,
  ProcessorNode,
  SinkNode,
  Subtopology,
  Topology,
  TopologyNode,
  TopologyStore,
} from '../topology.ts'
import { topologyError } from '../topology-error.ts'
import { copartitionGroups } from './copartition.ts'
import { changelogTopicConfigs } from './internal-topic-configs.ts'
import type { TopologyWriter, WrittenNode, WrittenStore } from './topology-writer.ts'
import { UnionFind } from './union-find.ts'
import { UnreadValues } from './unread-values.ts'

/** Cuts what was written into sub-topologies: nodes connected by parents or by a shared store. */
export function finishTopology(writer: TopologyWriter, copartitions: readonly ReadonlySet<string>[]): Topology {
  checkNaming(writer)
  const connected = new UnionFind()
  const children = new Map<string, string[]>()
  for (const node of writer.nodes.values()) {
    connected.add(node.name)
    if (node.kind === 'source') continue
    for (const parent of node.parents) {
      connected.unite(parent, node.name)
      const siblings = children.get(parent)
      if (siblings === undefined) children.set(parent, [node.name])
      else siblings.push(node.name)
    }
  }
  for (const store of writer.stores.values()) {
    for (const user of store.users) connected.unite(store.users[0] ?? user, user)
  }

  const groups = Map.groupBy(writer.nodes.values(), ({ name }) => connected.root(name))
  const allCopartitions = copartitionGroups(copartitions, writer.nodes, writer.internalTopics)
  const unread = new UnreadValues(writer.nodes, children, writer.internalTopics)
  const subtopologies: Subtopology[] = []
  for (const group of groups.values()) {
    const topics = new Set(group.flatMap((node) => (node.kind === 'source' ? node.topics : [])))
    subtopologies.push({
      id: subtopologies.length,
      global: group.some((node) => writer.globalSources.has(node.name)),
      nodes: group.map((node) => finishNode(node, children.get(node.name) ?? [], writer, unread)),
      stores: [...new Set(group.flatMap((node) => (node.kind === 'processor' ? node.stores : [])))],
      copartitionGroups: allCopartitions.filter((set) => set.some((topic) => topics.has(topic))),
    })
  }
  return { subtopologies, stores: finishStores(writer) }
}

function finishNode(
  node: WrittenNode,
  children: readonly string[],
  writer: TopologyWriter,
  unread: UnreadValues,
): TopologyNode {
  switch (node.kind) {
    case 'source': {
      const internal = node.topics.some((topic) => writer.internalTopics.has(topic))
      return { ...node, internal, readsValue: !unread.at(node), children } satisfies SourceNode
    }
    case 'processor':
      return { ...node, children } satisfies ProcessorNode
    case 'sink': {
      const repartition = typeof node.topic === 'string' ? writer.internalTopics.get(node.topic) : undefined
      const copiesValue = unread.mayCopy(node)
      return { ...node, internal: repartition !== undefined, copiesValue, repartition } satisfies SinkNode
    }
  }
}

function finishStores(writer: TopologyWriter): Map<string, TopologyStore> {
  const stores = new Map<string, TopologyStore>()
  for (const [name, store] of writer.stores) {
    if (store.users.length === 0) continue
    stores.set(name, {
      spec: store.spec,
      global: store.global,
      changelog: changelogOf(store),
      changelogConfigs: changelogTopicConfigs(store.spec, writer.settings),
    })
  }
  return stores
}

function changelogOf(store: WrittenStore): TopologyStore['changelog'] {
  if (store.sourceTopic !== undefined) return { kind: 'source', topic: store.sourceTopic }
  return store.spec.logging === false ? null : { kind: 'own' }
}

function checkNaming(writer: TopologyWriter): void {
  if (!writer.settings.strictNaming || writer.generatedNames.length === 0) return
  throw topologyError(
    'MR_TOPOLOGY_UNNAMED',
    `strictNaming: these have generated names: ${writer.generatedNames.join('; ')}`,
    'Name stores by the option `store`, repartition topics by the option `name` of the operator that groups or joins.',
  )
}

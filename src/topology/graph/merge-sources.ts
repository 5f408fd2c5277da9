import type { OffsetReset } from '../topology.ts'
import { topologyError } from '../topology-error.ts'
import type { GraphNode } from './graph-node.ts'
import type { LogicalGraph } from './logical-graph.ts'

/**
 * Makes streams over the same set of topics share the source of the first of them.
 *
 * @throws MR_TOPOLOGY_TOPIC_TWICE for sets that overlap without being equal; MR_TOPOLOGY_OFFSET_RESET
 */
export function mergeDuplicateSources(graph: LogicalGraph): void {
  const byTopic = new Map<string, GraphNode>()
  for (const node of graph.root.children) {
    if (node.role.kind !== 'streamSource') continue
    for (const topic of node.role.topics) {
      const first = byTopic.get(topic)
      if (first === undefined) byTopic.set(topic, node)
      else if (first !== node) mergeInto(graph, first, node, topic)
    }
  }
}

function mergeInto(graph: LogicalGraph, first: GraphNode, second: GraphNode, topic: string): void {
  if (first.role.kind !== 'streamSource' || second.role.kind !== 'streamSource') return
  if (first.role.topics.toSorted().join() !== second.role.topics.toSorted().join()) {
    throw topologyError(
      'MR_TOPOLOGY_TOPIC_TWICE',
      `two streams over different sets of topics both read ${JSON.stringify(topic)}`,
      'Make one stream per topic and merge() them as needed.',
      second.name,
    )
  }
  if (resetText(first.role.offsetReset) !== resetText(second.role.offsetReset)) {
    throw topologyError(
      'MR_TOPOLOGY_OFFSET_RESET',
      `two streams over ${JSON.stringify(topic)} start at different offsets`,
      'Give both the same offsetReset.',
      second.name,
    )
  }
  for (const child of second.children) {
    second.removeChild(child)
    first.addChild(child)
  }
  graph.root.removeChild(second)
}

function resetText(reset: OffsetReset | undefined): string {
  return JSON.stringify(reset ?? null)
}

import type { GraphNode } from './graph-node.ts'
import type { LogicalGraph } from './logical-graph.ts'

/**
 * Makes an inner join of a stream with itself keep one window store instead of two (Kafka Streams'
 * `single.store.self.join`, KIP-862). Kafka Streams 4.3 rewrites left and outer joins, too, which then lose the records
 * that they should emit alone: null keys, and records that do not lie in their own window.
 */
export function rewriteSelfJoins(graph: LogicalGraph): void {
  visit(graph.root, graph.settings.compatible, new Set())
}

function visit(node: GraphNode, outerToo: boolean, seen: Set<GraphNode>): void {
  seen.add(node)
  const { role } = node
  const [parent] = node.parents
  if (role.kind === 'streamJoin' && (role.inner || outerToo) && node.parents.size === 1 && parent !== undefined) {
    for (const sibling of parent.children) if (sibling.name === role.rightWindow) parent.removeChild(sibling)
    role.selfJoin = true
  }
  for (const child of node.children) if (!seen.has(child)) visit(child, outerToo, seen)
}

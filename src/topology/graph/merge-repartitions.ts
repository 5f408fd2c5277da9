import { findUpwards } from './graph-node.ts'
import type { GraphNode } from './graph-node.ts'
import type { LogicalGraph } from './logical-graph.ts'
import { newRepartition, repartitionNode } from './repartition.ts'

/**
 * Repartitions by the same changed key become one, called after the first of them, directly below the node that changed
 * the key; what lay between them moves behind it (Kafka Streams' `merge.repartition.topics`, KIP-295).
 */
export function mergeRepartitions(graph: LogicalGraph): void {
  liftAboveMerges(graph)
  for (const [changer, repartitions] of graph.repartitionsByKeyChange) {
    if (repartitions.size > 0) mergeBelow(graph, changer, [...repartitions])
  }
}

function mergeBelow(graph: LogicalGraph, changer: GraphNode, repartitions: readonly GraphNode[]): void {
  const bodies = repartitions.map((node) => node.role).filter((role) => role.kind === 'optimizableRepartition')
  const first = bodies[0]?.body
  if (first === undefined) return
  const merged = repartitionNode(
    'optimizable',
    newRepartition(graph.names, first.topic, {
      keySerde: bodies.find(({ body }) => body.keySerde !== undefined)?.body.keySerde,
      valueSerde: bodies.find(({ body }) => body.valueSerde !== undefined)?.body.valueSerde,
    }),
  )
  merged.priority = changer.priority
  for (const repartition of repartitions) {
    const top = findUpwards(repartition, (node) => node.parents.has(changer))
    if (top === undefined) throw new Error(`${repartition.name} does not lie below ${changer.name}`)
    merged.addChild(top)
    changer.removeChild(top)
    const children = [...repartition.children]
    const parents = [...repartition.parents]
    for (const child of children) for (const parent of parents) parent.addChild(child)
    for (const parent of parents) parent.removeChild(repartition)
    repartition.clearChildren()
    for (const sources of graph.copartitions) {
      if (sources.delete(repartition.name)) sources.add(merged.name)
    }
  }
  changer.addChild(merged)
}

/** Key changes that meet in a merge() before they are repartitioned are repartitioned below the merge, together. */
function liftAboveMerges(graph: LogicalGraph): void {
  const { repartitionsByKeyChange } = graph
  const changersByMerge = new Map<GraphNode, GraphNode[]>()
  for (const merge of graph.mergeNodes) {
    const changers: GraphNode[] = []
    for (const [changer, repartitions] of repartitionsByKeyChange) {
      const allBelow = [...repartitions].every((node) => liesBelow(node, merge))
      if (allBelow && liesBelow(merge, changer)) changers.push(changer)
    }
    changersByMerge.set(merge, changers)
  }
  const lifted = new Set<GraphNode>()
  for (const [merge, changers] of changersByMerge) {
    const repartitions = new Set<GraphNode>()
    for (const changer of changers) {
      for (const repartition of repartitionsByKeyChange.get(changer) ?? []) repartitions.add(repartition)
      lifted.add(changer)
    }
    repartitionsByKeyChange.set(merge, repartitions)
  }
  for (const changer of lifted) repartitionsByKeyChange.delete(changer)
}

function liesBelow(node: GraphNode, ancestor: GraphNode): boolean {
  return findUpwards(node, (candidate) => candidate.parents.has(ancestor)) !== undefined
}

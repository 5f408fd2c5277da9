import { findUpwards, type GraphNode } from './graph-node.ts'
import type { LogicalGraph } from './logical-graph.ts'
import { newRepartition, repartitionNode } from './repartition.ts'

/**
 * Merges repartitions by the same changed key into one, named after the first of them, directly below the node that
 * changed the key. What lay between them moves below it (Kafka Streams' `merge.repartition.topics`, KIP-295).
 */
export function mergeRepartitions(graph: LogicalGraph): void {
  liftAboveMerges(graph)
  for (const [changer, repartitions] of graph.repartitionsByKeyChange) {
    const alike = graph.settings.compatible ? [...repartitions] : mergeable(changer, [...repartitions])
    if (alike.length > 0) mergeBelow(graph, changer, alike)
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
      group: first.group,
    }),
  )
  merged.priority = changer.priority
  for (const repartition of repartitions) {
    const top = belowOf(repartition, changer)
    // Another repartition may lie below the same child of the key changer, which has then moved already.
    if (top === undefined && belowOf(repartition, merged) === undefined) {
      throw new Error(`${repartition.name} does not lie below ${changer.name}`)
    }
    if (top !== undefined) {
      merged.addChild(top)
      changer.removeChild(top)
    }
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

/** Where key changes meet in a merge() before their repartitions, makes these one repartition below the merge. */
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
  const repartitionsByMerge = new Map<GraphNode, Set<GraphNode>>()
  for (const [changer, repartitions] of [...repartitionsByKeyChange]) {
    const merges = [...changersByMerge.keys()].filter((merge) => changersByMerge.get(merge)?.includes(changer))
    if (merges.length === 0) continue
    repartitionsByKeyChange.delete(changer)
    // Streams that are merged one after the other are repartitioned only below the last merge.
    const last = merges.find((merge) => merges.every((other) => other === merge || belowOf(merge, other) !== undefined))
    if (last === undefined) continue
    const all = repartitionsByMerge.get(last) ?? new Set()
    for (const repartition of repartitions) all.add(repartition)
    repartitionsByMerge.set(last, all)
  }
  // In the order of the merges: names are drawn in it.
  for (const merge of graph.mergeNodes) {
    const repartitions = repartitionsByMerge.get(merge)
    if (repartitions !== undefined) repartitionsByKeyChange.set(merge, repartitions)
  }
}

/** Returns the repartitions whose merging changes no result. */
function mergeable(changer: GraphNode, repartitions: readonly GraphNode[]): readonly GraphNode[] {
  const pure = new Set(repartitions.filter((node) => comesFromOnly(node, changer)))
  return [...pure].filter((node) => leadsOnlyInto(belowOf(node, changer), pure))
}

/**
 * False if what lies between the changed key and its repartitions goes elsewhere as well. It would move below the
 * merged repartition, which null keys do not pass.
 */
function leadsOnlyInto(node: GraphNode | undefined, repartitions: ReadonlySet<GraphNode>): boolean {
  if (node === undefined || repartitions.has(node)) return node !== undefined
  return node.children.size > 0 && [...node.children].every((child) => leadsOnlyInto(child, repartitions))
}

/**
 * False if a merge brings in records of other streams on the way: they would no longer be repartitioned, and meet the
 * others only if their topics happen to have as many partitions.
 */
function comesFromOnly(node: GraphNode, changer: GraphNode): boolean {
  if (node === changer) return true
  return node.parents.size > 0 && [...node.parents].every((parent) => comesFromOnly(parent, changer))
}

/** Returns the child of `ancestor` on the path to the node, or the node itself; undefined if there is no path. */
function belowOf(node: GraphNode, ancestor: GraphNode): GraphNode | undefined {
  if (node.parents.has(ancestor)) return node
  for (const parent of node.parents) {
    const below = belowOf(parent, ancestor)
    if (below !== undefined) return below
  }
  return undefined
}

function liesBelow(node: GraphNode, ancestor: GraphNode): boolean {
  return findUpwards(node, (candidate) => candidate.parents.has(ancestor)) !== undefined
}

import { finishTopology } from '../compile/finish-topology.ts'
import { TopologyWriter } from '../compile/topology-writer.ts'
import type { Topology } from '../topology.ts'
import { declaredAt, isMillraceError } from '../../errors/millrace-error.ts'
import type { GraphNode } from './graph-node.ts'
import type { LogicalGraph } from './logical-graph.ts'
import { mergeRepartitions } from './merge-repartitions.ts'
import { mergeDuplicateSources } from './merge-sources.ts'
import { rewriteSelfJoins } from './self-joins.ts'

/**
 * Rewrites the logical graph and writes it out. It can be compiled only once: the rewriting changes it.
 *
 * @throws MR_TOPOLOGY_… and MR_SERDE_MISSING
 */
export function compileGraph(graph: LogicalGraph): Topology {
  const { optimizations } = graph.settings
  mergeDuplicateSources(graph)
  if (optimizations.has('merge.repartition.topics')) mergeRepartitions(graph)
  if (optimizations.has('single.store.self.join')) rewriteSelfJoins(graph)

  const writer = new TopologyWriter(graph.settings)
  const written = new Set<GraphNode>([graph.root])
  const waiting = new Set<GraphNode>(graph.root.children)
  for (;;) {
    const node = next(waiting, written)
    if (node === undefined) break
    waiting.delete(node)
    write(writer, node)
    written.add(node)
    for (const child of node.children) if (!written.has(child)) waiting.add(child)
  }
  return finishTopology(writer, graph.copartitions)
}

function write(writer: TopologyWriter, node: GraphNode): void {
  try {
    node.write(writer, node)
  } catch (error) {
    throw isMillraceError(error) ? declaredAt(error, node.trace) : error
  }
}

/** Returns the node that was added first, among those whose parents are all written. */
function next(waiting: ReadonlySet<GraphNode>, written: ReadonlySet<GraphNode>): GraphNode | undefined {
  let best: GraphNode | undefined
  for (const node of waiting) {
    if (best !== undefined && best.priority <= node.priority) continue
    if ([...node.parents].every((parent) => written.has(parent))) best = node
  }
  return best
}

import type { OperatorSpec } from '../../topology/operator-spec.ts'
import { GraphNode, type NodeTraits } from '../../topology/graph/graph-node.ts'
import type { StreamHandle } from '../handles/handles.ts'

/** A node of one processor, made when the topology is written: by then all later calls of the DSL are known. */
export function processorNode(
  name: string,
  traits: NodeTraits,
  operator: (node: GraphNode) => OperatorSpec,
  stores: readonly string[] = [],
): GraphNode {
  return new GraphNode(name, traits, (writer, node) => {
    writer.addProcessor(name, operator(node), node.parentNames())
    for (const store of stores) writer.connect(name, store)
  })
}

/** Adds a processor below a stream. */
export function addToStream(stream: StreamHandle, name: string, traits: NodeTraits, operator: OperatorSpec): GraphNode {
  const node = processorNode(name, traits, () => operator)
  stream.graph.add(stream.node, node)
  return node
}

/** What an operator leaves of a stream's records as it is, types included. */
export interface KeptParts {
  readonly key: boolean
  readonly value: boolean
}

/** The stream after an operator. */
export function streamAfter(stream: StreamHandle, node: GraphNode, kept: KeptParts): StreamHandle {
  return {
    graph: stream.graph,
    name: node.name,
    node,
    keySerde: kept.key ? stream.keySerde : undefined,
    valueSerde: kept.value ? stream.valueSerde : undefined,
    sources: stream.sources,
    repartition: stream.repartition || !kept.key,
  }
}

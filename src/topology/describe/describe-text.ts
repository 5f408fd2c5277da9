import type { Subtopology, Topology } from '../topology.ts'
import { javaSetOrder } from './java-set-order.ts'
import { describedNodes, type DescribedNode } from './node-sizes.ts'

/**
 * Describes the topology exactly as Kafka Streams' `Topology.describe()` prints it, so that an application can be
 * compared before and after a migration. Internal topics appear without the application id.
 *
 * @example
 * ```ts
 * console.log(describe(app.topology()))
 * ```
 */
export function describe(topology: Topology): string {
  const parts = topology.subtopologies.map((subtopology) =>
    subtopology.global ? describeGlobal(subtopology) : describeSubtopology(subtopology),
  )
  return `Topologies:\n ${parts.join('')}`
}

function describeSubtopology(subtopology: Subtopology): string {
  const nodes = describedNodes(subtopology).map((described) => `    ${describeNode(described)}\n`)
  return `  Sub-topology: ${subtopology.id}\n${nodes.join('')}\n`
}

function describeGlobal(subtopology: Subtopology): string {
  const [source, processor] = subtopology.nodes
  const topics = source?.kind === 'source' ? source.topics : []
  const stores = processor?.kind === 'processor' ? processor.stores : []
  return (
    `  Sub-topology: ${subtopology.id} for global store (will not generate tasks)\n` +
    `    Source: ${source?.name} (topics: [${javaSetOrder(topics).join(', ')}])\n      --> ${processor?.name}\n` +
    `    Processor: ${processor?.name} (stores: [${stores.join(', ')}])\n      --> none\n      <-- ${source?.name}\n`
  )
}

function describeNode({ node, children, parents }: DescribedNode): string {
  switch (node.kind) {
    case 'source':
      return `Source: ${node.name} (topics: [${javaSetOrder(node.topics).join(', ')}])\n      --> ${list(children)}`
    case 'processor':
      return (
        `Processor: ${node.name} (stores: [${javaSetOrder(node.stores).join(', ')}])\n` +
        `      --> ${list(children)}\n      <-- ${list(parents)}`
      )
    case 'sink': {
      const target =
        typeof node.topic === 'string' ? `topic: ${node.topic}` : `extractor class: ${extractorName(node.topic)}`
      return `Sink: ${node.name} (${target})\n      <-- ${list(parents)}`
    }
  }
}

function extractorName(extractor: { readonly name: string }): string {
  return extractor.name === '' ? 'anonymous' : extractor.name
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ')
}

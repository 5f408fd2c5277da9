import type { Subtopology, TopologyNode } from '../topology.ts'
import { javaHashOrder } from './java-set-order.ts'

/** A node with its neighbours in the order in which Kafka Streams prints them. */
export interface DescribedNode {
  readonly node: TopologyNode
  readonly children: readonly string[]
  readonly parents: readonly string[]
}

class SizedNode {
  readonly node: TopologyNode
  /** The nodes below it and itself; one reached by two paths counts twice. */
  size = 1
  readonly parents: SizedNode[] = []
  readonly children: SizedNode[] = []

  constructor(node: TopologyNode) {
    this.node = node
  }

  grow(by: number): void {
    this.size += by
    for (const parent of this.parents) parent.grow(by)
  }
}

/**
 * The nodes of a sub-topology, those with the most below them first. Neighbours are sorted in the same way, but by the sizes
 * that were known when each was added: Kafka Streams connects the nodes in the order of their hashes, and does not sort
 * again when sizes grow.
 */
export function describedNodes(subtopology: Subtopology): DescribedNode[] {
  const byName = new Map(subtopology.nodes.map((node) => [node.name, new SizedNode(node)]))
  for (const name of javaHashOrder(byName.keys())) {
    const child = byName.get(name)
    if (child === undefined || child.node.kind === 'source') continue
    for (const parentName of child.node.parents) {
      const parent = byName.get(parentName)
      if (parent === undefined) continue
      insert(child.parents, parent)
      insert(parent.children, child)
      parent.grow(child.size)
    }
  }
  return [...byName.values()]
    .toSorted(bySize)
    .map(({ node, children, parents }) => ({ node, children: children.map(nameOf), parents: parents.map(nameOf) }))
}

function insert(sorted: SizedNode[], node: SizedNode): void {
  if (sorted.includes(node)) return
  const at = sorted.findIndex((other) => bySize(node, other) < 0)
  sorted.splice(at === -1 ? sorted.length : at, 0, node)
}

function bySize(a: SizedNode, b: SizedNode): number {
  return b.size - a.size || (a.node.name < b.node.name ? -1 : 1)
}

function nameOf({ node }: SizedNode): string {
  return node.name
}

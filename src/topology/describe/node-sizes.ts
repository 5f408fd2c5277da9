import type { Subtopology, TopologyNode } from '../topology.ts'
import { javaHashOrder } from './java-set-order.ts'
import { JavaTreeSet } from './java-tree-set.ts'

/** A node with its neighbours in the order in which Kafka Streams prints them. */
export interface DescribedNode {
  readonly node: TopologyNode
  readonly children: readonly string[]
  readonly parents: readonly string[]
}

class SizedNode {
  readonly node: TopologyNode
  /** Number of nodes below it and itself; one reached by two paths counts twice. */
  size = 1
  readonly parents = new JavaTreeSet(bySize)
  readonly children = new JavaTreeSet(bySize)

  constructor(node: TopologyNode) {
    this.node = node
  }

  grow(by: number): void {
    this.size += by
    for (const parent of this.parents) parent.grow(by)
  }
}

/**
 * Returns the nodes of a sub-topology, those with the most below them first. Neighbours are sorted in the same way, but
 * by the sizes known when each was added: Kafka Streams connects the nodes in the order of their hashes, and does not
 * sort again when sizes grow.
 */
export function describedNodes(subtopology: Subtopology): DescribedNode[] {
  const byName = new Map(subtopology.nodes.map((node) => [node.name, new SizedNode(node)]))
  for (const name of javaHashOrder(byName.keys())) {
    const child = byName.get(name)
    if (child === undefined || child.node.kind === 'source') continue
    for (const parentName of child.node.parents) {
      const parent = byName.get(parentName)
      if (parent === undefined) continue
      child.parents.add(parent)
      parent.children.add(child)
      parent.grow(child.size)
    }
  }
  return [...byName.values()]
    .toSorted(bySize)
    .map(({ node, children, parents }) => ({ node, children: namesOf(children), parents: namesOf(parents) }))
}

function bySize(a: SizedNode, b: SizedNode): number {
  if (a === b) return 0
  return b.size - a.size || (a.node.name < b.node.name ? -1 : 1)
}

function namesOf(nodes: Iterable<SizedNode>): string[] {
  return [...nodes].map(({ node }) => node.name)
}

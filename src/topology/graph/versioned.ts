import type { GraphNode } from './graph-node.ts'

/** True if the table that a node makes is versioned: as its store is, else as all of its parents are. */
export function outputIsVersioned(node: GraphNode): boolean {
  return node.traits.versioned ?? inputIsVersioned(node)
}

/** True if every table that a node reads is versioned. */
export function inputIsVersioned(node: GraphNode): boolean {
  if (node.parents.size === 0) return false
  for (const parent of node.parents) if (!outputIsVersioned(parent)) return false
  return true
}

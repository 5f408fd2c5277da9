import type { ProcessorNode, Subtopology } from '../topology/topology.ts'

/**
 * What lies between the inputs of a task and a store: nothing, or a place that records may wait in although their
 * offsets count as processed. A `cache` lets them go at the latest with the commit, `calls` when they have ended.
 */
export type HeldBefore = 'nothing' | 'cache' | 'calls'

export function heldBefore({ nodes }: Subtopology, store: string, isCached: (store: string) => boolean): HeldBefore {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const seen = new Set<ProcessorNode>()
  const open = nodes.flatMap((node) => (node.kind === 'processor' && node.stores.includes(store) ? [node] : []))
  let held: HeldBefore = 'nothing'
  for (const { parents } of open) {
    for (const name of parents) {
      const parent = byName.get(name)
      if (parent?.kind !== 'processor' || seen.has(parent)) continue
      seen.add(parent)
      open.push(parent)
      if (parent.operator.op === 'async') return 'calls'
      if (parent.stores.some((each) => each !== store && isCached(each))) held = 'cache'
    }
  }
  return held
}

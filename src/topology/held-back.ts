import { traitsOf } from './operator-spec.ts'
import type { Topology, TopologyNode } from './topology.ts'

/**
 * For each node, how much older than the stream time of the sources its input may be, in milliseconds: the sum of what the
 * nodes before it hold back, on the longest way, topics that the application writes and reads included. Where no record
 * moves stream time, a node's time may go on only when nothing is held back before it any more: what comes out there would
 * be late.
 *
 * @param commitInterval what a task that writes to such a topic may hold back from its readers, in its caches and in a
 * transaction: it may run in another thread, which commits when it is due
 */
export function heldBackBefore(topology: Topology, commitInterval: number): ReadonlyMap<string, number> {
  const nodes = topology.subtopologies.flatMap((subtopology) => subtopology.nodes)
  const readers = new Map<string, string[]>()
  for (const node of nodes) {
    if (node.kind !== 'source') continue
    for (const name of node.topics) {
      const topic = topicOf(node.internal, name)
      readers.set(topic, [...(readers.get(topic) ?? []), node.name])
    }
  }
  const delays = new Map(nodes.map(({ name }) => [name, 0]))
  // As many rounds as there are sub-topologies reach the last of them. Internal topics make no circles; those of a user end here.
  for (let round = 0; round < topology.subtopologies.length; round++) {
    for (const node of nodes) {
      const delay = (delays.get(node.name) ?? 0) + (node.kind === 'processor' ? traitsOf(node.operator).holdsBack : 0)
      const untilRead = node.kind === 'sink' ? delay + commitInterval : delay
      for (const next of nextNodes(node, readers)) delays.set(next, Math.max(untilRead, delays.get(next) ?? 0))
    }
    shareOverJoins(nodes, delays)
  }
  return delays
}

function nextNodes(node: TopologyNode, readers: ReadonlyMap<string, readonly string[]>): readonly string[] {
  if (node.kind !== 'sink') return node.children
  return typeof node.topic === 'string' ? (readers.get(topicOf(node.internal, node.topic)) ?? []) : []
}

/** Names of internal topics stand without the application's id, and may be those of a user's topics. */
function topicOf(internal: boolean, name: string): string {
  return internal ? `internal ${name}` : name
}

/** The two sides of a join of streams have one stream time. */
function shareOverJoins(nodes: readonly TopologyNode[], delays: Map<string, number>): void {
  const joins = new Map<string, number>()
  for (const { side, name } of sidesOf(nodes)) joins.set(side, Math.max(delays.get(name) ?? 0, joins.get(side) ?? 0))
  for (const { side, name } of sidesOf(nodes)) delays.set(name, joins.get(side) ?? 0)
}

function sidesOf(nodes: readonly TopologyNode[]): { readonly side: string; readonly name: string }[] {
  return nodes.flatMap((node) =>
    node.kind === 'processor' && node.operator.op === 'streamJoin'
      ? [{ side: node.operator.timeKey, name: node.name }]
      : [],
  )
}

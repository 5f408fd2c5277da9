import { traitsOf } from './operator-spec.ts'
import type { Topology, TopologyNode } from './topology.ts'

/**
 * Returns for each node how much older than the stream time of the sources its input may be, in ms: the sum of what the
 * nodes before it hold back, on the longest path, topics that the application writes and reads included. Where no
 * record moves stream time, a node's time may advance only once nothing before it is held back: what came out there
 * afterwards would be late.
 *
 * @param commitInterval ms for which a task that writes to such a topic may hold records back from its readers, in
 * caches and in a transaction: it may run in another thread, which commits when it is due
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
  // A round per sub-topology reaches the last of them. Internal topics make no cycles; those of a user end here.
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

/** Internal topics are named without the application id, so that a user's topic may have the same name. */
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

import type { Serde } from '../serde/serde.ts'
import type { SourceNode, TopologyNode } from '../topology/topology.ts'

/** Stands for a value that is there. */
const PRESENT = true

/**
 * The serde with which a source reads values. Behind a repartition topic, whose bytes are this application's own, a count asks
 * only whether there is a value: it need not be decoded.
 */
export function valueSerdeOf(source: SourceNode, nodes: readonly TopologyNode[]): Serde<unknown> {
  const { children, internal, valueSerde } = source
  if (!internal || children.length === 0) return valueSerde
  return children.every((child) => counts(nodes.find(({ name }) => name === child))) ? unread(valueSerde) : valueSerde
}

function counts(node: TopologyNode | undefined): boolean {
  if (node?.kind !== 'processor') return false
  const { operator } = node
  return 'folding' in operator && operator.folding.kind === 'count'
}

function unread(serde: Serde<unknown>): Serde<unknown> {
  return { ...serde, deserialize: () => PRESENT, read: () => PRESENT }
}

import type { OffsetReset, StreamPartitioner } from '../topology.ts'
import type { TopologyWriter } from '../compile/topology-writer.ts'
import { Trace } from '../../errors/trace.ts'
import type { Serde } from '../../serde/serde.ts'

/** A repartition topic of a stream with the filter and sink that write it and the source that reads it. */
export interface RepartitionBody {
  readonly topic: string
  readonly generatedName: boolean
  readonly filter: string
  readonly sink: string
  readonly source: string
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  readonly partitioner: StreamPartitioner | undefined
  /** 0: derived from what writes it and what it is joined with. */
  readonly partitions: number
  /** Where its serdes were to be given, if not to the operator that made it. */
  readonly group: Declaration | undefined
}

/** An operator as far as errors name it. */
export interface Declaration {
  readonly name: string
  readonly trace: Trace
}

/** What the rewrite rules must know of a node beyond what all nodes have. */
export type NodeRole =
  | { readonly kind: 'operator' }
  | { readonly kind: 'streamSource'; readonly topics: readonly string[]; readonly offsetReset: OffsetReset | undefined }
  | { readonly kind: 'optimizableRepartition'; readonly body: RepartitionBody }
  /** `explicit`: asked for by the user, never merged with another. */
  | { readonly kind: 'explicitRepartition' }
  | {
      readonly kind: 'streamJoin'
      readonly inner: boolean
      readonly leftWindow: string
      readonly rightWindow: string
      selfJoin: boolean
    }

export interface NodeTraits {
  readonly role?: NodeRole
  readonly keyChanging?: boolean
  readonly valueChanging?: boolean
  readonly merges?: boolean
  /** A left or outer join: null keys must reach it. */
  readonly relaxedNullKeys?: boolean
  /** Whether its table is versioned; undefined: as its parents' are. */
  readonly versioned?: boolean
  /** ms from a window's end to its final result (`delay`), and back to the earliest time of a result (`size`). */
  readonly windowClose?: { readonly delay: number; readonly inclusiveEnd: boolean; readonly size: number }
}

/** Adds what the node stands for to the topology; one logical node may become several. */
export type WriteNode = (writer: TopologyWriter, node: GraphNode) => void

/** A step of the logical graph, in the order of the calls; rewrite rules may move it before it is written. */
export class GraphNode {
  readonly name: string
  readonly role: NodeRole
  readonly traits: NodeTraits
  readonly write: WriteNode
  /** The user's call of the DSL. */
  readonly trace: Trace
  readonly parents = new Set<GraphNode>()
  readonly children = new Set<GraphNode>()
  /** Nodes are written in this order, parents first. */
  priority = 0

  constructor(name: string, traits: NodeTraits, write: WriteNode, trace: Trace = new Trace()) {
    this.name = name
    this.trace = trace
    this.role = traits.role ?? { kind: 'operator' }
    this.traits = traits
    this.write = write
  }

  parentNames(): string[] {
    return [...this.parents].map((parent) => parent.name)
  }

  addChild(child: GraphNode): void {
    this.children.add(child)
    child.parents.add(this)
  }

  removeChild(child: GraphNode): void {
    this.children.delete(child)
    child.parents.delete(this)
  }

  clearChildren(): void {
    for (const child of this.children) child.parents.delete(this)
    this.children.clear()
  }
}

/**
 * Returns the node itself or its nearest ancestor that fits. If there are several parents, one that fits itself wins;
 * else the search goes on above each of them, and the result of the last one counts: the merged topics of Kafka Streams
 * depend on it.
 */
export function findUpwards(start: GraphNode, fits: (node: GraphNode) => boolean): GraphNode | undefined {
  if (fits(start)) return start
  let found: GraphNode | undefined
  for (const parent of start.parents) {
    if (fits(parent)) return parent
    found = findUpwards(parent, fits)
  }
  return found
}

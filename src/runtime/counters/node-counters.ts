import type { Topology, TopologyNode } from '../../topology/topology.ts'

/** An edge of the topology, and how many records went along it alone. */
interface Edge {
  readonly node: string
  readonly child: string
}

/**
 * Counts of the nodes of a topology, for all tasks of a thread together: however many tasks it has, there is one number
 * a node. A node's place in the arrays is its `indexOf`, and those of its edges follow one another from `edgesOf` on.
 */
export class NodeCounters {
  readonly nodes: readonly TopologyNode[]
  readonly edges: readonly Edge[]
  /** Records that a node has passed on to all of its children, or that a sink has written. */
  readonly passed: Float64Array
  /** By edge: records that a node has passed on to this child alone. */
  readonly passedTo: Float64Array
  /** Timestamp of the last record that came into a source or out of a sink since `takeLastTimes`; NaN: none did. */
  readonly lastTime: Float64Array
  /** ms that a node took, its children left out, extrapolated from samples. */
  readonly time: Float64Array
  /** True once there was a sample. */
  isSampled = false
  readonly #indexes: ReadonlyMap<string, number>
  readonly #firstEdges: ReadonlyMap<string, number>
  readonly #sources: readonly number[]
  readonly #sinks: readonly number[]

  constructor({ subtopologies }: Topology) {
    this.nodes = subtopologies.flatMap(({ nodes }) => nodes)
    this.#indexes = new Map(this.nodes.map(({ name }, index) => [name, index]))
    const edges: Edge[] = []
    const firstEdges = new Map<string, number>()
    for (const node of this.nodes) {
      firstEdges.set(node.name, edges.length)
      if (node.kind !== 'sink') for (const child of node.children) edges.push({ node: node.name, child })
    }
    this.edges = edges
    this.#firstEdges = firstEdges
    this.passed = new Float64Array(this.nodes.length)
    this.passedTo = new Float64Array(edges.length)
    this.lastTime = new Float64Array(this.nodes.length).fill(NaN)
    this.time = new Float64Array(this.nodes.length)
    this.#sources = this.nodes.flatMap(({ kind }, index) => (kind === 'source' ? [index] : []))
    this.#sinks = this.nodes.flatMap(({ kind }, index) => (kind === 'sink' ? [index] : []))
  }

  indexOf(node: string): number {
    return this.#indexes.get(node) ?? -1
  }

  edgesOf(node: string): number {
    return this.#firstEdges.get(node) ?? -1
  }

  /** Shows the timestamp of the last record of each source or sink that has had one since the last call. */
  takeLastTimes(at: 'source' | 'sink', show: (timestamp: number) => void): void {
    const indexes = at === 'source' ? this.#sources : this.#sinks
    for (const index of indexes) {
      const timestamp = this.lastTime[index]!
      if (Number.isNaN(timestamp)) continue
      this.lastTime[index] = NaN
      show(timestamp)
    }
  }
}

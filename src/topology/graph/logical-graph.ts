import type { BuildSettings } from '../build-settings.ts'
import { NameGenerator } from '../names.ts'
import { topologyError } from '../topology-error.ts'
import { GraphNode, findUpwards } from './graph-node.ts'

/** The graph that a builder collects: nodes in the order of the calls, and which sources must be co-partitioned. */
export class LogicalGraph {
  readonly settings: BuildSettings
  readonly names = new NameGenerator()
  readonly root = new GraphNode('root', {}, () => undefined)
  /** Names of source nodes that must be co-partitioned, a set for each join or cogroup. */
  readonly copartitions: Set<string>[] = []
  /** Repartition nodes by the node that changed the key they repartition by. */
  readonly repartitionsByKeyChange = new Map<GraphNode, Set<GraphNode>>()
  readonly mergeNodes = new Set<GraphNode>()
  #nextPriority = 0
  readonly #nodes = new Set<GraphNode>([this.root])
  #sealed = false

  constructor(settings: BuildSettings) {
    this.settings = settings
  }

  /**
   * Adds a node below others; adding it again moves it after all that were added since.
   *
   * @throws MR_TOPOLOGY_OTHER_BUILDER, MR_TOPOLOGY_BUILT
   */
  add(parents: GraphNode | readonly GraphNode[], child: GraphNode): void {
    if (this.#sealed) {
      throw topologyError(
        'MR_TOPOLOGY_BUILT',
        'an operator was added after the topology was built',
        'Call operators inside `build` only.',
        child.name,
      )
    }
    this.#nodes.add(child)
    for (const parent of parents instanceof GraphNode ? [parents] : parents) {
      if (!this.#nodes.has(parent)) {
        throw topologyError(
          'MR_TOPOLOGY_OTHER_BUILDER',
          `${parent.name} comes from another builder`,
          'Make both streams or tables with the builder that `build` is given.',
          child.name,
        )
      }
      parent.addChild(child)
      child.priority = this.#nextPriority++
      this.#remember(child)
    }
  }

  /** Refuses whatever is added from now on. */
  seal(): void {
    this.#sealed = true
  }

  copartition(...sources: ReadonlySet<string>[]): ReadonlySet<string> {
    const all = new Set<string>()
    for (const set of sources) for (const source of set) all.add(source)
    this.copartitions.push(new Set(all))
    return all
  }

  #remember(node: GraphNode): void {
    if (node.traits.keyChanging === true) {
      this.repartitionsByKeyChange.set(node, new Set())
    } else if (node.role.kind === 'optimizableRepartition') {
      const changer = keyChangerOf(node)
      if (changer !== undefined) this.repartitionsByKeyChange.get(changer)?.add(node)
    } else if (node.traits.merges === true) {
      this.mergeNodes.add(node)
    }
  }
}

/** Returns the node whose new key a repartition is for, unless a value was changed in between. */
function keyChangerOf(repartition: GraphNode): GraphNode | undefined {
  const changer = findUpwards(repartition, (node) => node.traits.keyChanging === true)
  const either = findUpwards(
    repartition,
    (node) => node.traits.keyChanging === true || node.traits.valueChanging === true,
  )
  return either === changer ? changer : undefined
}

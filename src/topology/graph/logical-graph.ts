import type { BuildSettings } from '../build-settings.ts'
import { NameGenerator } from '../names.ts'
import { GraphNode, findUpwards } from './graph-node.ts'

/** The graph that a builder collects: nodes in the order of the calls, and which sources must be co-partitioned. */
export class LogicalGraph {
  readonly settings: BuildSettings
  readonly names = new NameGenerator()
  readonly root = new GraphNode('root', {}, () => undefined)
  /** Names of source nodes. */
  readonly copartitions: Set<string>[] = []
  /** Repartition nodes by the node that changed the key they repartition by. */
  readonly repartitionsByKeyChange = new Map<GraphNode, Set<GraphNode>>()
  readonly mergeNodes = new Set<GraphNode>()
  #nextPriority = 0

  constructor(settings: BuildSettings) {
    this.settings = settings
  }

  add(parents: GraphNode | readonly GraphNode[], child: GraphNode): void {
    for (const parent of parents instanceof GraphNode ? [parents] : parents) {
      parent.addChild(child)
      child.priority = this.#nextPriority++
      this.#remember(child)
    }
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

/** The node whose new key a repartition is for, unless a value was changed in between. */
function keyChangerOf(repartition: GraphNode): GraphNode | undefined {
  const changer = findUpwards(repartition, (node) => node.traits.keyChanging === true)
  const either = findUpwards(
    repartition,
    (node) => node.traits.keyChanging === true || node.traits.valueChanging === true,
  )
  return either === changer ? changer : undefined
}

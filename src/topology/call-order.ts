import { traitsOf, type SpecOf } from './operator-spec.ts'
import type { StoreSpec } from './store-spec.ts'
import type { ProcessorNode, TopologyNode } from './topology.ts'

/** What the asynchronous steps of a task mean for its other nodes. */
export interface CallOrder {
  /** By source: the steps that must be empty before a record of it is taken. Sources that need not wait are absent. */
  readonly waits: ReadonlyMap<string, readonly string[]>
  /** Steps whose records may be emitted by caches and buffers. */
  readonly numbered: ReadonlySet<string>
  /** Steps whose results may reach another step. */
  readonly followed: ReadonlySet<string>
}

/**
 * Returns which records must wait for calls, so that everything behind an aligned step sees records in the order in
 * which a synchronous step would have sent them: those of a source that reaches a node or a store behind the step by a
 * way around it.
 */
export function callOrder(nodes: readonly TopologyNode[], storeOf: (name: string) => StoreSpec | undefined): CallOrder {
  const waits = new Map<string, string[]>()
  const numbered = new Set<string>()
  const followed = new Set<string>()
  const byName = new Map(nodes.map((node) => [node.name, node]))
  for (const step of nodes) {
    if (!isStep(step)) continue
    if (nodes.some((node) => holdsBack(node, storeOf) && reach(node, byName).nodes.has(step.name))) {
      numbered.add(step.name)
    }
    const behind = reach(step, byName)
    if (nodes.some((node) => isStep(node) && behind.nodes.has(node.name))) followed.add(step.name)
    if (!step.operator.align) continue
    for (const source of nodes) {
      if (source.kind !== 'source') continue
      const around = reach(source, byName, step.name)
      if (!meet(behind.nodes, around.nodes) && !meet(behind.stores, around.stores)) continue
      waits.set(source.name, [...(waits.get(source.name) ?? []), step.name])
    }
  }
  return { waits, numbered, followed }
}

type AsyncNode = ProcessorNode & { readonly operator: SpecOf<'async'> }

function isStep(node: TopologyNode): node is AsyncNode {
  return node.kind === 'processor' && node.operator.op === 'async'
}

interface Reached {
  readonly nodes: ReadonlySet<string>
  readonly stores: ReadonlySet<string>
}

/** The nodes behind a node, and the stores that they use. The search does not pass `barred`. */
function reach(from: TopologyNode, byName: ReadonlyMap<string, TopologyNode>, barred?: string): Reached {
  const nodes = new Set<string>()
  const stores = new Set<string>()
  const open = [...childrenOf(from)]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = byName.get(name)
    if (node === undefined || name === barred || nodes.has(name)) continue
    nodes.add(name)
    if (node.kind === 'processor') for (const store of node.stores) stores.add(store)
    open.push(...childrenOf(node))
  }
  return { nodes, stores }
}

/** True if the node may emit while one record is processed what came of another. */
function holdsBack(node: TopologyNode, storeOf: (name: string) => StoreSpec | undefined): boolean {
  if (node.kind !== 'processor') return false
  const { operator } = node
  if (operator.op === 'suppress' || traitsOf(operator).holdsBack > 0) return true
  return 'store' in operator && operator.store !== null && storeOf(operator.store)?.caching === true
}

function childrenOf(node: TopologyNode): readonly string[] {
  return node.kind === 'sink' ? [] : node.children
}

function meet(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  for (const one of some) if (others.has(one)) return true
  return false
}

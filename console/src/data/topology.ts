import { signal } from '@preact/signals'
import { askJson, asProblem, type Problem } from './api.ts'

/** A node as `/v1/topology` has it. */
export interface TopologyNode {
  readonly kind: 'source' | 'processor' | 'sink'
  readonly name: string
  readonly topics?: readonly string[]
  readonly topic?: string | null
  readonly internal?: boolean
  readonly operator?: string
  readonly stores?: readonly string[]
  readonly children?: readonly string[]
  readonly parents?: readonly string[]
}

export interface Subtopology {
  readonly id: number
  readonly global: boolean
  readonly nodes: readonly TopologyNode[]
}

export interface TopologyStore {
  readonly name: string
  readonly kind: string
  readonly persistent: boolean
  readonly keySerde: string
  readonly valueSerde: string
}

export interface Topology {
  readonly subtopologies: readonly Subtopology[]
  readonly stores: readonly TopologyStore[]
}

export const topology = signal<Topology | undefined>(undefined)
export const topologyProblem = signal<Problem | undefined>(undefined)

/** Loads the topology, which is the same as long as the application runs. */
export async function loadTopology(): Promise<void> {
  try {
    topology.value = await askJson<Topology>('v1/topology')
    topologyProblem.value = undefined
  } catch (error) {
    topologyProblem.value = asProblem(error)
  }
}

/** Nodes above which sub-topologies are folded at first. */
export const MANY_NODES = 60

/** Returns how many nodes a topology has. */
export function sizeOf({ subtopologies }: Topology): number {
  return subtopologies.reduce((sum, { nodes }) => sum + nodes.length, 0)
}

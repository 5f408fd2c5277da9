import { Graph, layout } from '@dagrejs/dagre'
import { edgeKey } from '../../data/figures.ts'
import type { Subtopology, Topology, TopologyNode } from '../../data/topology.ts'

export interface PlacedNode {
  readonly id: string
  /** Undefined: a sub-topology that is folded. */
  readonly node: TopologyNode | undefined
  readonly subtopology: number
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface PlacedEdge {
  readonly key: string
  readonly from: string
  readonly to: string
  /** Sinks that write to the topics between the two; none: records are passed on. */
  readonly sinks: readonly string[]
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

interface Connection {
  readonly from: string
  readonly to: string
  readonly sinks: readonly string[]
}

export interface PlacedGroup {
  readonly id: number
  readonly global: boolean
  readonly isFolded: boolean
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface Picture {
  readonly nodes: readonly PlacedNode[]
  readonly edges: readonly PlacedEdge[]
  readonly groups: readonly PlacedGroup[]
  readonly width: number
  readonly height: number
}

const NODE = { width: 188, height: 50 }
const WITH_STORE = 72
const TOPIC = { width: 188, height: 46 }
const FOLDED = { width: 196, height: 60 }
/** Room around the nodes of a sub-topology, and above them for its name. */
const PADDING = 16
const HEADER = 20

export function foldedId(subtopology: number): string {
  return `sub-topology ${subtopology}`
}

/** Draws a topology from top to bottom. @param folded sub-topologies that are one node each */
export function pictureOf(topology: Topology, folded: ReadonlySet<number>): Picture {
  const graph = new Graph({ compound: true })
  graph.setGraph({ rankdir: 'TB', nodesep: 22, ranksep: 38, edgesep: 18, marginx: 10, marginy: 10 })
  graph.setDefaultEdgeLabel(() => ({}))
  const homes = new Map<string, string>()
  const shown = new Map<string, { readonly node: TopologyNode | undefined; readonly subtopology: number }>()
  for (const { id, nodes } of topology.subtopologies) {
    const isFolded = folded.has(id)
    if (isFolded) {
      graph.setNode(foldedId(id), { ...FOLDED })
      shown.set(foldedId(id), { node: undefined, subtopology: id })
    } else graph.setNode(groupId(id), {})
    for (const node of nodes) {
      homes.set(node.name, isFolded ? foldedId(id) : node.name)
      if (isFolded) continue
      graph.setNode(node.name, { ...sizeOf(node) })
      graph.setParent(node.name, groupId(id))
      shown.set(node.name, { node, subtopology: id })
    }
  }
  const edges = new Map<string, Connection>()
  for (const { from, to, sinks } of edgesOf(topology.subtopologies)) {
    const [start = from, end = to] = [homes.get(from), homes.get(to)]
    if (start === end) continue
    // Between two that are folded there may be several topics.
    const before = edges.get(edgeKey(start, end))?.sinks ?? []
    edges.set(edgeKey(start, end), { from: start, to: end, sinks: [...before, ...sinks] })
    const isLink = sinks.length > 0
    graph.setEdge(start, end, { minlen: isLink ? 2 : 1, weight: isLink ? 1 : 3 })
  }
  layout(graph)
  const nodes = [...shown].map(([id, { node, subtopology }]): PlacedNode => {
    const { x, y, width, height } = graph.node(id) as Box
    return { id, node, subtopology, x, y, width, height }
  })
  const groups = topology.subtopologies.map(({ id, global }): PlacedGroup => {
    const isFolded = folded.has(id)
    return {
      id,
      global,
      isFolded,
      ...boxOf(
        nodes.filter(({ subtopology }) => subtopology === id),
        isFolded,
      ),
    }
  })
  const placed = [...edges].map(([key, { from, to, sinks }]): PlacedEdge => {
    const { points } = graph.edge(from, to) as { points: PlacedEdge['points'] }
    return { key, from, to, sinks, points }
  })
  return { nodes, groups, edges: placed, ...moved(nodes, groups, placed) }
}

interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

function groupId(id: number): string {
  return `group ${id}`
}

function sizeOf({ kind, stores = [] }: TopologyNode): { readonly width: number; readonly height: number } {
  if (kind !== 'processor') return TOPIC
  return { width: NODE.width, height: stores.length > 0 ? WITH_STORE : NODE.height }
}

/** Edges between nodes, and those from a sink to the sources that read its topic. */
function edgesOf(subtopologies: readonly Subtopology[]): Connection[] {
  const all = subtopologies.flatMap(({ nodes }) => nodes)
  return all.flatMap(({ name, kind, children = [], topic }): Connection[] => {
    if (kind !== 'sink') return children.map((to) => ({ from: name, to, sinks: [] }))
    const readers = all.filter(({ topics = [] }) => typeof topic === 'string' && topics.includes(topic))
    return readers.map((reader) => ({ from: name, to: reader.name, sinks: [name] }))
  })
}

function boxOf(nodes: readonly PlacedNode[], isFolded: boolean): Box {
  const around = isFolded ? 0 : PADDING
  const left = Math.min(...nodes.map(({ x, width }) => x - width / 2)) - around
  const right = Math.max(...nodes.map(({ x, width }) => x + width / 2)) + around
  const top = Math.min(...nodes.map(({ y, height }) => y - height / 2)) - (isFolded ? 0 : around + HEADER)
  const bottom = Math.max(...nodes.map(({ y, height }) => y + height / 2)) + around
  return { x: left, y: top, width: right - left, height: bottom - top }
}

/** Moves everything so that it begins at 0, whatever stands out on the left or above, and returns the size. */
function moved(
  nodes: readonly PlacedNode[],
  groups: readonly PlacedGroup[],
  edges: readonly PlacedEdge[],
): { readonly width: number; readonly height: number } {
  const boxes: Box[] = [
    ...groups,
    ...nodes.map(({ x, y, width, height }) => ({ x: x - width / 2, y: y - height / 2, width, height })),
    ...edges.flatMap(({ points }) => points.map(({ x, y }) => ({ x, y, width: 0, height: 0 }))),
  ]
  const left = Math.min(0, ...boxes.map(({ x }) => x))
  const top = Math.min(0, ...boxes.map(({ y }) => y))
  const things: { x: number; y: number }[] = [...nodes, ...groups, ...edges.flatMap(({ points }) => points)]
  for (const thing of things) {
    thing.x -= left
    thing.y -= top
  }
  return {
    width: Math.max(0, ...boxes.map(({ x, width }) => x + width)) - left,
    height: Math.max(0, ...boxes.map(({ y, height }) => y + height)) - top,
  }
}

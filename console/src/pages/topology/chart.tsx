import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { NodeFigures, Totals } from '../../data/figures.ts'
import { hrefOf } from '../../data/location.ts'
import { totals } from '../../data/overview.ts'
import { percentText, plural, rateText } from '../../data/text.ts'
import type { Topology, TopologyNode } from '../../data/topology.ts'
import { Icon } from '../../ui/icons.tsx'
import { foldedId, type Picture, type PlacedEdge, type PlacedGroup, type PlacedNode } from './layout.ts'
import { subtitleOf, titleOf } from './names.ts'

export interface ChartProps {
  readonly topology: Topology
  readonly picture: Picture
  readonly selected: string | undefined
  readonly onFold: (subtopology: number) => void
}

/** The smallest scale at which names can be read. */
const SMALLEST = 0.85
/** What the user may choose. */
const ZOOM = { step: 1.25, least: 0.2, most: 2 }
const EDGE = { thinnest: 1.25, widest: 9 }

/** The topology as a picture: edges as wide as what flows through them, nodes filled as far as they are busy. */
export function Chart({ topology, picture, selected, onFold }: ChartProps): JSX.Element {
  const frame = useRef<HTMLDivElement>(null)
  const room = useRoom(frame)
  const [chosen, setChosen] = useState<number | undefined>(undefined)
  const { width, height } = picture
  const whole = Math.min(1, room.width / width, room.height / height)
  // All of it if it can be read then, else its width.
  const scale = chosen ?? (whole >= SMALLEST ? whole : Math.max(SMALLEST, Math.min(1, room.width / width)))
  const zoom = (to: number): void => setChosen(Math.max(ZOOM.least, Math.min(ZOOM.most, to)))
  const now = totals.value
  const most = Math.max(1, ...(now?.edges.values() ?? []))
  return (
    <div class="chart-frame">
      <div class="chart" ref={frame} tabIndex={0} role="region" aria-label="Topology">
        <div class="sheet" style={{ inlineSize: `${width * scale}px`, blockSize: `${height * scale}px` }}>
          <div
            class="drawing"
            style={{ inlineSize: `${width}px`, blockSize: `${height}px`, transform: `scale(${scale})` }}
          >
            {picture.groups.map((group) => (
              <Group key={group.id} group={group} topology={topology} onFold={onFold} />
            ))}
            <svg class="edges" width={width} height={height} aria-hidden="true">
              {picture.edges.map((edge) => (
                <Edge key={edge.key} edge={edge} rate={rateOf(edge, now)} most={most} />
              ))}
            </svg>
            {picture.edges.map((edge) => (
              <EdgeLabel key={edge.key} edge={edge} rate={rateOf(edge, now)} />
            ))}
            {picture.nodes.map((placed) =>
              placed.node === undefined ? (
                <Folded key={placed.id} placed={placed} topology={topology} onFold={onFold} />
              ) : (
                <Node
                  key={placed.id}
                  placed={placed}
                  node={placed.node}
                  figures={now?.nodes.get(placed.id)}
                  written={now?.written.get(placed.id)}
                  isCause={now?.cause === placed.id}
                  isSelected={selected === placed.id}
                />
              ),
            )}
          </div>
        </div>
      </div>
      <div class="zoom" role="group" aria-label="Size of the picture">
        <button type="button" aria-label="Smaller" onClick={() => zoom(scale / ZOOM.step)}>
          <Icon name="minus" />
        </button>
        <button type="button" onClick={() => zoom(whole)}>
          Fit
        </button>
        <button type="button" aria-label="Larger" onClick={() => zoom(scale * ZOOM.step)}>
          <Icon name="plus" />
        </button>
      </div>
    </div>
  )
}

interface Room {
  readonly width: number
  readonly height: number
}

/** Returns the room that a picture has in its frame. */
function useRoom(frame: { readonly current: HTMLDivElement | null }): Room {
  const [room, setRoom] = useState<Room>({ width: Infinity, height: Infinity })
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setRoom({ width: entry.contentRect.width, height: entry.contentRect.height })
    })
    observer.observe(frame.current!)
    return () => observer.disconnect()
  }, [])
  return room
}

/** Returns the records a second of an edge; undefined while unknown. */
function rateOf({ key, sinks }: PlacedEdge, now: Totals | undefined): number | undefined {
  if (now === undefined || now.edges.size === 0) return undefined
  if (sinks.length === 0) return now.edges.get(key) ?? 0
  return sinks.reduce((sum, sink) => sum + (now.written.get(sink) ?? 0), 0)
}

function Edge({ edge, rate, most }: { edge: PlacedEdge; rate: number | undefined; most: number }): JSX.Element {
  const path = curve(edge.points)
  const share = Math.sqrt(Math.min(1, (rate ?? 0) / most))
  const width = EDGE.thinnest + (EDGE.widest - EDGE.thinnest) * share
  const isFlowing = rate !== undefined && rate > 0
  return (
    <g class={`edge${edge.sinks.length > 0 ? ' link' : ''}${isFlowing ? ' flowing' : ''}`} data-edge={edge.key}>
      <path class="bed" d={path} style={{ strokeWidth: `${isFlowing ? width : EDGE.thinnest}px` }} />
      {isFlowing ? <path class="water" d={path} style={{ strokeWidth: `${Math.max(1.5, width * 0.45)}px` }} /> : null}
    </g>
  )
}

/** A smooth line through the points that were laid out. */
function curve(points: PlacedEdge['points']): string {
  const [first, ...rest] = points
  if (first === undefined) return ''
  let path = `M${first.x},${first.y}`
  let last = first
  for (const point of rest) {
    const middle = (last.y + point.y) / 2
    path += `C${last.x},${middle} ${point.x},${middle} ${point.x},${point.y}`
    last = point
  }
  return path
}

function EdgeLabel({ edge, rate }: { readonly edge: PlacedEdge; readonly rate: number | undefined }) {
  if (rate === undefined || rate <= 0) return null
  const { points } = edge
  const last = points.at(-1)!
  const before = points.at(-2) ?? last
  // Near its end an edge has the room before its node to itself.
  const [x, y] = [last.x + (before.x - last.x) * 0.12, last.y - 13]
  return (
    <span class="rate" style={{ left: `${x}px`, top: `${y}px` }} aria-hidden="true">
      {rateText(rate)}
    </span>
  )
}

function boxOf({ x, y, width, height }: PlacedNode): Record<string, string> {
  return {
    left: `${x - width / 2}px`,
    top: `${y - height / 2}px`,
    inlineSize: `${width}px`,
    blockSize: `${height}px`,
  }
}

interface NodeProps {
  readonly placed: PlacedNode
  readonly node: TopologyNode
  readonly figures: NodeFigures | undefined
  readonly written: number | undefined
  readonly isCause: boolean
  readonly isSelected: boolean
}

function Node({ placed, node, figures, written, isCause, isSelected }: NodeProps): JSX.Element {
  const { kind, stores = [] } = node
  const { busy, dropped = 0, letters = 0 } = figures ?? {}
  const lost = dropped + letters
  const flow = kind === 'sink' ? written : kind === 'source' ? figures?.passed : undefined
  const [topic] = kind === 'source' ? (node.topics ?? []) : []
  const lag = topic === undefined ? 0 : (totals.value?.lags.get(topic) ?? 0)
  return (
    <a
      class={`node ${kind}${isCause ? ' cause' : ''}${node.internal === true ? ' internal' : ''}`}
      style={boxOf(placed)}
      href={hrefOf(['topology', node.name])}
      aria-current={isSelected ? 'true' : undefined}
      title={node.name}
      data-node={node.name}
    >
      <span class="title">{titleOf(node)}</span>
      <span class="subtitle">{subtitleOf(node)}</span>
      {flow === undefined ? null : <span class="flow-rate">{rateText(flow)}/s</span>}
      {kind === 'processor' && busy !== undefined ? (
        <span class="busy">
          <span class="hidden">busy</span> {percentText(busy)}
        </span>
      ) : null}
      {stores.length > 0 ? (
        <span class="store">
          <Icon name="store" size={13} /> {stores.join(', ')}
        </span>
      ) : null}
      {lost > 0 ? (
        <span class="lost">
          <Icon name="drop" size={13} />
          <span class="hidden">dropped</span> {rateText(lost)}/s
        </span>
      ) : null}
      {isCause ? <span class="flag">cause</span> : null}
      {lag > 0 ? <span class="lag">{rateText(lag)} wait</span> : null}
      {kind === 'processor' ? (
        <span class="fill">
          <span style={{ inlineSize: `${(busy ?? 0) * 100}%` }} />
        </span>
      ) : null}
    </a>
  )
}

interface GroupProps {
  readonly group: PlacedGroup
  readonly topology: Topology
  readonly onFold: (subtopology: number) => void
}

function Group({ group, topology, onFold }: GroupProps): JSX.Element | null {
  if (group.isFolded) return null
  const { x, y, width, height } = group
  const style = { left: `${x}px`, top: `${y}px`, inlineSize: `${width}px`, blockSize: `${height}px` }
  return (
    <div class="group" style={style}>
      <button type="button" onClick={() => onFold(group.id)} aria-expanded="true">
        <Icon name="fold" size={12} />
        {group.global ? 'Global tables' : `Sub-topology ${group.id}`}
        <small>{topology.subtopologies.length > 1 ? 'fold' : ''}</small>
      </button>
    </div>
  )
}

function Folded(props: {
  readonly placed: PlacedNode
  readonly topology: Topology
  readonly onFold: (subtopology: number) => void
}): JSX.Element {
  const { placed, topology, onFold } = props
  const nodes = topology.subtopologies.find(({ id }) => id === placed.subtopology)?.nodes ?? []
  const stores = new Set(nodes.flatMap(({ stores = [] }) => stores)).size
  const busy = nodes.reduce((sum, { name }) => sum + (totals.value?.nodes.get(name)?.busy ?? 0), 0)
  const hasCause = nodes.some(({ name }) => name === totals.value?.cause)
  return (
    <button
      type="button"
      class={`node folded${hasCause ? ' cause' : ''}`}
      style={boxOf(placed)}
      onClick={() => onFold(placed.subtopology)}
      aria-expanded="false"
      data-node={foldedId(placed.subtopology)}
    >
      <span class="title">Sub-topology {placed.subtopology}</span>
      <span class="subtitle">
        {plural(nodes.length, 'node')}
        {stores === 0 ? '' : `, ${plural(stores, 'store')}`}
      </span>
      {busy > 0 ? <span class="busy">{percentText(Math.min(1, busy))}</span> : null}
      {hasCause ? <span class="flag">cause</span> : null}
      <span class="fill">
        <span style={{ inlineSize: `${Math.min(1, busy) * 100}%` }} />
      </span>
    </button>
  )
}

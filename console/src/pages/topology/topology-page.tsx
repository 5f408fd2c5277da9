import type { JSX } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { hrefOf, place } from '../../data/location.ts'
import { overview } from '../../data/overview.ts'
import { loadTopology, MANY_NODES, sizeOf, topology, topologyProblem, type Topology } from '../../data/topology.ts'
import { ProblemNote } from '../../ui/parts.tsx'
import { Chart } from './chart.tsx'
import { Details } from './details.tsx'
import { KeyFigures } from './key-figures.tsx'
import { pictureOf } from './layout.ts'

/** What the application is made of, and what flows through it. */
export function TopologyPage(): JSX.Element {
  const isConnected = overview.value !== undefined
  useEffect(() => {
    if (topology.value === undefined) void loadTopology()
  }, [isConnected])
  const shown = topology.value
  const problem = topologyProblem.value
  return (
    <div class="page topology-page">
      <KeyFigures />
      {problem === undefined ? null : <ProblemNote problem={problem} />}
      {shown === undefined ? null : <Flow topology={shown} />}
    </div>
  )
}

function Flow({ topology }: { readonly topology: Topology }): JSX.Element {
  const [folded, setFolded] = useState<ReadonlySet<number>>(
    () => new Set(sizeOf(topology) > MANY_NODES ? topology.subtopologies.map(({ id }) => id) : []),
  )
  const picture = useMemo(() => pictureOf(topology, folded), [topology, folded])
  const [, selected] = place.value.path
  const home = topology.subtopologies.find(({ nodes }) => nodes.some(({ name }) => name === selected))
  const node = home?.nodes.find(({ name }) => name === selected)
  // A node that was chosen is shown, but the user may fold it again.
  useEffect(() => {
    if (home !== undefined && folded.has(home.id)) setFolded(toggled(folded, home.id))
  }, [selected])
  const fold = (id: number): void => setFolded(toggled(folded, id))
  useEffect(() => {
    const leave = (event: KeyboardEvent): void => {
      if (event.key === 'Escape' && place.value.path[0] === 'topology') location.hash = hrefOf(['topology'])
    }
    addEventListener('keydown', leave)
    return () => removeEventListener('keydown', leave)
  }, [])
  return (
    <div class="flow">
      <Chart topology={topology} picture={picture} selected={node?.name} onFold={fold} />
      <Details topology={topology} node={node} />
    </div>
  )
}

function toggled(set: ReadonlySet<number>, id: number): ReadonlySet<number> {
  const next = new Set(set)
  if (!next.delete(id)) next.add(id)
  return next
}

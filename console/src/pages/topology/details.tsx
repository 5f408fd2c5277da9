import type { JSX } from 'preact'
import { busiestOf, edgeKey, type Totals } from '../../data/figures.ts'
import { hrefOf } from '../../data/location.ts'
import { overview, totals } from '../../data/overview.ts'
import { bytesText, countText, percentText, rateText, wholeText } from '../../data/text.ts'
import type { Topology, TopologyNode } from '../../data/topology.ts'
import { Icon } from '../../ui/icons.tsx'
import { Meter } from '../../ui/parts.tsx'
import { operatorText, titleOf } from './names.ts'

/** Beside the picture: one node, or where the time goes. */
export function Details(props: { readonly topology: Topology; readonly node: TopologyNode | undefined }): JSX.Element {
  const { topology, node } = props
  return (
    <aside class="details" aria-label={node === undefined ? 'Where the time goes' : `Node ${node.name}`}>
      {node === undefined ? <Time topology={topology} /> : <OneNode topology={topology} node={node} />}
    </aside>
  )
}

const ACTIVITIES: readonly (readonly [name: string, text: string])[] = [
  ['process', 'processing'],
  ['commit', 'committing'],
  ['punctuate', 'punctuating'],
  ['restore', 'restoring'],
  ['rebalance', 'rebalancing'],
  ['io', 'reading and writing'],
  ['idle', 'idle'],
]

function Time({ topology }: { readonly topology: Topology }): JSX.Element {
  const now = totals.value
  const nodes = topology.subtopologies.flatMap((each) => each.nodes)
  const busiest = nodes
    .map((node) => ({ node, busy: now?.nodes.get(node.name)?.busy ?? 0 }))
    .filter(({ busy }) => busy > 0)
    .toSorted((a, b) => b.busy - a.busy)
    .slice(0, 7)
  return (
    <>
      <h2>Where the time goes</h2>
      <Threads now={now} />
      <h3>Busiest nodes</h3>
      {busiest.length === 0 ? <p class="muted">Nothing takes time now.</p> : null}
      <ul class="ranking">
        {busiest.map(({ node, busy }) => (
          <li key={node.name}>
            <a href={hrefOf(['topology', node.name])}>
              <span>
                {titleOf(node)} {node.kind === 'processor' ? null : <span class="muted">{node.kind}</span>}
              </span>
              <b>{percentText(busy)}</b>
            </a>
            <Meter
              share={busy}
              label={`busy share of ${node.name}`}
              tone={now?.cause === node.name ? 'warn' : 'accent'}
            />
          </li>
        ))}
      </ul>
      <p class="muted verdict">{verdict(now, nodes)}</p>
      <dl class="facts">
        <dt>Dropped so far</dt>
        <dd>{wholeText(now?.droppedSoFar)}</dd>
        <dt>Dead letters so far</dt>
        <dd>{wholeText(now?.lettersSoFar)}</dd>
      </dl>
    </>
  )
}

function Threads({ now }: { readonly now: Totals | undefined }): JSX.Element {
  const parts = ACTIVITIES.map(([name, text]) => ({ name, text, share: now?.time.get(name) ?? 0 }))
  const shown = parts.filter(({ share, name }) => share >= 0.005 || name === 'idle')
  return (
    <div class="threads">
      <div class="bar" aria-hidden="true">
        {shown.map(({ name, share }) => (
          <span key={name} class={name} style={{ flexGrow: String(Math.round(share * 1000)) }} />
        ))}
      </div>
      <ul>
        {shown.map(({ name, text, share }) => (
          <li key={name}>
            <i class={name} /> {text} <b>{percentText(share)}</b>
          </li>
        ))}
      </ul>
    </div>
  )
}

/** Says in words what the picture shows. */
function verdict(now: Totals | undefined, nodes: readonly TopologyNode[]): string {
  if (now?.busy === undefined) return 'The first figures come in a moment.'
  const busiest = nodes.find(({ name }) => name === busiestOf(now.nodes))
  const share = percentText(now.nodes.get(busiest?.name ?? '')?.busy)
  if (now.isSaturated && now.cause === undefined) {
    const [text, most] = ACTIVITIES.map(([name, text]) => [text, now.time.get(name) ?? 0] as const).reduce((a, b) =>
      b[1] > a[1] ? b : a,
    )
    return `Threads have no time left, and most of it goes to ${text}: ${percentText(most)}.`
  }
  if (busiest === undefined) return 'The threads wait for records.'
  if (now.isSaturated) return `Threads have no time left. ${titleOf(busiest)} takes most of it: ${share}.`
  return `Threads have time left: ${percentText(1 - now.busy)}. ${titleOf(busiest)} takes most, ${share}.`
}

function OneNode({ topology, node }: { readonly topology: Topology; readonly node: TopologyNode }): JSX.Element {
  const now = totals.value
  const figures = now?.nodes.get(node.name)
  const subtopology = topology.subtopologies.find(({ nodes }) => nodes.includes(node))?.id ?? -1
  const into = (node.parents ?? []).reduce((sum, from) => sum + (now?.edges.get(edgeKey(from, node.name)) ?? 0), 0)
  return (
    <>
      <div class="details-title">
        <h2>{titleOf(node)}</h2>
        <a class="icon-button" href={hrefOf(['topology'])} aria-label="Close">
          <Icon name="close" />
        </a>
      </div>
      <p class="mono muted">{node.name}</p>
      {figures?.busy === undefined || node.kind !== 'processor' ? null : (
        <div class="share">
          <span>
            Busy <b>{percentText(figures.busy)}</b>
          </span>
          <Meter share={figures.busy} label="busy share" tone={now?.cause === node.name ? 'warn' : 'accent'} />
        </div>
      )}
      <dl class="facts">
        <dt>What</dt>
        <dd>{node.kind === 'processor' ? operatorText(node.operator ?? '') : node.kind}</dd>
        {node.kind === 'source' ? null : (
          <>
            <dt>In</dt>
            <dd>{rateText(into)}/s</dd>
          </>
        )}
        <dt>{node.kind === 'sink' ? 'Written' : 'Passed on'}</dt>
        <dd>{rateText(node.kind === 'sink' ? now?.written.get(node.name) : figures?.passed)}/s</dd>
        {[...(figures?.drops ?? [])].map(([reason, rate]) => (
          <>
            <dt>Dropped: {reason}</dt>
            <dd class="warn">{rateText(rate)}/s</dd>
          </>
        ))}
        {(figures?.letters ?? 0) === 0 ? null : (
          <>
            <dt>Dead letters</dt>
            <dd class="warn">{rateText(figures?.letters)}/s</dd>
          </>
        )}
        {(node.topics ?? []).map((topic) => (
          <>
            <dt>
              Waiting in <a href={hrefOf(['topics', topic])}>{topic}</a>
            </dt>
            <dd>{countText(now?.lags.get(topic) ?? 0)}</dd>
          </>
        ))}
      </dl>
      <Stores node={node} subtopology={subtopology} />
      <TaskList subtopology={subtopology} />
    </>
  )
}

function Stores(props: { readonly node: TopologyNode; readonly subtopology: number }): JSX.Element | null {
  const { stores = [] } = props.node
  if (stores.length === 0) return null
  const rows = engineSum('millrace_engine_rows', props.subtopology)
  const disk = engineSum('millrace_engine_disk_bytes', props.subtopology)
  return (
    <>
      <h3>{stores.length === 1 ? 'Store' : 'Stores'}</h3>
      <ul class="links">
        {stores.map((store) => (
          <li key={store}>
            <Icon name="store" size={13} /> <a href={hrefOf(['stores', store])}>{store}</a>
          </li>
        ))}
      </ul>
      {rows + disk === 0 ? null : (
        <p class="muted">
          The engines of this sub-topology hold{rows === 0 ? '' : ` about ${countText(rows)} rows`}
          {rows > 0 && disk > 0 ? ',' : ''}
          {disk === 0 ? '' : ` ${bytesText(disk)} on disk`}.
        </p>
      )}
    </>
  )
}

/** Adds a figure of engines up, over the active tasks of a sub-topology. */
function engineSum(metric: string, subtopology: number): number {
  return (overview.value?.instances ?? []).reduce((sum, { view }) => {
    const active = new Set(view?.tasks.filter(({ role }) => role === 'active').map(({ id }) => id))
    const series = view?.metrics.find(({ name }) => name === metric)?.series ?? []
    const own = series.filter(({ labels }) => {
      return labels['subtopology'] === String(subtopology) && active.has(labels['task'] ?? '')
    })
    return own.reduce((all, { value = 0 }) => all + value, sum)
  }, 0)
}

/** Where the tasks of a sub-topology are. */
function TaskList({ subtopology }: { readonly subtopology: number }): JSX.Element | null {
  const instances = overview.value?.instances ?? []
  const own = instances.flatMap(({ endpoint, view, active }) => {
    const tasks = (view?.tasks.filter(({ role }) => role === 'active').map(({ id }) => id) ?? active).filter((id) =>
      id.startsWith(`${subtopology}_`),
    )
    return tasks.length === 0 ? [] : [{ name: endpoint ?? 'this instance', tasks }]
  })
  if (own.length === 0) return null
  return (
    <>
      <h3>Tasks</h3>
      <ul class="links">
        {own.map(({ name, tasks }) => (
          <li key={name}>
            <span>{name}</span>
            <span class="mono muted">{tasks.join(' ')}</span>
          </li>
        ))}
      </ul>
    </>
  )
}

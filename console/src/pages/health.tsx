import type { JSX } from 'preact'
import type { InstanceView, SeenInstance, ShownProbe } from '../../../src/server/routes/console/shown.ts'
import { overview } from '../data/overview.ts'
import { bytesText } from '../data/text.ts'
import { Badge, Empty, Panel, sentence } from '../ui/parts.tsx'

const PROBES: readonly (readonly [name: 'live' | 'ready' | 'startup', title: string, meaning: string])[] = [
  ['live', 'Alive', 'if not, a restart may help'],
  ['ready', 'Ready', 'if not, requests go elsewhere'],
  ['startup', 'Started', 'if not, it is waited for'],
]

/** Whether each instance is alive, ready and started, and how it is set. */
export function HealthPage(): JSX.Element {
  const instances = overview.value?.instances ?? []
  return (
    <div class="page">
      {instances.map((instance) => (
        <Instance key={instance.endpoint ?? 'local'} instance={instance} />
      ))}
    </div>
  )
}

function Instance({ instance }: { readonly instance: SeenInstance }): JSX.Element {
  const { endpoint, view, problem, isLocal } = instance
  const title = endpoint ?? 'This instance'
  const aside = (
    <span class="muted">
      {view === undefined ? '' : `Millrace ${view.version} · log ${view.log}`}
      {isLocal ? ' · asked here' : ''}
    </span>
  )
  if (view === undefined || problem !== undefined) {
    return (
      <Panel title={title} aside={aside}>
        <Empty title="It shows nothing">
          {problem === undefined ? 'It has not been asked yet.' : `${sentence(problem.detail)} ${problem.hint ?? ''}`}
        </Empty>
      </Panel>
    )
  }
  return (
    <Panel title={title} aside={aside}>
      <div class="probes">
        {PROBES.map(([name, label, meaning]) => (
          <Probe key={name} title={label} meaning={meaning} probe={view.probes[name]} app={view.app} />
        ))}
      </div>
      <Memory view={view} />
      <h3>Settings</h3>
      <dl class="settings">
        {view.settings.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="mono">{value}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  )
}

interface ProbeProps {
  readonly title: string
  readonly meaning: string
  readonly probe: ShownProbe
  readonly app: string
}

function Probe({ title, meaning, probe, app }: ProbeProps): JSX.Element {
  return (
    <section class="probe">
      <h3>
        {title} <Badge tone={probe.ok ? 'good' : 'bad'}>{probe.ok ? 'yes' : 'no'}</Badge>
      </h3>
      <p class="muted">{meaning}</p>
      <ul>
        {probe.checks.map(({ name, ok, message }, index) => (
          <li key={`${name} ${index}`} class={ok ? '' : 'failed'}>
            <span class="sign" aria-label={ok ? 'passed' : 'failed'} role="img">
              {ok ? '+' : '−'}
            </span>
            <span title={name}>{shortName(name, app)}</span>
            <span class="muted">{message}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Threads are named after the application and its process, which is the same for all of them. */
function shortName(name: string, app: string): string {
  return name.startsWith(`${app}-`) ? name.replace(/^.*-(?=[^-]+-\d+$)/, '') : name
}

const PARTS = ['cache', 'changes', 'entries', 'input', 'engines']

/** What the stores, caches and buffers of an instance use of what they may. */
function Memory({ view }: { readonly view: InstanceView }): JSX.Element | null {
  const series = view.metrics.find(({ name }) => name === 'millrace_memory_bytes')?.series ?? []
  const limit = view.metrics.find(({ name }) => name === 'millrace_memory_limit_bytes')?.series[0]?.value ?? 0
  if (series.length === 0) return null
  const sizes = PARTS.map((part) => ({ part, bytes: series.find(({ labels }) => labels['part'] === part)?.value ?? 0 }))
  const used = sizes.reduce((sum, { bytes }) => sum + bytes, 0)
  return (
    <div class="memory">
      <h3>
        Memory <span class="muted">{`${bytesText(used)} of ${bytesText(limit)}`}</span>
      </h3>
      <div class="bar" aria-hidden="true">
        {sizes.map(({ part, bytes }) => (
          <span key={part} class={part} style={{ flexGrow: String(bytes) }} />
        ))}
        <span class="free" style={{ flexGrow: String(Math.max(0, limit - used)) }} />
      </div>
      <ul class="legend">
        {sizes.map(({ part, bytes }) => (
          <li key={part}>
            <i class={part} /> {part} <b>{bytesText(bytes)}</b>
          </li>
        ))}
      </ul>
    </div>
  )
}

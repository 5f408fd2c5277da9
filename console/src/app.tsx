import type { ComponentType, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Overview } from '../../src/server/routes/console/shown.ts'
import { hrefOf, place } from './data/location.ts'
import { again, connection, overview } from './data/overview.ts'
import { plural } from './data/text.ts'
import { chooseOther, theme } from './data/theme.ts'
import { HealthPage } from './pages/health.tsx'
import { LettersPage } from './pages/letters/letters-page.tsx'
import { StoresPage } from './pages/stores/stores-page.tsx'
import { TasksPage } from './pages/tasks.tsx'
import { TopicsPage } from './pages/topics/topics-page.tsx'
import { TopologyPage } from './pages/topology/topology-page.tsx'
import { Icon, Mark, type IconName } from './ui/icons.tsx'
import { Badge, ProblemNote, sentence, TokenForm, type Tone } from './ui/parts.tsx'

interface Page {
  readonly id: string
  readonly title: string
  readonly icon: IconName
  readonly body: ComponentType
}

const PAGES: readonly Page[] = [
  { id: 'topology', title: 'Topology', icon: 'topology', body: TopologyPage },
  { id: 'tasks', title: 'Tasks', icon: 'tasks', body: TasksPage },
  { id: 'stores', title: 'Stores', icon: 'stores', body: StoresPage },
  { id: 'topics', title: 'Topics', icon: 'topics', body: TopicsPage },
  { id: 'letters', title: 'Dead letters', icon: 'letters', body: LettersPage },
  { id: 'health', title: 'Health', icon: 'health', body: HealthPage },
]

export function App(): JSX.Element {
  const page = PAGES.find(({ id }) => id === place.value.path[0]) ?? PAGES[0]!
  const main = useRef<HTMLElement>(null)
  const app = localView(overview.value)?.app
  useEffect(() => {
    document.title = `${page.title} · ${app ?? 'Millrace'}`
  }, [page, app])
  useEffect(() => main.current?.scrollTo(0, 0), [page])
  const { kind } = connection.value
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault()
          main.current?.focus()
        }}
      >
        To the content
      </a>
      <header class="top">
        <a class="brand" href={hrefOf(['topology'])} aria-label="Millrace">
          <Mark />
        </a>
        <Identity />
        <nav class="tabs" aria-label="Pages">
          {PAGES.map(({ id, title, icon }) => (
            <a key={id} href={hrefOf([id])} aria-current={id === page.id ? 'page' : undefined}>
              <Icon name={icon} />
              <span>{title}</span>
            </a>
          ))}
        </nav>
        <button type="button" class="icon-button" aria-label={`Show the ${otherTheme()} theme`} onClick={chooseOther}>
          <Icon name={theme.value === 'dark' ? 'sun' : 'moon'} />
        </button>
      </header>
      <main id="main" ref={main} tabIndex={0}>
        <h1 class="hidden">{page.title}</h1>
        {kind === 'locked' ? (
          <TokenForm scope="data" problem={connection.value.problem} onToken={again} />
        ) : (
          <>
            <Notices />
            {overview.value === undefined ? <Waiting /> : <page.body />}
          </>
        )}
      </main>
    </>
  )
}

function otherTheme(): string {
  return theme.value === 'dark' ? 'light' : 'dark'
}

function localView(seen: Overview | undefined) {
  return seen?.instances.find(({ isLocal }) => isLocal)?.view
}

/** What application this is, and how it is. */
function Identity(): JSX.Element {
  const seen = overview.value
  const view = localView(seen)
  const isLost = connection.value.kind === 'lost'
  if (view === undefined || seen === undefined) return <div class="identity" />
  const state = isLost ? 'no connection' : view.state
  return (
    <div class="identity">
      <strong>{view.app}</strong>
      <Badge tone={isLost ? 'bad' : toneOf(view.state)}>
        <i class="dot" />
        {state}
      </Badge>
      <span class="facts">
        {plural(seen.instances.length, 'instance')} · {view.guarantee.replaceAll('_', ' ')} · v{view.version}
      </span>
    </div>
  )
}

export function toneOf(state: string): Tone {
  if (state === 'running') return 'good'
  return state === 'error' || state === 'pending-error' ? 'bad' : 'warn'
}

/** What the user has to know on every page. */
function Notices(): JSX.Element {
  const silent = (overview.value?.instances ?? []).filter(({ problem }) => problem !== undefined)
  return (
    <div class="notices" aria-live="polite">
      {connection.value.kind === 'lost' ? (
        <div class="note bad">
          <Icon name="alert" />
          <div>
            <p>{sentence(connection.value.problem.message)} It is asked again each second.</p>
            <p class="hint">{overview.value === undefined ? '' : 'What is shown is what it answered last.'}</p>
          </div>
        </div>
      ) : null}
      {silent.map(({ endpoint, problem }) => (
        <div class="note warn" key={endpoint}>
          <Icon name="alert" />
          <div>
            <p>
              <strong>{endpoint}</strong> shows nothing: {sentence(problem!.detail)}
            </p>
            <p class="hint">{problem!.hint}</p>
          </div>
          <code>{problem!.code}</code>
        </div>
      ))}
    </div>
  )
}

function Waiting(): JSX.Element {
  if (connection.value.kind === 'lost') {
    const { problem } = connection.value
    return <ProblemNote problem={problem} />
  }
  return (
    <div class="waiting" role="status">
      <Mark />
      <span class="hidden">Waiting for the first figures</span>
    </div>
  )
}

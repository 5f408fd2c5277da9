import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { askJson, asProblem, type Problem } from '../../data/api.ts'
import { hrefOf, place } from '../../data/location.ts'
import { totals } from '../../data/overview.ts'
import { plural, rateText } from '../../data/text.ts'
import { Icon } from '../../ui/icons.tsx'
import { Empty, ProblemNote } from '../../ui/parts.tsx'
import { RecordBrowser } from './record-browser.tsx'
import type { ListedTopic } from './records.ts'

const ORDER = ['source', 'sink', 'dead-letters', 'internal', null] as const
const KINDS = { source: 'input', sink: 'output', 'dead-letters': 'dead letters', internal: 'internal' } as const

/** The topics of the application, and the records of one. */
export function TopicsPage(): JSX.Element {
  const [topics, setTopics] = useState<readonly ListedTopic[] | undefined>(undefined)
  const [problem, setProblem] = useState<Problem | undefined>(undefined)
  useEffect(() => {
    askJson<{ topics: ListedTopic[] }>('v1/topics').then(
      ({ topics }) => setTopics(topics.toSorted((a, b) => ORDER.indexOf(a.own) - ORDER.indexOf(b.own))),
      (error: unknown) => setProblem(asProblem(error)),
    )
  }, [])
  if (problem !== undefined) {
    return (
      <div class="page">
        <ProblemNote problem={problem} />
      </div>
    )
  }
  if (topics === undefined) return <div class="page" />
  const [, selected] = place.value.path
  const topic = topics.find(({ name }) => name === selected) ?? topics[0]
  if (topic === undefined) return <Empty title="No topics">The log has none that may be read.</Empty>
  return (
    <div class="page split">
      <nav class="panel list" aria-label="Topics">
        {topics.map(({ name, own, partitions }) => (
          <a key={name} href={hrefOf(['topics', name])} aria-current={name === topic.name ? 'true' : undefined}>
            <Icon name="topics" />
            <span class="list-title">{name}</span>
            <span class="list-aside">{waitingText(name)}</span>
            <span class="list-detail">
              {own === null ? '' : `${KINDS[own]} · `}
              {plural(partitions, 'partition')}
            </span>
          </a>
        ))}
      </nav>
      <RecordBrowser key={topic.name} topic={topic} />
    </div>
  )
}

function waitingText(topic: string): string {
  const lag = totals.value?.lags.get(topic) ?? 0
  return lag === 0 ? '' : `${rateText(lag)} wait`
}

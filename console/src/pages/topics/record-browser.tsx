import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ask, askJson, asProblem, eventsOf, Problem } from '../../data/api.ts'
import { curlOf } from '../../data/curl.ts'
import { plural, timeText, valueText } from '../../data/text.ts'
import { Icon } from '../../ui/icons.tsx'
import { CopyButton, Empty, ProblemNote } from '../../ui/parts.tsx'
import { Value } from '../stores/row-table.tsx'
import {
  recordId,
  recordsPath,
  tailPath,
  type Filter,
  type ListedTopic,
  type RecordPage,
  type Start,
  type TopicRecord,
} from './records.ts'

const NOTHING: Filter = { start: 'last', time: '', offset: '', partition: '', key: '' }
/** Records that are shown while the topic is followed; the oldest go. */
const MOST = 300

/** The records of a topic: from a place, a time, or as they come. */
export function RecordBrowser({ topic }: { readonly topic: ListedTopic }): JSX.Element {
  const { name, partitions, keySerde, valueSerde } = topic
  const [filter, setFilter] = useState(NOTHING)
  const [page, setPage] = useState<RecordPage | undefined>(undefined)
  const [problem, setProblem] = useState<Problem | undefined>(undefined)
  const [isTailing, setTailing] = useState(false)
  const asked = useRef(0)

  const load = async (cursor?: string): Promise<void> => {
    const number = ++asked.current
    try {
      const next = await askJson<RecordPage>(recordsPath(name, filter, cursor))
      // An answer that is overtaken by another one is not shown.
      if (number !== asked.current) return
      const before = cursor === undefined ? [] : (page?.records ?? [])
      setPage({ ...next, records: [...next.records.toReversed(), ...before] })
      setProblem(undefined)
    } catch (error) {
      if (number !== asked.current) return
      setPage(undefined)
      setProblem(asProblem(error))
    }
  }
  useEffect(() => void load(), [])
  useEffect(() => {
    if (!isTailing) return
    const abort = new AbortController()
    // What is read already goes on where it ended, if that is where the topic ends.
    const cursor = page?.end === true ? page.cursor : undefined
    void tail(tailPath(name, filter, cursor), abort.signal, {
      records: (records) =>
        setPage((page) => {
          const shown = [...records, ...(cursor === undefined ? [] : (page?.records ?? []))].slice(0, MOST)
          return { cursor: page?.cursor ?? '', end: true, records: shown }
        }),
      failed: (problem) => {
        setProblem(problem)
        setTailing(false)
      },
    })
    return () => abort.abort()
  }, [isTailing])

  const records = page?.records ?? []
  return (
    <section class="panel browser" aria-label={`Records of ${name}`}>
      <header>
        <h2>{name}</h2>
        <span class="muted">
          {keySerde === null ? '' : `${keySerde} → ${valueSerde ?? ''} · `}
          {plural(partitions, 'partition')}
        </span>
      </header>
      <form
        class="filter"
        onSubmit={(event) => {
          event.preventDefault()
          setTailing(false)
          void load()
        }}
      >
        <PlaceFields filter={filter} partitions={partitions} onFilter={setFilter} />
        <div class="actions">
          <button type="submit" class="primary">
            <Icon name="search" size={14} /> Read
          </button>
          <button type="button" class="plain" aria-pressed={isTailing} onClick={() => setTailing(!isTailing)}>
            <Icon name="eye" size={14} /> {isTailing ? 'Stop following' : 'Follow'}
          </button>
          <CopyButton
            text={() =>
              isTailing
                ? curlOf(tailPath(name, filter, undefined), 'data', 'text/event-stream')
                : curlOf(recordsPath(name, filter))
            }
          >
            copy curl
          </CopyButton>
        </div>
      </form>
      {problem === undefined ? null : <ProblemNote problem={problem} />}
      {records.length === 0 ? (
        <Empty title={isTailing ? 'Waiting for records' : 'No records'}>
          {isTailing ? 'What is written from now on is shown here.' : page === undefined ? '' : 'There are none here.'}
        </Empty>
      ) : (
        <Records records={records} />
      )}
      {records.length === 0 ? null : (
        <footer>
          <span class="muted">
            {plural(records.length, 'record')}
            {isTailing ? ', the latest first' : ''}
          </span>
          {page?.end === false && !isTailing ? (
            <button type="button" class="small" onClick={() => void load(page.cursor)}>
              later records
            </button>
          ) : null}
        </footer>
      )}
    </section>
  )
}

interface FieldsProps {
  readonly filter: Filter
  readonly partitions: number
  readonly onFilter: (filter: Filter) => void
}

/** Where reading begins. */
function PlaceFields({ filter, partitions, onFilter }: FieldsProps): JSX.Element {
  const set = (change: Partial<Filter>): void => onFilter({ ...filter, ...change })
  return (
    <>
      <label>
        From
        <select
          name="start"
          value={filter.start}
          onChange={(event) => {
            const start = event.currentTarget.value as Start
            // An offset is one of a partition.
            set({ start, ...(start === 'offset' && filter.partition === '' ? { partition: '0' } : {}) })
          }}
        >
          <option value="last">the last records</option>
          <option value="beginning">the beginning</option>
          <option value="time">a time</option>
          <option value="offset">an offset</option>
        </select>
      </label>
      {filter.start === 'time' ? (
        <label>
          Time
          <input
            name="time"
            type="datetime-local"
            step="1"
            value={filter.time}
            onInput={(event) => set({ time: event.currentTarget.value })}
          />
        </label>
      ) : null}
      {filter.start === 'offset' ? (
        <label>
          Offset
          <input
            name="offset"
            inputMode="numeric"
            value={filter.offset}
            placeholder="0"
            onInput={(event) => set({ offset: event.currentTarget.value })}
          />
        </label>
      ) : null}
      <label>
        Partition
        <select
          name="partition"
          value={filter.partition}
          onChange={(event) => set({ partition: event.currentTarget.value })}
        >
          {filter.start === 'offset' ? null : <option value="">all</option>}
          {Array.from({ length: partitions }, (_, partition) => (
            <option key={partition} value={String(partition)}>
              {partition}
            </option>
          ))}
        </select>
      </label>
      <label>
        Key
        <input
          name="key"
          value={filter.key}
          placeholder="all"
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => set({ key: event.currentTarget.value })}
        />
      </label>
    </>
  )
}

function Records({ records }: { readonly records: readonly TopicRecord[] }): JSX.Element {
  return (
    <div class="scroll rows" tabIndex={0} role="region" aria-label="Records">
      <table>
        <thead>
          <tr>
            <th scope="col">Place</th>
            <th scope="col">Timestamp</th>
            <th scope="col">Key</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          {records.map((record) => (
            <tr key={recordId(record)} data-record={recordId(record)}>
              <td class="source mono">{`p${record.partition} @${record.offset}`}</td>
              <td class="time">{timeText(record.timestamp)}</td>
              <th scope="row" class="mono">
                {record.key === null ? <span class="muted">none</span> : valueText(record.key)}
              </th>
              <td class="mono value">
                <Value value={record.value} />
                {record.headers.map(([name, value], index) => (
                  <div key={index} class="header">
                    {name}: {valueText(value)}
                  </div>
                ))}
                {record.error === undefined ? null : <div class="warn">{record.error}</div>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface Tailing {
  /** The latest first. */
  records(records: readonly TopicRecord[]): void
  failed(problem: Problem): void
}

/** Follows a topic until the signal aborts. What comes faster than it can be shown is counted as read, and left out. */
async function tail(path: string, signal: AbortSignal, tailing: Tailing): Promise<void> {
  let arrived: string[] = []
  const show = (): void => {
    if (arrived.length > 0) {
      tailing.records(arrived.map((data) => JSON.parse(data) as TopicRecord).toReversed())
      arrived = []
    }
    if (!signal.aborted) setTimeout(show, 200)
  }
  show()
  try {
    const response = await ask(path, { accept: 'text/event-stream', signal })
    for await (const { event, data } of eventsOf(response)) {
      if (event === 'record') {
        arrived.push(data)
        if (arrived.length > MOST) arrived.shift()
      } else if (event === 'problem') {
        const { code = '', detail = '', hint } = JSON.parse(data) as Readonly<Record<string, string | undefined>>
        throw new Problem(code, detail, 0, hint)
      }
    }
  } catch (error) {
    if (!signal.aborted) tailing.failed(asProblem(error))
  }
}

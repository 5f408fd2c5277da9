import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ask, askJson, asProblem, eventsOf, Problem } from '../../data/api.ts'
import { curlOf } from '../../data/curl.ts'
import { plural } from '../../data/text.ts'
import { Icon } from '../../ui/icons.tsx'
import { CopyButton, Empty, ProblemNote } from '../../ui/parts.tsx'
import { Rows } from './row-table.tsx'
import { asList, keyOf, pathOf, watchPath, type Filter, type Row, type RowPage, type StoreDetails } from './rows.ts'

const NOTHING: Filter = { key: '', from: '', to: '', consistency: '' }

/** The rows of a store: by key, by range, page by page, and as they change. */
export function StoreBrowser({ name }: { readonly name: string }): JSX.Element {
  const [details, setDetails] = useState<StoreDetails | undefined>(undefined)
  const [filter, setFilter] = useState(NOTHING)
  const [rows, setRows] = useState<readonly Row[]>([])
  const [next, setNext] = useState<string | null>(null)
  const [problem, setProblem] = useState<Problem | undefined>(undefined)
  const [isWatching, setWatching] = useState(false)
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set())
  const asked = useRef(0)

  const load = async (given: Filter, store: StoreDetails | undefined, cursor?: string): Promise<void> => {
    const number = ++asked.current
    try {
      const found = store ?? (await askJson<StoreDetails>(`v1/stores/${encodeURIComponent(name)}`))
      setDetails(found)
      const path = pathOf(found, given, cursor)
      if (path === undefined) return
      const page = asList(await askJson<RowPage | Row>(path))
      // An answer that is overtaken by another one is not shown.
      if (number !== asked.current) return
      setRows(cursor === undefined ? page.rows : [...rows, ...page.rows])
      setNext(page.next)
      setProblem(undefined)
    } catch (error) {
      if (number !== asked.current) return
      const found = asProblem(error)
      setRows([])
      setNext(null)
      setProblem(found)
    }
  }
  useEffect(() => void load(filter, undefined), [])
  useEffect(() => {
    if (!isWatching || details === undefined) return
    const abort = new AbortController()
    void watch(watchPath(details, filter), abort.signal, {
      row: (row) => {
        setRows((rows) => withRow(rows, row, filter.key !== ''))
        setFresh(new Set([keyOf(row)]))
      },
      gone: (gone) => setRows((rows) => rows.filter((row) => keyOf(row) !== keyOf(gone))),
      expired: (partition, before) =>
        setRows((rows) => rows.filter((row) => row.partition !== partition || (row.end ?? before) >= before)),
      failed: (problem) => {
        setProblem(problem)
        setWatching(false)
      },
    })
    return () => abort.abort()
  }, [isWatching, details])

  const isAskable = details === undefined || details.lists.length > 0
  const path = details === undefined ? undefined : pathOf(details, filter)
  const isAbsent = problem?.code === 'MR_QUERY_KEY_ABSENT'
  return (
    <section class="panel browser" aria-label={`Rows of ${name}`}>
      <header>
        <h2>{name}</h2>
        <span class="muted">
          {details === undefined ? '' : `${details.keySerde} → ${details.valueSerde}`}
          {details?.partitions === undefined || details.partitions === null
            ? ''
            : ` · ${plural(details.partitions, 'partition')}`}
        </span>
      </header>
      {isAskable ? (
        <FilterForm
          filter={filter}
          details={details}
          isWatching={isWatching}
          onFilter={setFilter}
          onAsk={() => {
            setWatching(false)
            void load(filter, details)
          }}
          onWatch={() => setWatching(!isWatching)}
        >
          {path === undefined ? null : (
            <CopyButton text={() => curlOf(isWatching && details !== undefined ? watchPath(details, filter) : path)}>
              copy curl
            </CopyButton>
          )}
        </FilterForm>
      ) : null}
      {problem === undefined || isAbsent ? null : <ProblemNote problem={problem} />}
      {!isAskable ? (
        <Empty title="Nobody can ask this store">It is the buffer of an operator.</Empty>
      ) : rows.length === 0 ? (
        <Empty title={isAbsent ? 'There is no such key' : 'No rows'}>
          {isAbsent ? 'Its owner says so: it was never there, was deleted, or has expired.' : 'Nothing fits.'}
        </Empty>
      ) : (
        <Rows rows={rows} fresh={fresh} />
      )}
      {rows.length === 0 ? null : (
        <footer>
          <span class="muted">{plural(rows.length, 'row')}</span>
          {next === null || isWatching ? null : (
            <button type="button" class="small" onClick={() => void load(filter, details, next)}>
              more rows
            </button>
          )}
        </footer>
      )}
    </section>
  )
}

interface FormProps {
  readonly filter: Filter
  readonly details: StoreDetails | undefined
  readonly isWatching: boolean
  readonly onFilter: (filter: Filter) => void
  readonly onAsk: () => void
  readonly onWatch: () => void
  readonly children: JSX.Element | null
}

function FilterForm({ filter, details, isWatching, onFilter, onAsk, onWatch, children }: FormProps): JSX.Element {
  const isTimed = details?.lists.includes('entries') === false
  const field = (name: 'key' | 'from' | 'to', label: string, hint: string): JSX.Element => (
    <label>
      {label}
      <input
        name={name}
        value={filter[name]}
        placeholder={hint}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onFilter({ ...filter, [name]: event.currentTarget.value })}
      />
    </label>
  )
  return (
    <form
      class="filter"
      onSubmit={(event) => {
        event.preventDefault()
        onAsk()
      }}
    >
      {field('key', 'Key', 'all')}
      {field('from', isTimed ? 'From time' : 'From key', 'the first')}
      {field('to', isTimed ? 'To time' : 'To key', 'the last')}
      <label>
        Show
        <select
          value={filter.consistency}
          onChange={(event) => onFilter({ ...filter, consistency: event.currentTarget.value })}
        >
          <option value="">as the guarantee says</option>
          <option value="committed">committed</option>
          <option value="latest">latest</option>
        </select>
      </label>
      <div class="actions">
        <button type="submit" class="primary">
          <Icon name="search" size={14} /> Ask
        </button>
        {details === undefined ? null : (
          <button type="button" class="plain" aria-pressed={isWatching} onClick={onWatch}>
            <Icon name="eye" size={14} /> {isWatching ? 'Stop watching' : 'Watch'}
          </button>
        )}
        {children}
      </div>
    </form>
  )
}

interface Watching {
  row(row: Row): void
  gone(row: Row): void
  /** Windows of a partition that end before this time, in ms, are gone. */
  expired(partition: number | null, before: number): void
  failed(problem: Problem): void
}

/** What an event of a watch has, each some of it. */
interface SentRow extends Row {
  readonly deleted?: true
  readonly endBefore?: number
  readonly code?: string
  readonly detail?: string
  readonly hint?: string
}

/** Follows the rows of a store until the signal aborts. */
async function watch(path: string, signal: AbortSignal, watching: Watching): Promise<void> {
  try {
    const response = await ask(path, { accept: 'text/event-stream', signal })
    for await (const { event, data } of eventsOf(response)) {
      const sent = JSON.parse(data) as SentRow
      if (event === 'expired') watching.expired(sent.partition, sent.endBefore ?? 0)
      else if (event === 'problem') throw new Problem(sent.code ?? '', sent.detail ?? '', 0, sent.hint)
      else if (event === 'value' || event === 'change') {
        if (sent.deleted === true) watching.gone(sent)
        else watching.row(sent)
      }
    }
  } catch (error) {
    if (!signal.aborted) watching.failed(asProblem(error))
  }
}

/** Rows that the page can carry while it watches. */
const MOST = 500

/** Puts a row that has changed in its place, or before all others. */
function withRow(rows: readonly Row[], row: Row, isOne: boolean): readonly Row[] {
  if (isOne) return [row]
  const at = rows.findIndex((each) => keyOf(each) === keyOf(row))
  return at < 0 ? [row, ...rows].slice(0, MOST) : rows.with(at, row)
}

import { join } from 'node:path'
import type { KeyValueView, Log } from '../../src/index.ts'
import { payment } from '../side-by-side/rig/data.ts'
import { percentiles } from '../side-by-side/latency/percentiles.ts'
import { median } from '../side-by-side/rig/median.ts'
import { createTopic, fill } from '../side-by-side/rig/topics.ts'
import { payments } from '../side-by-side/rig/workloads.ts'
import { onEmbeddedLog, startAsked } from './asked-app.ts'
import { startClient } from './client-process.ts'
import type { PointReport } from './client.ts'
import { ACCOUNTS, totals } from './idle.ts'
import { atLeast, ofTimes, type Row } from './verdict.ts'

const RATE = 1000
/** ms of queries that do not count. */
const WARM_UP = 1000
/** The least share of records that are processed beside the queries. */
const SHARE = 0.85

/** Says where queries come from. */
type Asking = 'nobody' | 'in the process' | 'by HTTP'

interface Run {
  /** Records a second, from the first to the last. */
  readonly rate: number
  readonly queries: Pick<PointReport, 'count' | 'p50' | 'p99' | 'max' | 'failed' | 'late'> | undefined
}

export interface LoadedOptions {
  readonly records: number
  readonly pairs: number
}

/** Point queries of an application under full load, and its rate beside that without them, in turn. */
export function loaded(directory: string, options: LoadedOptions): Promise<Row[]> {
  return onEmbeddedLog(join(directory, 'loaded-log'), (log) => onLog(directory, log, options))
}

async function onLog(directory: string, log: Log, { records, pairs }: LoadedOptions): Promise<Row[]> {
  await fill(log, 'in', records, payments(ACCOUNTS).record)
  await createTopic(log, 'out')
  const rows: Row[] = []
  for (const asking of ['in the process', 'by HTTP'] as const) {
    const ratios: number[] = []
    const asked: NonNullable<Run['queries']>[] = []
    for (let pair = 0; pair < pairs; pair++) {
      const order: Asking[] = pair % 2 === 0 ? ['nobody', asking] : [asking, 'nobody']
      const runs = new Map<Asking, Run>()
      for (const each of order) runs.set(each, await run(directory, log, records, each))
      const [alone, beside] = [runs.get('nobody'), runs.get(asking)]
      if (alone === undefined || beside?.queries === undefined) throw new Error('a run is missing')
      const { rate, queries } = beside
      console.log(
        `pair ${pair + 1}: ${Math.round(alone.rate / 1000)} k records/s alone, ${Math.round(rate / 1000)} k beside ` +
          `${queries.count} queries ${asking}, p50 ${queries.p50.toFixed(2)} ms, p99 ${queries.p99.toFixed(1)} ms, ` +
          `late by ${queries.late.toFixed(0)} ms, failed ${queries.failed}`,
      )
      ratios.push(rate / alone.rate)
      asked.push(queries)
    }
    const of = (part: 'p50' | 'p99' | 'max'): number => median(asked.map((each) => each[part]))
    const times = { p50: of('p50'), p99: of('p99'), max: of('max') }
    rows.push(
      ofTimes(`point query ${asking}, full load, ${RATE} a second`, times, { p50: 5, p99: 60 }),
      atLeast(`rate beside queries ${asking}, of that without`, 100 * median(ratios), 100 * SHARE, '%'),
    )
  }
  return rows
}

let number = 0

async function run(directory: string, log: Log, records: number, asking: Asking): Promise<Run> {
  const id = `loaded-${number++}`
  let [seen, begin, end] = [0, 0, 0]
  const tick = (): void => {
    seen++
    if (seen === 1) begin = performance.now()
    if (seen === records) end = performance.now()
  }
  await using asked = await startAsked(totals(id, tick), log, join(directory, id))
  const { url, streams } = asked
  const task = { url, store: 'acc', kind: 'points', accounts: ACCOUNTS, rate: RATE, warmUp: WARM_UP } as const
  const client = asking === 'by HTTP' ? startClient(task) : undefined
  const own = asking === 'in the process' ? new OwnClient(streams.store('acc')) : undefined
  await asked.processed(records)
  const queries = own?.end() ?? (await client?.end())
  if (queries !== undefined && queries.count === 0) throw new Error('no query was answered: use more --records')
  const ends = await log.listOffsets(
    [0, 1, 2, 3].map((partition) => ({ topic: 'in', partition })),
    'latest',
  )
  const store = streams.store<KeyValueView<string, { readonly count: number; readonly sum: number }>>('acc')
  const expected = sums(records)
  for (let account = 0; account < ACCOUNTS; account += 7) {
    const at = { in: Object.fromEntries([0, 1, 2, 3].map((partition) => [partition, ends.get('in', partition) ?? 0])) }
    const { sum = 0 } = (await store.get(`acct-${account}`, { at, timeout: '30s' })) ?? {}
    if (sum !== (expected[account] ?? 0)) throw new Error(`acct-${account} is ${sum}, not ${expected[account]}`)
  }
  return { rate: (records / (end - begin)) * 1000, queries }
}

/** Asks in the process itself, at a steady rate as far as the event loop lets it. */
class OwnClient {
  readonly #times: number[] = []
  readonly #timer: NodeJS.Timeout
  readonly #begin = performance.now()
  #sent = 0
  #failed = 0
  #late = 0

  constructor(store: KeyValueView<string, unknown>) {
    this.#timer = setInterval(() => {
      const elapsed = performance.now() - this.#begin
      const due = (elapsed / 1000) * RATE
      this.#late = Math.max(this.#late, elapsed - (this.#sent / RATE) * 1000)
      for (; this.#sent < due; this.#sent++) void this.#ask(store)
    }, 1)
  }

  async #ask(store: KeyValueView<string, unknown>): Promise<void> {
    const begin = performance.now()
    try {
      await store.get(`acct-${Math.floor(Math.random() * ACCOUNTS)}`)
      if (begin - this.#begin > WARM_UP) this.#times.push(performance.now() - begin)
    } catch {
      this.#failed++
    }
  }

  end(): NonNullable<Run['queries']> {
    clearInterval(this.#timer)
    return { ...percentiles(this.#times), failed: this.#failed, late: this.#late }
  }
}

/** Returns the sum of each account. */
function sums(records: number): Float64Array {
  const all = new Float64Array(ACCOUNTS)
  for (let i = 0; i < records; i++) {
    const { account, amount } = payment(i, ACCOUNTS)
    const index = Number(account.slice('acct-'.length))
    all[index] = (all[index] ?? 0) + amount
  }
  return all
}

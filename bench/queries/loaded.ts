import { join } from 'node:path'
import type { KeyValueView, Log } from '../../src/index.ts'
import { payment } from '../side-by-side/rig/data.ts'
import { median } from '../side-by-side/rig/median.ts'
import { createTopic, fill } from '../side-by-side/rig/topics.ts'
import { payments } from '../side-by-side/rig/workloads.ts'
import { onEmbeddedLog, startAsked } from './asked-app.ts'
import { startClient } from './client-process.ts'
import type { PointReport } from './client.ts'
import { ACCOUNTS, totals } from './idle.ts'
import { atLeast, ofTimes, type Row } from './verdict.ts'

const RATE = 1000
/** The least share of records that are processed beside the queries. */
const SHARE = 0.85

interface Run {
  /** Records a second, from the first to the last. */
  readonly rate: number
  readonly queries: PointReport | undefined
}

export interface LoadedOptions {
  readonly records: number
  readonly pairs: number
}

/** Point queries by HTTP of an application under full load, and its rate beside that without them, in turn. */
export function loaded(directory: string, options: LoadedOptions): Promise<Row[]> {
  return onEmbeddedLog(join(directory, 'loaded-log'), (log) => onLog(directory, log, options))
}

async function onLog(directory: string, log: Log, { records, pairs }: LoadedOptions): Promise<Row[]> {
  await fill(log, 'in', records, payments(ACCOUNTS).record)
  await createTopic(log, 'out')
  const ratios: number[] = []
  const asked: PointReport[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const [first, second] = pair % 2 === 0 ? [false, true] : [true, false]
    const runs = [await run(directory, log, records, first), await run(directory, log, records, second)]
    const alone = runs.find(({ queries }) => queries === undefined)
    const beside = runs.find(({ queries }) => queries !== undefined)
    if (alone === undefined || beside?.queries === undefined) throw new Error('a run is missing')
    const { rate, queries } = beside
    console.log(
      `pair ${pair + 1}: ${Math.round(alone.rate / 1000)} k records/s alone, ${Math.round(rate / 1000)} k beside ` +
        `${queries.count} queries, p50 ${queries.p50.toFixed(2)} ms, p99 ${queries.p99.toFixed(1)} ms, ` +
        `late by ${queries.late.toFixed(0)} ms, failed ${queries.failed}`,
    )
    ratios.push(rate / alone.rate)
    asked.push(queries)
  }
  const of = (part: 'p50' | 'p99' | 'max'): number => median(asked.map((each) => each[part]))
  const times = { p50: of('p50'), p99: of('p99'), max: of('max') }
  return [
    ofTimes(`point query by HTTP, full load, ${RATE} a second`, times, { p50: 5, p99: 60 }),
    atLeast('rate beside them, of that without', 100 * median(ratios), 100 * SHARE, '%'),
  ]
}

let number = 0

async function run(directory: string, log: Log, records: number, isAsked: boolean): Promise<Run> {
  const id = `loaded-${number++}`
  let [seen, begin, end] = [0, 0, 0]
  const tick = (): void => {
    seen++
    if (seen === 1) begin = performance.now()
    if (seen === records) end = performance.now()
  }
  await using asked = await startAsked(totals(id, tick), log, join(directory, id))
  const { url, streams } = asked
  const task = { url, store: 'acc', kind: 'points', accounts: ACCOUNTS, rate: RATE, warmUp: 1000 } as const
  const client = isAsked ? startClient(task) : undefined
  await asked.processed(records)
  const queries = await client?.end()
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

import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { KeyValueView, Log } from '../../src/index.ts'
import { percentiles } from '../side-by-side/latency/percentiles.ts'
import { benchApp } from '../side-by-side/rig/app.ts'
import { createTopic, fill } from '../side-by-side/rig/topics.ts'
import { payments } from '../side-by-side/rig/workloads.ts'
import { onEmbeddedLog, startAsked } from './asked-app.ts'
import { startClient } from './client-process.ts'
import { noted, ofTimes, type Row } from './verdict.ts'

export const ACCOUNTS = 10_000
/** So many that every account has some. */
const RECORDS = 200_000
const REQUESTS = 20_000

/** Point queries of an application that has nothing else to do, in its process and by HTTP. */
export function idle(directory: string): Promise<Row[]> {
  return onEmbeddedLog(join(directory, 'idle-log'), (log) => onLog(directory, log))
}

async function onLog(directory: string, log: Log): Promise<Row[]> {
  await fill(log, 'in', RECORDS, payments(ACCOUNTS).record)
  await createTopic(log, 'out')
  await using asked = await startAsked(totals('idle'), log, join(directory, 'idle-state'))
  await asked.processed(RECORDS)
  // Until the last commit is done, and the engine has what it brought.
  await pause(3000)
  const store = asked.streams.store<KeyValueView<string, unknown>>('acc')
  const times: number[] = []
  for (let request = -2000; request < REQUESTS; request++) {
    const begin = performance.now()
    const row = await store.get(`acct-${Math.floor(Math.random() * ACCOUNTS)}`)
    if (row === undefined) throw new Error('an account is absent')
    if (request >= 0) times.push(performance.now() - begin)
  }
  const task = { url: asked.url, store: 'acc', kind: 'points', accounts: ACCOUNTS, warmUp: 1000 } as const
  const cpu = process.cpuUsage()
  const { failed, statuses, ...http } = await startClient({ ...task, requests: REQUESTS }).report
  if (failed > 0) throw new Error(`${failed} requests failed: ${statuses.join(', ')}`)
  const { user, system } = process.cpuUsage(cpu)
  return [
    ofTimes('point query, idle, in the process', percentiles(times), { p99: 0.5 }),
    ofTimes('point query, idle, by HTTP', http, { p99: 2 }),
    noted('CPU of the application for a query by HTTP', `${Math.round((user + system) / http.count)} µs`),
  ]
}

/** The totals of W2, exactly once, from the topic `in` to `out`. */
export function totals(id: string, tick: () => void = () => {}) {
  const topics = { input: 'in', output: 'out', table: '' }
  return benchApp({
    ...{ id, workload: 'w2', exactlyOnce: true, commitInterval: undefined, cacheBytes: undefined },
    ...topics,
    tick,
  })
}

import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { defineApp, json, string, topic, type KeyValueView } from '../../src/index.ts'
import { payment, type Payment } from '../side-by-side/rig/data.ts'
import { fill } from '../side-by-side/rig/topics.ts'
import { onEmbeddedLog, startAsked, type AskedApp } from './asked-app.ts'
import { startClient } from './client-process.ts'
import { atLeast, atMost, noted, type Row } from './verdict.ts'

const MB = 1e6
/** ms between two looks at memory. */
const LOOK = 20
/** Queries of keys that there are, and as many of absent ones. */
const QUERIES = 300_000
const AT_A_TIME = 16

/** A scan of all rows as NDJSON: rows a second, memory, and the longest hold of the event loop. */
export function scan(directory: string, rows: number): Promise<Row[]> {
  return withRows(join(directory, 'scan'), rows, async ({ url }) => {
    const found: Row[] = []
    for (const which of ['first', 'second']) {
      globalThis.gc?.()
      const before = process.memoryUsage.rss()
      let most = before
      const looking = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), LOOK)
      const delay = monitorEventLoopDelay({ resolution: 1 })
      const client = startClient({ url, store: 'rows', kind: 'scan' })
      // To start a process holds the event loop as well, for as long as its memory takes to be copied.
      delay.enable()
      const report = await client.report
      delay.disable()
      clearInterval(looking)
      if (report.rows !== rows) throw new Error(`the scan has ${report.rows} rows of ${rows}`)
      const { seconds, megabytes } = report
      const what = `${which} scan of ${rows.toLocaleString('en-US')} rows, ${Math.round(megabytes)} MB`
      found.push(
        atLeast(`${what}: rows/s`, rows / seconds, 100_000, ''),
        atMost(`${what}: growth of memory`, (most - before) / MB, 64, 'MB'),
        atMost(`${what}: longest hold`, delay.max / 1e6 - 1, 20, 'ms'),
      )
    }
    return found
  })
}

/** Memory of the store's rows before and after many queries. */
export function memory(directory: string, rows: number): Promise<Row[]> {
  return withRows(join(directory, 'memory'), rows, async ({ streams }) => {
    const store = streams.store<KeyValueView<string, Payment>>('rows')
    const { entries: before } = streams.status().memory
    let [found, asked] = [0, 0]
    const ask = async (): Promise<void> => {
      while (asked < 2 * QUERIES) {
        const key = asked % 2 === 0 ? keyOf(asked % rows) : `none-${asked}`
        asked++
        if ((await store.get(key)) !== undefined) found++
      }
    }
    const begin = performance.now()
    await Promise.all(Array.from({ length: AT_A_TIME }, ask))
    const micros = ((performance.now() - begin) * 1000) / asked
    if (found !== QUERIES) throw new Error(`${found} of ${QUERIES} rows were found`)
    const { entries: after } = streams.status().memory
    const what = `memory of entries after ${asked.toLocaleString('en-US')} queries, half of them of absent keys`
    return [
      atMost(what, (after - before) / MB, 0, 'MB more'),
      noted(`a query, ${AT_A_TIME} at a time`, `${micros.toFixed(1)} µs`),
    ]
  })
}

/** Runs an application whose store has so many rows, and nothing else to do. */
function withRows(directory: string, rows: number, measure: (asked: AskedApp) => Promise<Row[]>): Promise<Row[]> {
  const input = topic('rows', { key: string(), value: json<Payment>() })
  const app = defineApp({
    id: 'rows',
    guarantee: 'exactly_once',
    memory: '64MiB',
    logger: { debug() {}, info() {}, warn: console.error, error: console.error },
    build: (builder) => {
      builder.table(input, { store: 'rows' })
    },
  })
  return onEmbeddedLog(join(directory, 'log'), async (log) => {
    await fill(log, 'rows', rows, (i) => {
      const value = payment(i, rows)
      return { key: keyOf(i), value, timestamp: value.ts }
    })
    await using asked = await startAsked(app, log, join(directory, 'state'))
    await asked.processed(rows)
    // Until the last commit is done, and the engine has what it brought.
    await pause(3000)
    return await measure(asked)
  })
}

function keyOf(row: number): string {
  return `row-${row}`
}

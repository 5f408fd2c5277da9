/** Looks at an application as a browser and Prometheus do, from a process of its own, until its parent says stop. */
import { setTimeout as sleep } from 'node:timers/promises'

/** What was seen. */
export interface Looked {
  readonly overviews: number
  readonly scrapes: number
}

/** What Prometheus sends. */
const ACCEPT = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'

const url = process.argv[2] ?? ''
const abort = new AbortController()
const { signal } = abort
let overviews = 0
let scrapes = 0

async function follow(): Promise<void> {
  const response = await fetch(`${url}/console/overview`, { headers: { accept: 'text/event-stream' }, signal })
  for await (const chunk of response.body!) {
    overviews += Buffer.from(chunk).toString().split('event: overview').length - 1
    if (overviews === 1) process.send?.('looking')
  }
}

async function scrape(): Promise<void> {
  for (;;) {
    const next = sleep(1000, undefined, { signal })
    const response = await fetch(`${url}/metrics`, { headers: { accept: ACCEPT }, signal })
    if (!(await response.text()).includes('millrace_state{')) throw new Error('these are no metrics')
    scrapes++
    await next
  }
}

function unlessStopped(error: unknown): void {
  if (!signal.aborted) throw error
}

process.on('message', () => {
  abort.abort()
  process.send?.({ overviews, scrapes } satisfies Looked)
  process.disconnect()
})
await Promise.all([follow().catch(unlessStopped), scrape().catch(unlessStopped)])

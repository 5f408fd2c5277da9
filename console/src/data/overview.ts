import { signal } from '@preact/signals'
import type { Overview } from '../../../src/server/routes/console/shown.ts'
import { ask, asProblem, eventsOf, type Problem } from './api.ts'
import { Figures, type Totals } from './figures.ts'

export type Connection =
  | { readonly kind: 'connecting' | 'live' }
  /** `problem` says why nothing is shown; what was shown before stays. */
  | { readonly kind: 'lost' | 'locked'; readonly problem: Problem }

/** Seconds that the charts show. */
export const HISTORY = 300

/** What all instances showed last. */
export const overview = signal<Overview | undefined>(undefined)
export const connection = signal<Connection>({ kind: 'connecting' })
/** What follows from the last rounds. */
export const totals = signal<Totals | undefined>(undefined)

/** A second of the charts. */
export interface Point {
  readonly throughput: number
  readonly lag: number
  /** ms; null while nothing is committed. */
  readonly commit: number | null
  /** From 0 to 1; null while unknown. */
  readonly busy: number | null
}

export const history = signal<readonly Point[]>([])

/** ms before another attempt. */
const PAUSE = 1000
/** ms without a round after which the connection counts as lost. */
const SILENCE = 6000

let figures = new Figures()
let attempt = new AbortController()

/** Follows the server as long as the page is seen. Called once. */
export async function follow(): Promise<void> {
  document.addEventListener('visibilitychange', () => again())
  for (;;) {
    attempt = new AbortController()
    if (document.visibilityState === 'visible') await followOnce(attempt)
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = isWaiting() ? undefined : setTimeout(resolve, PAUSE)
    wake = resolve
    await promise
    clearTimeout(timer)
  }
}

let wake = (): void => {}

/** Connects again at once: a token was given, or the page is seen again. */
export function again(): void {
  attempt.abort()
  wake()
}

function isWaiting(): boolean {
  return document.visibilityState !== 'visible' || connection.value.kind === 'locked'
}

async function followOnce(attempt: AbortController): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const watch = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => attempt.abort(), SILENCE)
  }
  try {
    watch()
    const response = await ask('console/overview', { accept: 'text/event-stream', signal: attempt.signal })
    for await (const { event, data } of eventsOf(response)) {
      watch()
      if (event === 'overview') take(JSON.parse(data) as Overview)
    }
    throw new Error('The server has ended the connection.')
  } catch (error) {
    if (document.visibilityState !== 'visible') return
    const problem = asProblem(error)
    connection.value = { kind: problem.isAboutTokens ? 'locked' : 'lost', problem }
  } finally {
    clearTimeout(timer)
  }
}

function take(next: Overview): void {
  // The server was started again: its clock begins before where it was.
  if (next.at < (overview.value?.at ?? 0)) figures = new Figures()
  const found = figures.take(next)
  overview.value = next
  totals.value = found
  connection.value = { kind: 'live' }
  const { throughput, lag, commit, busy } = found
  const point = { throughput: throughput ?? 0, lag, commit: commit ?? null, busy: busy ?? null }
  if (throughput !== undefined) history.value = [...history.value.slice(1 - HISTORY), point]
}

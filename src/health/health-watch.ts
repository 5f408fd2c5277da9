import type { AppSnapshot, RestoreSnapshot, ThreadSnapshot } from './snapshot.ts'
import type { StoreRestore, ThreadVitals } from './vitals.ts'

/** Most ms that pass between two observations. What is longer was a pause of the machine or of this event loop. */
export const OBSERVE_EVERY = 1000
/** ms over which the rate of a restore is measured, at least; at most twice as long. */
const RATE_PERIOD = 10_000

/** A thread as the watch gets it. */
export interface WatchedThread {
  readonly name: string
  /** A `ThreadState`. */
  readonly state: string
  readonly vitals: ThreadVitals
}

/**
 * Finds out for how long what should move has not moved, by observing the counters of threads again and again.
 *
 * Only the time between two observations that were made in time counts, or of a longer one the part up to twice that.
 * While the machine sleeps, is paused or moved, or this event loop is held, threads do not move either, and nothing
 * would be their fault. It follows that no clock of a thread is compared with another's: each worker's begins at 0.
 */
export class HealthWatch {
  readonly #threads = new Map<string, ThreadWatch>()
  #joined = false
  /** When every thread ran last, by ms awake. */
  #ran = -Infinity
  /** ms awake. */
  #awake = 0
  #last: number

  /** @param now by the monotonic clock, as everywhere here */
  constructor(now: number) {
    this.#last = now
  }

  observe(now: number, threads: readonly WatchedThread[]): void {
    this.#awake += Math.min(Math.max(0, now - this.#last), 2 * OBSERVE_EVERY)
    this.#last = now
    this.#joined ||= threads.length > 0 && threads.every(({ vitals }) => vitals.joined)
    if (threads.length > 0 && threads.every(({ state }) => state === 'running')) this.#ran = this.#awake
    const names = new Set(threads.map(({ name }) => name))
    for (const name of this.#threads.keys()) if (!names.has(name)) this.#threads.delete(name)
    for (const thread of threads) {
      const watch = this.#threads.get(thread.name) ?? new ThreadWatch(this.#awake)
      this.#threads.set(thread.name, watch)
      watch.observe(this.#awake, thread)
    }
  }

  /** Returns what is known, once these threads were observed. */
  snapshot(
    threads: readonly WatchedThread[],
    { state, draining, readyLag }: Pick<AppSnapshot, 'state' | 'draining' | 'readyLag'>,
  ): AppSnapshot {
    return {
      state,
      draining,
      readyLag,
      joined: this.#joined,
      sinceRan: this.#awake - this.#ran,
      threads: threads.flatMap((thread) => this.#threads.get(thread.name)?.snapshot(this.#awake, thread) ?? []),
    }
  }
}

/** A value and when it last changed. */
class Moving {
  #value: unknown
  #changed: number

  constructor(now: number) {
    this.#changed = now
  }

  /** @param mayRest true: it need not move now, and counts as if it did */
  observe(now: number, value: unknown, mayRest = false): void {
    if (value === this.#value && !mayRest) return
    this.#value = value
    this.#changed = now
  }

  since(now: number): number {
    return now - this.#changed
  }
}

class ThreadWatch {
  readonly #loop: Moving
  readonly #turns: Moving
  readonly #processed: Moving
  readonly #commits: Moving
  #restores = new Map<string, RestoreWatch>()

  constructor(now: number) {
    this.#loop = new Moving(now)
    this.#turns = new Moving(now)
    this.#processed = new Moving(now)
    this.#commits = new Moving(now)
  }

  observe(now: number, { state, vitals }: WatchedThread): void {
    const { loop, turns, logAnswers, processed, commits, queued, restores } = vitals
    // What it waits for otherwise is its group, or the calls that a close waits for.
    const mayWait = !logAnswers || (state !== 'running' && state !== 'rebalancing')
    this.#loop.observe(now, loop, loop === undefined || state === 'dead')
    this.#turns.observe(now, turns, mayWait)
    this.#processed.observe(now, processed, mayWait || state !== 'running' || queued === 0)
    this.#commits.observe(now, commits)
    const watched = new Map<string, RestoreWatch>()
    for (const restore of restores) {
      const key = keyOf(restore)
      const watch = this.#restores.get(key) ?? new RestoreWatch(now, restore.position)
      watch.observe(now, restore.position, mayWait)
      watched.set(key, watch)
    }
    this.#restores = watched
  }

  snapshot(now: number, { name, state, vitals }: WatchedThread): ThreadSnapshot {
    const { logAnswers, queued, waiting, restores } = vitals
    return {
      name,
      state,
      logAnswers,
      queued,
      waiting,
      sinceLoop: this.#loop.since(now),
      sinceTurn: this.#turns.since(now),
      sinceProgress: Math.min(this.#processed.since(now), this.#commits.since(now)),
      restores: restores.flatMap((restore) => this.#restores.get(keyOf(restore))?.snapshot(now, restore) ?? []),
    }
  }
}

class RestoreWatch {
  readonly #position: Moving
  /** Two moments of the past between which, or since which, the rate is measured. */
  #older: { readonly time: number; readonly position: number }
  #newer: { readonly time: number; readonly position: number }

  constructor(now: number, position: number) {
    this.#position = new Moving(now)
    this.#older = this.#newer = { time: now, position }
  }

  observe(now: number, position: number, mayWait: boolean): void {
    this.#position.observe(now, position, mayWait)
    if (now - this.#newer.time < RATE_PERIOD) return
    this.#older = this.#newer
    this.#newer = { time: now, position }
  }

  snapshot(now: number, restore: StoreRestore): RestoreSnapshot {
    const { time, position } = this.#older
    // A store that had to be wiped begins again before where it was.
    const rate = now > time ? Math.max(0, restore.position - position) / (now - time) : 0
    return { ...restore, sinceAdvance: this.#position.since(now), rate }
  }
}

function keyOf({ task, store }: StoreRestore): string {
  return `${task} ${store}`
}

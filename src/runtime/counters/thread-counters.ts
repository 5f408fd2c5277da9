import { Histogram } from '../../metrics/histogram.ts'
import { noCounts, type StoreCounts } from '../../state/environment.ts'
import type { Topology } from '../../topology/topology.ts'
import { Activities } from './activities.ts'
import { NodeCounters } from './node-counters.ts'
import { RecentGreatest } from './recent-greatest.ts'

/** What went wrong with a record that became a dead letter. */
export type FailureKind = 'deserialization' | 'processing' | 'production'
export type RebalanceCause = 'assigned' | 'revoked' | 'lost'

/** ms after somebody has asked for metrics during which the time of nodes is sampled: longer than a scrape interval. */
export const LOOKED_AT = 90_000

/** What a stream thread counts: plain numbers that are read by whoever asks for metrics, and by nobody else. */
export class ThreadCounters {
  readonly nodes: NodeCounters
  readonly activities: Activities
  /** Records processed by tasks that are closed by now, by the id of the task. */
  readonly processedByClosed = new Map<string, number>()
  readonly deadLetters = new Map<string, Record<FailureKind, number>>()
  readonly rebalances: Record<RebalanceCause, number> = { assigned: 0, revoked: 0, lost: 0 }
  /** Seconds that the last rebalance took, from the first task that came or went until all were running. */
  rebalanceDuration = 0
  readonly commitDuration = new Histogram('millrace_commit_duration_seconds')
  readonly latency = {
    source: new Histogram('millrace_record_e2e_latency_seconds'),
    sink: new Histogram('millrace_record_e2e_latency_seconds'),
  }
  /** By id of the sub-topology: how far behind stream time a record was, ms, since `settle`. */
  readonly late: Float64Array
  /** The same as seconds, of late. */
  readonly lateness: readonly RecentGreatest[]
  /** What stores have done, by their name. */
  readonly stores = new Map<string, StoreCounts>()
  #lookedAt = -Infinity
  #rebalancingSince = -1

  constructor(topology: Topology, now: number) {
    this.nodes = new NodeCounters(topology)
    this.activities = new Activities(now)
    const subtopologies = 1 + Math.max(-1, ...topology.subtopologies.map(({ id }) => id))
    this.late = new Float64Array(subtopologies)
    this.lateness = Array.from({ length: subtopologies }, () => new RecentGreatest())
  }

  /** Notes what a task has processed that is being closed. */
  closed(task: string, processed: number): void {
    this.processedByClosed.set(task, (this.processedByClosed.get(task) ?? 0) + processed)
  }

  deadLetter(node: string, kind: FailureKind): void {
    const counts = this.deadLetters.get(node) ?? { deserialization: 0, processing: 0, production: 0 }
    counts[kind]++
    this.deadLetters.set(node, counts)
  }

  /** Returns where all stores of this name count. */
  countsOf(store: string): StoreCounts {
    const counts = this.stores.get(store) ?? noCounts()
    this.stores.set(store, counts)
    return counts
  }

  /** @param now ms of the monotonic clock, here and below */
  rebalance(cause: RebalanceCause, now: number): void {
    this.rebalances[cause]++
    if (this.#rebalancingSince < 0) this.#rebalancingSince = now
  }

  rebalanced(now: number): void {
    if (this.#rebalancingSince < 0) return
    this.rebalanceDuration = (now - this.#rebalancingSince) / 1000
    this.#rebalancingSince = -1
  }

  /** Somebody asks for metrics. */
  look(now: number): void {
    this.#lookedAt = now
  }

  isLookedAt(now: number): boolean {
    return now - this.#lookedAt < LOOKED_AT
  }

  /**
   * Turns what was noted per record since the last call into latencies and lateness: call it once a slice. The latency
   * of a slice is that of its last record (KIP-613 measures every record).
   *
   * @param date ms since the epoch
   */
  settle(date: number, now: number): void {
    for (const at of ['source', 'sink'] as const) {
      const histogram = this.latency[at]
      this.nodes.takeLastTimes(at, (timestamp) => histogram.observe(Math.max(0, date - timestamp) / 1000))
    }
    for (let id = 0; id < this.late.length; id++) {
      if (this.late[id] === 0) continue
      this.lateness[id]!.note(this.late[id]! / 1000, now)
      this.late[id] = 0
    }
  }
}

import { preciseTime, type Clock } from '../../platform/clock.ts'
import type { ThreadCounters } from '../counters/thread-counters.ts'
import type { NodeMeasure } from '../node/node-times.ts'
import type { Task } from '../task/task.ts'

/** One slice in so many is measured: to look at the clock around every node costs as much as a cheap node. */
const SLICES_PER_SAMPLE = 64

/** Measures the nodes in one slice of many while somebody asks for metrics, and in none otherwise. */
export class NodeSampler implements NodeMeasure {
  readonly #counters: ThreadCounters
  readonly #clock: Clock
  #slices = 0
  /** Tasks whose nodes are being measured. */
  #sampled: readonly Task[] = []
  /** ms spent in the nodes that the current node forwarded to. */
  #below = 0

  constructor(counters: ThreadCounters, clock: Clock) {
    this.#counters = counters
    this.#clock = clock
  }

  /** Call it before each slice with the tasks that run. A slice without a record is not counted. */
  begin(tasks: readonly Task[]): void {
    if (this.#slices % SLICES_PER_SAMPLE !== 0 || !this.#counters.isLookedAt(this.#clock.monotonic())) return
    this.#sampled = tasks.filter(({ processing }) => processing.nextTimestamp < Infinity)
    for (const { processing } of this.#sampled) processing.timeNodes(this)
  }

  end(processed: number): void {
    if (processed > 0) this.#slices++
    if (this.#sampled.length === 0) return
    for (const { processing } of this.#sampled) processing.timeNodes(undefined)
    this.#sampled = []
    if (processed > 0) this.#counters.nodes.isSampled = true
  }

  measure(_task: string, node: string, act: () => void): void {
    const below = this.#below
    this.#below = 0
    const start = preciseTime()
    try {
      act()
    } finally {
      const total = preciseTime() - start
      const { nodes } = this.#counters
      nodes.time[nodes.indexOf(node)]! += (total - this.#below) * SLICES_PER_SAMPLE
      this.#below = below + total
    }
  }
}

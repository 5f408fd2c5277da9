import { constants, performance, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { Histogram } from '../../metrics/histogram.ts'
import type { Samples } from '../../metrics/samples.ts'

const KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
])

/** An entry for a pause, whose detail the types of Node.js lack. */
type PauseEntry = PerformanceEntry & { readonly detail: { readonly kind: number } }

/** The heap, the event loop, and pauses for garbage of the thread that makes this. */
export class HeapSamples {
  readonly #thread: string
  /** ms after the last look during which pauses are counted. */
  readonly #patience: number
  readonly #pauses = new Map<string, Histogram>()
  #observer: PerformanceObserver | undefined
  #lookedAt = 0

  /** @param thread its name among the series */
  constructor(thread: string, patience: number) {
    this.#thread = thread
    this.#patience = patience
  }

  /** Counts pauses from now on, and for a while: an observer costs something with every pause, so it does not stay. */
  look(): void {
    this.#lookedAt = performance.now()
    if (this.#observer !== undefined) return
    this.#observer = new PerformanceObserver((list) => this.#take(list.getEntries()))
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  addTo(samples: Samples): void {
    const thread = this.#thread
    const { used_heap_size, total_heap_size, heap_size_limit, external_memory } = getHeapStatistics()
    samples.add('nodejs_heap_used_bytes', { thread }, used_heap_size)
    samples.add('nodejs_heap_total_bytes', { thread }, total_heap_size)
    samples.add('nodejs_heap_limit_bytes', { thread }, heap_size_limit)
    samples.add('nodejs_external_memory_bytes', { thread }, external_memory)
    const { active } = performance.eventLoopUtilization()
    samples.add('nodejs_eventloop_active_seconds_total', { thread }, active / 1000)
    for (const [kind, { value }] of this.#pauses) samples.add('nodejs_gc_duration_seconds', { thread, kind }, value)
  }

  #take(entries: readonly PerformanceEntry[]): void {
    for (const { duration, detail } of entries as readonly PauseEntry[]) {
      const kind = KINDS.get(detail.kind) ?? 'other'
      const pauses = this.#pauses.get(kind) ?? new Histogram('nodejs_gc_duration_seconds')
      this.#pauses.set(kind, pauses)
      pauses.observe(duration / 1000)
    }
    if (performance.now() - this.#lookedAt < this.#patience) return
    this.#observer?.disconnect()
    this.#observer = undefined
  }
}

import { createHash } from 'node:crypto'
import type { Application } from '../application/application.ts'
import { outlives, Samples, type Sample } from '../metrics/samples.ts'
import { METRICS_OPTIONS, type MetricsOptions } from '../metrics/metrics-options.ts'
import { snapshotOf, type MetricsSnapshot } from '../metrics/snapshot.ts'
import { readOptions } from '../options/options.ts'
import type { Clock } from '../platform/clock.ts'
import { PACKAGE_VERSION } from '../platform/package-version.ts'
import { describe } from '../topology/describe/describe-text.ts'
import type { Topology } from '../topology/topology.ts'
import type { InstanceCounters } from './counters/instance-counters.ts'
import { LOOKED_AT } from './counters/thread-counters.ts'
import { HeapSamples } from './counters/heap-samples.ts'
import { addProcess } from './process-samples.ts'
import type { Options } from './streams-options.ts'
import { STREAMS_STATES, type StreamsState } from './streams-status.ts'
import { THREAD_STATES } from './thread/stream-thread.ts'
import type { ThreadHandle, ThreadHost } from './thread/thread-handle.ts'

export interface InstanceMetricsOptions {
  readonly app: Application
  readonly topology: Topology
  readonly options: Options
  /** Name of the state engine. */
  readonly engine: string
  readonly processId: string
  readonly host: Pick<ThreadHost, 'samples'>
  readonly threads: () => readonly ThreadHandle[]
  readonly state: () => StreamsState
  readonly clock: Clock
  readonly counters: InstanceCounters
  /** What companions have counted. */
  readonly companions: () => readonly Sample[]
}

/** Puts together what the threads of this process have counted, and what is known of the process itself. */
export class InstanceMetrics {
  readonly #options: InstanceMetricsOptions
  /** What threads have counted that were replaced. */
  readonly #replaced = new Samples()
  readonly #heap = new HeapSamples('main', LOOKED_AT)
  #build: Readonly<Record<string, string>> | undefined

  constructor(options: InstanceMetricsOptions) {
    this.#options = options
  }

  /** Keeps what a thread has counted that has ended. */
  replaced(thread: ThreadHandle): void {
    this.#replaced.addAll(thread.samples(), outlives)
  }

  /** @throws MR_CONFIG */
  snapshot(given: MetricsOptions): MetricsSnapshot {
    const { detail } = readOptions(METRICS_OPTIONS, given, 'metrics()')
    const { app, options, processId, clock, threads, host, counters, companions } = this.#options
    const instance = options.advertise ?? processId
    const samples = new Samples()
    this.#addApplication(samples)
    addProcess(samples)
    this.#heap.look()
    this.#heap.addTo(samples)
    samples.addAll(this.#replaced.list())
    samples.addAll(host.samples)
    samples.addAll(counters.samples())
    samples.addAll(companions())
    samples.addAll(options.log.samples?.() ?? [])
    for (const thread of threads()) {
      thread.look()
      samples.addAll(thread.samples())
    }
    return snapshotOf({ app: app.id, instance, time: clock.now() }, samples, detail)
  }

  #addApplication(samples: Samples): void {
    const { app, threads, state } = this.#options
    samples.add('millrace_build_info', (this.#build ??= this.#describeBuild()), 1)
    const current = state()
    for (const name of STREAMS_STATES) samples.add('millrace_state', { state: name }, name === current ? 1 : 0)
    for (const name of THREAD_STATES) samples.add('millrace_threads', { state: name }, 0)
    for (const thread of threads()) samples.add('millrace_threads', { state: thread.state }, 1)
    samples.add('millrace_memory_limit_bytes', {}, app.settings.memory)
  }

  #describeBuild(): Readonly<Record<string, string>> {
    const { app, topology, engine } = this.#options
    const { log } = this.#options.options
    return {
      version: PACKAGE_VERSION,
      node_version: process.versions.node,
      engine,
      // A log in this process is exactly-once, whatever is asked for.
      guarantee: log.kind === 'kafka' ? app.settings.guarantee : 'exactly_once',
      log: log.kind,
      topology_hash: createHash('sha256').update(describe(topology)).digest('hex').slice(0, 12),
    }
  }
}

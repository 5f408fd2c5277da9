import { join } from 'node:path'
import { MillraceError } from '../errors/millrace-error.ts'
import { readOptions } from '../options/options.ts'
import { systemClock, type Clock } from '../platform/clock.ts'
import { KeptAlive } from '../platform/kept-alive.ts'
import { withFileMode } from '../engine/engine.ts'
import type { Application } from '../application/application.ts'
import type { Topology } from '../topology/topology.ts'
import { decideOn } from '../application/decide-on.ts'
import { carefulListener } from '../application/careful-logger.ts'
import { requireApplication } from '../application/app-module.ts'
import { withLiveChecks, type Health } from '../health/health.ts'
import type { RestoreSnapshot } from '../health/snapshot.ts'
import type { Log } from '../log/log.ts'
import type { MetricsOptions } from '../metrics/metrics-options.ts'
import type { Sample } from '../metrics/samples.ts'
import type { MetricsSnapshot } from '../metrics/snapshot.ts'
import type { Companion, CompanionHost } from './companion.ts'
import { InstanceQueries, openCredentials } from './instance-queries.ts'
import { instancesOf, type Instance } from './instance.ts'
import type { StoreKind, StoreRef } from '../topology/store-ref.ts'
import type { Peers } from '../query/remote/peer-door.ts'
import { knownStore, type AskedStore } from '../query/store-queries.ts'
import { viewOf } from '../query/store-views.ts'
import type { ViewsByKind } from '../query/views.ts'
import { ApplicationState } from './application-state.ts'
import { InstanceCounters } from './counters/instance-counters.ts'
import { Companions } from './companions.ts'
import { DirectoryCleaner } from './state-directory/directory-cleaner.ts'
import { HealthMonitor } from './health-monitor.ts'
import { InstanceMetrics } from './instance-metrics.ts'
import { engineOf, openHost, type StatePlace } from './open-host.ts'
import { replaceThread } from './replace-thread.ts'
import { fencedClient, isFenced } from './state-directory/fenced.ts'
import { claimDirectory, type ClaimedDirectory } from './state-directory/identity.ts'
import { refuseLeftCalls } from './restore/refuse-left-calls.ts'
import { refuseRenamed } from './restore/refuse-renamed.ts'
import { STREAMS_START, type Options, type StreamsOptions } from './streams-options.ts'
import {
  addStatus,
  endedStatus,
  NO_STATUS,
  type ThreadHandle,
  type ThreadHost,
  type ThreadListeners,
} from './thread/thread-handle.ts'
import type { Urgency } from './thread/urgency.ts'
import { requireOutsideStreamThread } from './workers/open-workers.ts'
import { statusOfAll, type StreamsState, type StreamsStatus } from './streams-status.ts'

/**
 * Runs an application: its stream threads, global tables and state.
 *
 * @example
 * ```ts
 * await using streams = await Streams.start(app, { log: kafka({ brokers: ['localhost:9092'] }) })
 * await streams.closed
 * ```
 */
export class Streams implements CompanionHost, AsyncDisposable {
  readonly app: Application
  readonly topology: Topology
  /** The log that `start` was given. */
  readonly log: Log
  readonly #options: Options
  readonly #directory: string
  readonly #clock: Clock
  readonly #cleaner: DirectoryCleaner
  readonly #claim: ClaimedDirectory
  readonly #releaseLog: () => Promise<void>
  readonly #host: ThreadHost
  readonly #companions: Companions
  readonly #health: HealthMonitor
  /** @internal */
  readonly counters = new InstanceCounters()
  readonly #queries: InstanceQueries
  readonly #metrics: InstanceMetrics
  readonly #threads: ThreadHandle[] = []
  /** Status of the threads that were replaced. */
  #replaced = NO_STATUS
  #stopping = false
  #urgency: Urgency = 'in order'
  readonly #hurried = Promise.withResolvers<void>()
  readonly #alive: KeptAlive
  readonly #ended = Promise.withResolvers<void>()
  readonly #state: ApplicationState
  #running: Promise<unknown> = Promise.resolve()

  private constructor(
    app: Application,
    topology: Topology,
    options: Options,
    { directory, home, claim, engine, release, host, credentials }: StatePlace,
  ) {
    const { clock = systemClock, stateCleanupDelay } = options
    this.#state = new ApplicationState(options.onState)
    this.#directory = directory
    this.#clock = clock
    this.#cleaner = new DirectoryCleaner(home, stateCleanupDelay, clock, app.settings.logger)
    this.app = app
    this.topology = topology
    this.log = options.log
    const { counters } = this
    const instance = { app, topology, options, threads: () => this.#threads, state: () => this.state, counters }
    this.#queries = new InstanceQueries({ ...instance, credentials })
    this.#companions = new Companions(options.companions, app.settings.logger)
    const { processId } = claim
    const companions = (): readonly Sample[] => this.#companions.samples()
    this.#metrics = new InstanceMetrics({ ...instance, engine: engine.name, processId, host, clock, companions })
    this.#options = options
    this.#health = new HealthMonitor(clock, options.readyLag, () => ({ state: this.state, threads: this.#threads }))
    this.#claim = claim
    this.#releaseLog = release
    this.#host = host
    this.#alive = new KeptAlive()
    this.#ended.promise.catch(() => {})
  }

  /**
   * Claims the state directory, loads the global tables, joins the group and starts the companions. Resolves before
   * tasks are restored: watch `state` or `whenRunning`.
   *
   * @throws MR_TOPOLOGY…, MR_CONFIG, MR_STATE_LOCKED, MR_LOG_UNREACHABLE, MR_TOPIC_UNKNOWN; MR_TOPOLOGY_RENAMED if
   * state would be left behind under a generated name that has changed; MR_SERVER_TOKENS, MR_SERVER_CERTIFICATE if
   * `peerToken` or `peerTls` cannot be used; with several threads on Kafka also MR_APP_…, MR_THREAD_MODULE,
   * MR_THREAD_LOG, MR_THREAD_DIED; what a companion throws when it starts
   */
  static async start(app: Application, given: StreamsOptions): Promise<Streams> {
    requireOutsideStreamThread()
    requireApplication(app, 'Streams.start()')
    const options = readOptions(STREAMS_START, given, 'Streams.start()')
    const { logger } = app.settings
    const onState = carefulListener('onState', options.onState, logger)
    const onRestore = carefulListener('onRestore', options.onRestore, logger)
    const streams = await Streams.#open(app, { ...options, onState, onRestore })
    try {
      await streams.#companions.start(streams)
    } catch (error) {
      await streams.close().catch(() => {})
      throw error
    }
    return streams
  }

  static async #open(app: Application, options: Options): Promise<Streams> {
    const topology = app.topology()
    const directory = join(options.stateDirectory, app.id)
    const engine = await engineOf(options.engine, app.settings.logger)
    const claim = await claimDirectory(
      withFileMode(engine, options.fileMode),
      directory,
      app.settings.logger,
      options.instanceId,
    )
    let release = async (): Promise<void> => {}
    try {
      release = (await options.log.hold?.({ attach: options.attach })) ?? release
      await refuseRenamed(app, topology, options.log)
      await refuseLeftCalls(app, topology, options.log)
      const credentials = await openCredentials(options, app.settings.logger)
      const host = await openHost({ app, topology, options, engine, directory, claim })
      const place = { directory, claim, engine, release, credentials, ...host }
      const streams = new Streams(app, topology, options, place)
      try {
        streams.#state.enter('rebalancing')
        await place.host.prepare()
        await streams.#startThreads()
        return streams
      } catch (error) {
        streams.#alive.release()
        streams.#cleaner.stop()
        streams.#health.stop()
        await place.host.close().catch((err: unknown) => app.settings.logger.error({ err }, CLOSING_FAILED))
        throw error
      }
    } catch (error) {
      await release()
      await claim.release()
      throw error
    }
  }

  async #startThreads(): Promise<void> {
    const indices = Array.from({ length: this.app.settings.threads }, (_, index) => index)
    this.#threads.push(...(await Promise.all(indices.map((index) => this.#host.open(index, this.#listeners)))))
    this.#running = this.#supervise()
  }

  readonly #listeners: ThreadListeners = {
    onState: (state) => this.#threadState(state),
    onRoutes: (routes) => this.#queries.routes.replace(routes),
    // An error that ends the application meanwhile rejects `closed`, too.
    onShutdownRequest: () => void this.close().catch(() => {}),
    onFailure: (error) => decideOn(error, this.app.settings),
  }

  /** Runs every thread to its end. If one fails and is not replaced, the others are stopped: they commit and leave. */
  async #supervise(): Promise<void> {
    const failures: unknown[] = []
    await Promise.all(
      this.#threads.map(async (_, index) => {
        try {
          await this.#runThread(index)
        } catch (error) {
          failures.push(error)
          this.#state.enter('pending-error')
        }
        await this.#stopThreads()
      }),
    )
    this.#cleaner.stop()
    this.#health.stop()
    this.#queries.close()
    await this.#host.close().catch((error: unknown) => failures.push(error))
    await this.#releaseLog().catch((error: unknown) => failures.push(error))
    await this.#claim.release().catch((error: unknown) => failures.push(error))
    this.#alive.release()
    this.#state.enter(failures.length > 0 ? 'error' : 'not-running')
    if (failures.length > 0) this.#ended.reject(failures[0])
    else this.#ended.resolve()
  }

  async #runThread(index: number): Promise<void> {
    for (;;) {
      const thread = this.#threads[index] as ThreadHandle
      try {
        await thread.run()
        return
      } catch (error) {
        this.app.settings.logger.error({ thread: thread.name, err: error }, 'stream thread failed')
        this.counters.threadFailed(isFenced(error) ? 'fenced' : (thread.failure ?? 'shutdownClient'))
        if (isFenced(error)) throw fencedClient(error, this.#directory, this.#options.instanceId)
        // A thread that failed, but did not die, has notified the group itself.
        if (thread.failure === 'shutdownApplication' && isDeath(error)) await this.#tellGroup(error)
        if (thread.failure !== 'replaceThread' || !this.#state.isAtWork) throw error
        this.#state.enter('rebalancing')
        const replacement = await this.#replace(index)
        this.#replaced = addStatus(this.#replaced, endedStatus(thread.status()))
        this.#metrics.replaced(thread)
        this.#threads[index] = replacement
        // If the application was closed meanwhile, only the old thread was stopped.
        if (this.#stopping) replacement.stop(this.#urgency)
      }
    }
  }

  /** @throws MR_FENCED that names this directory; what the handler does not want to try again */
  async #replace(index: number): Promise<ThreadHandle> {
    try {
      return await replaceThread({
        settings: this.app.settings,
        clock: this.#clock,
        open: () => this.#host.open(index, this.#listeners),
        isEnding: () => !this.#state.isAtWork,
        tellGroup: (cause) => this.#tellGroup(cause),
        onFailure: (decision) => this.counters.threadFailed(decision),
      })
    } catch (error) {
      throw isFenced(error) ? fencedClient(error, this.#directory, this.#options.instanceId) : error
    }
  }

  /** Has another thread ask all instances of the group to stop: a dead one cannot. */
  async #tellGroup(cause: unknown): Promise<void> {
    const alive = this.#threads.find(({ state }) => state === 'running' || state === 'rebalancing')
    if (alive === undefined) {
      this.app.settings.logger.error({ err: cause }, 'no thread is left to ask the other instances to stop')
    } else await alive.shutdownApplication()
  }

  /** Stops the companions first: they may use the stores and the log until they have ended. */
  async #stopThreads(): Promise<void> {
    await Promise.race([this.#companions.stop(), this.#hurried.promise])
    this.#stopping = true
    for (const thread of this.#threads) thread.stop(this.#urgency)
  }

  /** State of the application (Kafka Streams' `KafkaStreams.State`). */
  get state(): StreamsState {
    return this.#state.current
  }

  /** Resolves when the application has ended in good order, rejects with the error that ended it. */
  get closed(): Promise<void> {
    return this.#ended.promise
  }

  /** Resolves when the application is running; rejects if it ends before that. */
  async whenRunning(): Promise<void> {
    while (this.state !== 'running') {
      if (this.#state.hasEnded) {
        await this.closed
        throw new MillraceError('MR_CLOSED', 'the application was closed before it was running')
      }
      await this.#state.next()
    }
  }

  /**
   * Returns whether the application is alive, ready and started, for the probes of Kubernetes and their like, and why.
   * Cheap enough for every second; it never waits for anything.
   *
   * - `live` fails for what a restart may cure: the state `error`; a thread whose event loop a function has held for a
   *   minute, or that has waited for 5 minutes within one turn; records that wait, none of them processed and nothing
   *   committed, for 5 minutes; the restore of a store that has not advanced for 5 minutes. Rebalances, restores that
   *   advance and brokers that do not respond are none. Time for which the machine or the process was paused does not
   *   count.
   * - `ready` fails while the state is not `running`, while stores are restored (but see `readyLag`), and from
   *   `drain()` or `close()` on. The message of a restore has its progress in offsets, and the time that is left.
   * - `startup` fails until every thread was a member of the group. It does not wait for restores.
   *
   * @example
   * ```ts
   * const { ok, checks } = streams.health().ready
   * for (const { name, ok, message } of checks) console.log(`[${ok ? '+' : '-'}]${name} ${message}`)
   * ```
   */
  health(): Health {
    return withLiveChecks(this.#health.health(), this.#companions.checks())
  }

  /** @internal */
  restores(): readonly RestoreSnapshot[] {
    return this.#health.restores()
  }

  /**
   * Takes readiness off, so that requests are sent elsewhere, and changes nothing else: records are processed, stores
   * answer. Call it some seconds before `close()`, as `millrace run` does at SIGTERM: load balancers need that time to
   * notice. It cannot be undone.
   *
   * @example
   * ```ts
   * process.once('SIGTERM', async () => {
   *   streams.drain()
   *   await new Promise((resolve) => setTimeout(resolve, 5_000))
   *   await streams.close()
   * })
   * ```
   */
  drain(): void {
    this.#health.draining = true
  }

  /** @internal */
  get isDraining(): boolean {
    return this.#health.draining
  }

  /**
   * Makes the close that is under way, or the next one, go at once. What was processed is committed all the same. But
   * neither the end of the companions is waited for, nor calls of asynchronous steps: they are made again after the
   * restart. `millrace run` calls it at a second SIGTERM.
   *
   * @example
   * ```ts
   * process.once('SIGINT', () => {
   *   void streams.close()
   *   process.once('SIGINT', () => streams.hurry())
   * })
   * ```
   */
  hurry(): void {
    this.#urgency = 'at once'
    this.#hurried.resolve()
    if (this.#stopping) for (const thread of this.#threads) thread.stop(this.#urgency)
  }

  /**
   * Starts a companion of this application, which already runs, and resolves when it has started. It is stopped before
   * the stream threads, like those that `start` was given.
   *
   * @throws MR_CONFIG for what is no companion, and for a name that another one has; MR_CLOSED when the application is
   * closing; what the companion throws when it starts
   * @example
   * ```ts
   * await streams.attach(new Heartbeat())
   * ```
   */
  async attach(companion: Companion): Promise<void> {
    await this.#companions.attach(companion, this)
  }

  /** Stops a companion before the application closes, and forgets it. Rejects with the error of its `stop`. */
  async detach(companion: Companion): Promise<void> {
    await this.#companions.detach(companion)
  }

  /** Stops the companions, commits, closes the tasks, leaves the group. Rejects with the error that ended it. */
  async close(): Promise<void> {
    if (this.#state.isAtWork) this.#state.enter('pending-shutdown')
    await this.#stopThreads()
    await this.#running
    await this.closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => {})
  }

  /**
   * Returns a store to be asked: by its reference, which has the types, or by its name. It asks whichever thread of
   * this process has the task of a key, or the instance that has it, if instances have a `peerToken`. It waits for
   * tasks that move or are restored. What is read leaves nothing behind in memory.
   *
   * @throws MR_STORE_UNKNOWN; MR_QUERY_KIND if the store is of another kind than the reference
   * @example
   * ```ts
   * const total = await streams.store(totals).get('alice')
   * const { value, age } = await streams.store<KeyValueView<string, Total>>('totals').read('alice')
   * ```
   */
  store<Kind extends StoreKind, K, V>(ref: StoreRef<Kind, K, V>): ViewsByKind<K, V>[Kind]
  store<View extends { readonly name: string }>(name: string): View
  store(named: string | Pick<StoreRef<StoreKind, unknown, unknown>, 'kind' | 'name'>): unknown {
    return viewOf(this.#queries.stores, named)
  }

  /** @internal */
  askedStore(name: string): AskedStore {
    return this.#queries.stores.store(name)
  }

  /** @internal */
  get peers(): Peers {
    return this.#queries
  }

  /**
   * Returns the user's views of a store: one for each task of this process that has it, or the only one of a global
   * table. `S` is the store's type: nothing checks it. They show what is not committed yet.
   *
   * @deprecated Ask `store`, which finds the task of a key, waits for tasks that move, and works with workers.
   * @throws MR_STORE_UNKNOWN; MR_STORE_IN_THREAD where every stream thread is a worker with a memory of its own
   * @example
   * ```ts
   * for (const store of streams.stores<ReadOnlyTimestampedKeyValueStore<string, number>>('counts')) store.get('alice')
   * ```
   */
  stores<S>(name: string): S[] {
    const { global } = knownStore(this.topology, name)
    if (global) return [this.#host.globalStore(name) as S]
    return this.#threads.flatMap((thread) => thread.stores(name) as S[])
  }

  /** Returns what the application has done and is doing, over all threads. Cheap enough for every second. */
  status(): StreamsStatus {
    const ended = addStatus(this.#replaced, { ...NO_STATUS, dropped: [...this.#host.drops.byReason] })
    return statusOfAll(this.state, ended, this.#threads, this.#companions.status())
  }

  /**
   * Returns all metrics of this instance, as of now: `METRICS` has what each of them means.
   * Cheap enough for every second. What workers have counted is at most a second old.
   *
   * @throws MR_CONFIG
   * @example
   * ```ts
   * const { metrics } = streams.metrics({ detail: 'task' })
   * const lag = metrics.find(({ name }) => name === 'millrace_task_input_lag_records')
   * ```
   */
  metrics(options: MetricsOptions = {}): MetricsSnapshot {
    return this.#metrics.snapshot(options)
  }

  /**
   * Returns the instances of the application that this process knows: itself first, then all others that `advertise`
   * where they are reached. They learn of each other by heartbeats, some seconds late. A task that no instance has is
   * on its way from one to another, or with one that advertises nothing: ask again.
   *
   * They are what the group has assigned (KIP-1071), as those of Kafka Streams' `metadataForAllStreamsClients` are.
   *
   * @example
   * ```ts
   * const owner = streams.instances().find(({ active }) => active.includes('0_3'))
   * if (owner !== undefined && !owner.isLocal) await fetch(`http://${owner.endpoint}/readyz`)
   * ```
   */
  instances(): Instance[] {
    return instancesOf(this.#options.advertise, this.status(), this.#queries.routes)
  }

  #threadState(state: ThreadHandle['state']): void {
    if (!this.#state.isAtWork) return
    const all = this.#threads.every((thread) => thread.state === 'running')
    if (all) this.#state.enter('running')
    else if (state === 'rebalancing') this.#state.enter('rebalancing')
  }
}

function isDeath(error: unknown): boolean {
  return error instanceof MillraceError && error.code === 'MR_THREAD_DIED'
}

const CLOSING_FAILED = 'what was opened before the application failed to start could not be closed'

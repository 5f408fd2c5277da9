import { join } from 'node:path'
import { MillraceError } from '../errors.ts'
import { parseTaskId } from '../log/group.ts'
import type { Log } from '../log/log.ts'
import { systemClock, type Clock } from '../platform/clock.ts'
import { eventLoopScheduler, type Scheduler } from '../platform/scheduler.ts'
import type { DropReason } from '../record/drop-reason.ts'
import type { EngineFactory, EngineName } from '../state/engine.ts'
import { chooseEngine } from '../state/engines/choose.ts'
import type { Application, Logger, UncaughtErrorDecision } from '../topology/application.ts'
import { subtopologiesForGroup } from '../topology/subtopologies-for-group.ts'
import type { Topology } from '../topology/topology.ts'
import { GlobalTables } from './global-tables.ts'
import { DirectoryCleaner } from './directory-cleaner.ts'
import { fencedClient, isFenced } from './fenced.ts'
import { claimDirectory, type ClaimedDirectory } from './identity.ts'
import type { RestoreListener } from './restorer.ts'
import { stateHome, type StateHome } from './state-home.ts'
import type { StandbyLag } from './standby-tasks.ts'
import { runSteps } from './steps.ts'
import { StreamThread, type ThreadState } from './stream-thread.ts'
import { TaskManager } from './task-manager.ts'

/** As in Kafka Streams: `rebalancing` until every thread runs and every store is restored. */
export type StreamsState =
  | 'created'
  | 'rebalancing'
  | 'running'
  | 'pending-shutdown'
  | 'not-running'
  | 'pending-error'
  | 'error'

/** Where an application runs, and who is told. */
export interface StreamsOptions {
  /** Where the records are: `kafka({ brokers })`, `embeddedLog({ directory })` or `memoryLog()`. Stays open when the app closes. */
  readonly log: Log
  /** State lies in `<stateDirectory>/<application id>`. Default: `.millrace/state` in the working directory. */
  readonly stateDirectory?: string
  /** What the state is kept in. Default: RocksDB, or LevelDB on a platform without its binary. */
  readonly engine?: EngineFactory | EngineName
  /**
   * Names this instance for good, as a StatefulSet names its pods: it gets its tasks back at once after a restart on an empty
   * disk, too. Every instance needs one of its own. In a group of Kafka's classic protocol an instance that stops keeps its
   * tasks for the session timeout, so that a restart moves nothing. Default: an id kept in the state directory, which a copy of the directory
   * does not share.
   */
  readonly instanceId?: string
  /** ms for which the state of a task that went to another instance is kept (Kafka's `state.cleanup.delay.ms`). Default: 10 minutes. */
  readonly stateCleanupDelay?: number
  /** Wall-clock time; this machine's if not given. */
  readonly clock?: Clock
  /** When threads yield; the event loop's order if not given. */
  readonly scheduler?: Scheduler
  /** Told of every change of state. */
  readonly onState?: (state: StreamsState, previous: StreamsState) => void
  /** Told how far stores are that are being restored. */
  readonly onRestore?: RestoreListener
}

/** What an application has done and is doing, as of now. */
export interface StreamsStatus {
  readonly state: StreamsState
  /** Records processed. */
  readonly processed: number
  /** Records written to topics of the user and to repartition topics. */
  readonly written: number
  /** Records known to wait in the log. */
  readonly lag: number
  readonly commits: number
  /** Records dropped, by reason. */
  readonly dropped: ReadonlyMap<DropReason, number>
  readonly tasks: readonly TaskStatus[]
  /** Copies of the stores of tasks that run elsewhere. */
  readonly standbys: readonly StandbyStatus[]
}

/** How far a standby is behind. */
export interface StandbyStatus extends StandbyLag {
  readonly thread: string
}

/** What one running task has done. */
export interface TaskStatus {
  /** `<subtopology>_<partition>` */
  readonly id: string
  readonly thread: string
  /** ms since the epoch; -1 before the first record. */
  readonly streamTime: number
  readonly processed: number
}

interface StatePlace {
  readonly directory: string
  readonly home: StateHome
  readonly claim: ClaimedDirectory
}

/**
 * Runs an application: its stream threads, global tables and state.
 *
 * @example
 * ```ts
 * await using streams = await Streams.start(app, { log: kafka({ brokers: ['localhost:9092'] }) })
 * await streams.closed
 * ```
 */
export class Streams implements AsyncDisposable {
  readonly app: Application
  readonly topology: Topology
  readonly #options: StreamsOptions
  readonly #directory: string
  readonly #home: StateHome
  readonly #cleaner: DirectoryCleaner
  readonly #claim: ClaimedDirectory
  readonly #globals: GlobalTables
  readonly #threads: StreamThread[] = []
  readonly #keepAlive: NodeJS.Timeout
  readonly #ended = Promise.withResolvers<void>()
  #state: StreamsState = 'created'
  #running: Promise<unknown> = Promise.resolve()

  private constructor(
    app: Application,
    topology: Topology,
    options: StreamsOptions,
    { directory, home, claim }: StatePlace,
    globals: GlobalTables,
  ) {
    const { clock = systemClock, stateCleanupDelay = STATE_CLEANUP_DELAY } = options
    this.#directory = directory
    this.#cleaner = new DirectoryCleaner(home, stateCleanupDelay, clock, app.settings.logger)
    this.app = app
    this.topology = topology
    this.#options = options
    this.#home = home
    this.#claim = claim
    this.#globals = globals
    // Timers of the ports never keep a process alive; a running application does.
    this.#keepAlive = setInterval(() => {}, 60_000)
    this.#ended.promise.catch(() => {})
  }

  /**
   * Claims the state directory, loads the global tables and joins the group. Resolves before tasks are restored: watch
   * `state` or `whenRunning`.
   *
   * @throws MR_TOPOLOGY…, MR_CONFIG, MR_STATE_LOCKED, MR_LOG_UNREACHABLE, MR_TOPIC_UNKNOWN
   */
  static async start(app: Application, options: StreamsOptions): Promise<Streams> {
    const topology = app.topology()
    const clock = options.clock ?? systemClock
    const directory = join(options.stateDirectory ?? join('.millrace', 'state'), app.id)
    const engine = await engineOf(options.engine, app.settings.logger)
    const claim = await claimDirectory(engine, directory, app.settings.logger, options.instanceId)
    try {
      const home = stateHome(engine, directory)
      const globals = await runSteps(GlobalTables.open(app, topology, options.log, home, clock))
      const streams = new Streams(app, topology, options, { directory, home, claim }, globals)
      try {
        streams.#enter('rebalancing')
        await runSteps(globals.bootstrap())
        await streams.#startThreads()
        return streams
      } catch (error) {
        clearInterval(streams.#keepAlive)
        streams.#cleaner.stop()
        await runSteps(globals.close())
        throw error
      }
    } catch (error) {
      await claim.release()
      throw error
    }
  }

  async #startThreads(): Promise<void> {
    for (let i = 0; i < this.app.settings.threads; i++) this.#threads.push(await this.#openThread(i))
    this.#running = this.#supervise()
  }

  async #openThread(index: number): Promise<StreamThread> {
    const { app, topology } = this
    const { log, instanceId, onRestore = () => {}, clock = systemClock, scheduler = eventLoopScheduler } = this.#options
    const { processId } = this.#claim
    const name = `${app.id}-${processId}-StreamThread-${index + 1}`
    const client = await log.openClient({
      groupId: app.id,
      processId,
      subtopologies: subtopologiesForGroup(topology, app.id, app.settings.replicationFactor),
      rebalanceTimeout: REBALANCE_TIMEOUT,
      standbyReplicas: app.settings.standbyReplicas,
      instanceId: instanceId === undefined ? undefined : `${instanceId}-${index + 1}`,
      storedTasks: this.#home.unheld().flatMap((task) => parseTaskId(task) ?? []),
      guarantee: app.settings.guarantee,
      clientId: name,
      transactionalId: `${app.id}-${processId}-${index + 1}`,
    })
    const manager = new TaskManager({
      app,
      topology,
      log,
      client,
      home: this.#home,
      globals: this.#globals,
      clock,
      onRestore,
      tasks: 'real',
      checkEveryValue: false,
    })
    return new StreamThread({
      name,
      client,
      manager,
      globals: this.#globals,
      settings: app.settings,
      clock,
      scheduler,
      onState: (state) => this.#threadState(state),
      onShutdownRequest: () => void this.close(),
      onFailure: (error) => this.#decide(error),
    })
  }

  #decide(error: unknown): UncaughtErrorDecision {
    const { onUncaughtError, logger } = this.app.settings
    if (typeof onUncaughtError !== 'function') return onUncaughtError
    try {
      return onUncaughtError(error)
    } catch (cause) {
      logger.error({ err: cause }, 'onUncaughtError threw; the client is shut down')
      return 'shutdownClient'
    }
  }

  /** Runs every thread to its end. One that fails ends the application, the others committing and leaving, unless it is to be replaced. */
  async #supervise(): Promise<void> {
    const failures: unknown[] = []
    await Promise.all(
      this.#threads.map(async (_, index) => {
        try {
          await this.#runThread(index)
        } catch (error) {
          failures.push(error)
          this.#enter('pending-error')
        }
        for (const other of this.#threads) other.stop()
      }),
    )
    this.#cleaner.stop()
    try {
      await runSteps(this.#globals.close())
      await this.#claim.release()
    } catch (error) {
      failures.push(error)
    }
    clearInterval(this.#keepAlive)
    this.#enter(failures.length > 0 ? 'error' : 'not-running')
    if (failures.length > 0) this.#ended.reject(failures[0])
    else this.#ended.resolve()
  }

  async #runThread(index: number): Promise<void> {
    for (;;) {
      const thread = this.#threads[index] as StreamThread
      try {
        await thread.run()
        return
      } catch (error) {
        this.app.settings.logger.error({ thread: thread.name, err: error }, 'stream thread failed')
        if (isFenced(error)) throw fencedClient(error, this.#directory, this.#options.instanceId)
        const ending = this.#state !== 'rebalancing' && this.#state !== 'running'
        if (thread.failure !== 'replaceThread' || ending) throw error
        this.#enter('rebalancing')
        this.#threads[index] = await this.#openThread(index)
      }
    }
  }

  /** As in Kafka Streams, which calls them `KafkaStreams.State`. */
  get state(): StreamsState {
    return this.#state
  }

  /** Resolves when the application has ended in good order, rejects with the error that ended it. */
  get closed(): Promise<void> {
    return this.#ended.promise
  }

  /** Resolves when the application is running; rejects if it ends before. */
  async whenRunning(): Promise<void> {
    while (this.#state !== 'running') {
      if (this.#state === 'not-running' || this.#state === 'error') {
        await this.closed
        throw new MillraceError('MR_CLOSED', 'the application was closed before it was running')
      }
      await new Promise<void>((resolve) => this.#watchers.push(resolve))
    }
  }
  readonly #watchers: (() => void)[] = []

  /** Commits, closes every task, leaves the group. Rejects with the error that ended the application, if one did. */
  async close(): Promise<void> {
    if (this.#state === 'rebalancing' || this.#state === 'running') this.#enter('pending-shutdown')
    for (const thread of this.#threads) thread.stop()
    await this.#running
    await this.closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close().catch(() => {})
  }

  /**
   * The user's views of a store, one for each task of this process that has it; of a global table, the one there is. `S` is the
   * store's type: nothing checks it.
   *
   * @throws MR_STORE_UNKNOWN
   * @example
   * ```ts
   * for (const counts of streams.stores<ReadOnlyTimestampedKeyValueStore<string, number>>('counts')) counts.get('alice')
   * ```
   */
  stores<S>(name: string): S[] {
    const spec = this.topology.stores.get(name)
    if (spec === undefined) {
      throw new MillraceError('MR_STORE_UNKNOWN', `the topology has no store "${name}"`, {
        store: name,
        hint: `Its stores are: ${[...this.topology.stores.keys()].join(', ') || 'none'}.`,
      })
    }
    if (spec.global) return [this.#globals.userStore(name) as S]
    return this.#threads.flatMap((thread) => thread.manager.states(name).map(({ state }) => state.userStore(name) as S))
  }

  /** What the application has done and is doing, counted over all threads. Cheap enough for every second. */
  status(): StreamsStatus {
    const dropped = new Map<DropReason, number>()
    const add = (counts: ReadonlyMap<DropReason, number>): void => {
      for (const [reason, count] of counts) dropped.set(reason, (dropped.get(reason) ?? 0) + count)
    }
    const tasks: TaskStatus[] = []
    const standbys: StandbyStatus[] = []
    let processed = 0
    let written = 0
    let lag = 0
    let commits = 0
    add(this.#globals.drops.byReason)
    for (const thread of this.#threads) {
      const { manager } = thread
      add(manager.closedDrops.byReason)
      processed += manager.processedByClosedTasks
      written += manager.written
      commits += thread.commits
      for (const standby of manager.standbyLags) standbys.push({ ...standby, thread: thread.name })
      for (const task of manager.tasks) {
        add(task.drops.byReason)
        processed += task.processed
        for (const queue of task.queues) lag += queue.size + (manager.lag(queue.topic, queue.partition) ?? 0)
        tasks.push({ id: task.id, thread: thread.name, streamTime: task.streamTime, processed: task.processed })
      }
    }
    return { state: this.#state, processed, written, lag, commits, dropped, tasks, standbys }
  }

  #threadState(state: ThreadState): void {
    if (this.#state !== 'rebalancing' && this.#state !== 'running') return
    const all = this.#threads.every((thread) => thread.state === 'running')
    if (all) this.#enter('running')
    else if (state === 'rebalancing') this.#enter('rebalancing')
  }

  #enter(state: StreamsState): void {
    const previous = this.#state
    if (state === previous || previous === 'error' || previous === 'not-running') return
    if (previous === 'pending-error' && state !== 'error') return
    this.#state = state
    this.#options.onState?.(state, previous)
    for (const watcher of this.#watchers.splice(0)) watcher()
  }
}

async function engineOf(engine: EngineFactory | EngineName | undefined, logger: Logger): Promise<EngineFactory> {
  if (typeof engine === 'object') return engine
  const { factory, note } = await chooseEngine(engine)
  if (note === undefined) logger.info({ engine: factory.name }, 'state engine chosen')
  else logger.warn({ engine: factory.name }, note)
  return factory
}

/** ms for which Kafka Streams keeps them. */
const STATE_CLEANUP_DELAY = 600_000
/** ms a member may take to give up revoked tasks: long enough for a commit under load. */
const REBALANCE_TIMEOUT = 300_000

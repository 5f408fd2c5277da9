import { join } from 'node:path'
import { MillraceError } from '../errors.ts'
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
import { claimDirectory, type ClaimedDirectory } from './identity.ts'
import type { RestoreListener } from './restorer.ts'
import { stateHome, type StateHome } from './state-home.ts'
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

export interface StreamsOptions {
  /** Where the records are: `kafka({ brokers })`, `embeddedLog({ directory })` or `memoryLog()`. Stays open when the app closes. */
  readonly log: Log
  /** State lies in `<stateDirectory>/<application id>`. Default: `.millrace/state` in the working directory. */
  readonly stateDirectory?: string
  /** What the state is kept in. Default: RocksDB, or LevelDB on a platform without its binary. */
  readonly engine?: EngineFactory | EngineName
  readonly clock?: Clock
  readonly scheduler?: Scheduler
  readonly onState?: (state: StreamsState, previous: StreamsState) => void
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
  readonly dropped: ReadonlyMap<DropReason, number>
  readonly tasks: readonly TaskStatus[]
}

export interface TaskStatus {
  readonly id: string
  readonly thread: string
  /** ms since the epoch; -1 before the first record. */
  readonly streamTime: number
  readonly processed: number
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
  readonly #home: StateHome
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
    home: StateHome,
    claim: ClaimedDirectory,
    globals: GlobalTables,
  ) {
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
    const claim = await claimDirectory(engine, directory)
    try {
      const home = stateHome(engine, directory)
      const globals = await runSteps(GlobalTables.open(app, topology, options.log, home, clock))
      const streams = new Streams(app, topology, options, home, claim, globals)
      try {
        streams.#enter('rebalancing')
        await runSteps(globals.bootstrap())
        await streams.#startThreads()
        return streams
      } catch (error) {
        clearInterval(streams.#keepAlive)
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
    const { log, onRestore = () => {}, clock = systemClock, scheduler = eventLoopScheduler } = this.#options
    const { processId } = this.#claim
    const name = `${app.id}-${processId}-StreamThread-${index + 1}`
    const client = await log.openClient({
      groupId: app.id,
      processId,
      subtopologies: subtopologiesForGroup(topology, app.id, app.settings.replicationFactor),
      rebalanceTimeout: REBALANCE_TIMEOUT,
      standbyReplicas: app.settings.standbyReplicas,
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
        const ending = this.#state !== 'rebalancing' && this.#state !== 'running'
        if (thread.failure !== 'replaceThread' || ending) throw error
        this.#enter('rebalancing')
        this.#threads[index] = await this.#openThread(index)
      }
    }
  }

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
   * The user's views of a store, one for each task of this process that has it; of a global table, the one there is.
   *
   * @throws MR_STORE_UNKNOWN
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

  status(): StreamsStatus {
    const dropped = new Map<DropReason, number>()
    const add = (counts: ReadonlyMap<DropReason, number>): void => {
      for (const [reason, count] of counts) dropped.set(reason, (dropped.get(reason) ?? 0) + count)
    }
    const tasks: TaskStatus[] = []
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
      for (const task of manager.tasks) {
        add(task.drops.byReason)
        processed += task.processed
        for (const queue of task.queues) lag += queue.size + (manager.lag(queue.topic, queue.partition) ?? 0)
        tasks.push({ id: task.id, thread: thread.name, streamTime: task.streamTime, processed: task.processed })
      }
    }
    return { state: this.#state, processed, written, lag, commits, dropped, tasks }
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

/** ms a member may take to give up revoked tasks: long enough for a commit under load. */
const REBALANCE_TIMEOUT = 300_000

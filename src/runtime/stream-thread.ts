import { MillraceError } from '../errors.ts'
import { taskIdText, type GroupEvent, type TaskId } from '../log/group.ts'
import type { LogClient } from '../log/log.ts'
import type { Clock } from '../platform/clock.ts'
import type { Scheduler } from '../platform/scheduler.ts'
import type { Settings, UncaughtErrorDecision } from '../topology/application.ts'
import type { GlobalTables } from './global-tables.ts'
import { runSteps } from './steps.ts'
import type { TaskManager } from './task-manager.ts'
import { WakeUp } from './wake-up.ts'

export type ThreadState = 'starting' | 'rebalancing' | 'running' | 'stopping' | 'dead'

export interface StreamThreadOptions {
  readonly name: string
  readonly client: LogClient
  readonly manager: TaskManager
  readonly globals: GlobalTables
  readonly settings: Settings
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly onState: (state: ThreadState) => void
  /** Another member asked the whole application to stop. */
  readonly onShutdownRequest: () => void
  /** Decides what an error that ends this thread does to the application. */
  readonly onFailure: (error: unknown) => UncaughtErrorDecision
}

/** ms between two commits unless the application says otherwise; by what the log does, not by what was asked of it. */
const COMMIT_INTERVAL = { at_least_once: 30_000, exactly_once: 100 }
/** Longest time (ms) of processing before I/O, timers and other threads of the event loop get their turn. */
const SLICE = 10
/** Records between two looks at the clock within a slice. */
const RECORDS_PER_LOOK = 100
/** Longest sleep (ms) when there is nothing to do. */
const MAX_IDLE = 100
/** Held-back writes beyond this make a commit due before its time. */
const MAX_DIRTY_BYTES = 64 * 1024 * 1024
/** ms to wait before redoing from the last commit. */
const REDO_BACKOFF = 100

/**
 * The loop of one stream thread: group events, fetched records, slices of processing, punctuation, commits. Everything that
 * changes tasks happens here, one after the other.
 */
export class StreamThread {
  readonly name: string
  readonly #options: StreamThreadOptions
  readonly #wake: WakeUp
  readonly #commitInterval: number
  #state: ThreadState = 'starting'
  #stopping = false
  #failure: UncaughtErrorDecision | undefined
  #lastCommit = 0
  #failingSince = -1
  /** Tasks closed dirty that are to be opened again if they are still ours after the pending group events. */
  #rebuild: readonly TaskId[] = []
  /** Wall-clock time (ms) of the last turn of the loop. */
  lastTurn = 0
  commits = 0

  constructor(options: StreamThreadOptions) {
    this.name = options.name
    this.#options = options
    this.#wake = new WakeUp(options.clock)
    this.#commitInterval = options.settings.commitInterval ?? COMMIT_INTERVAL[options.client.guarantee]
  }

  get state(): ThreadState {
    return this.#state
  }

  /** What was decided about the error that ended the thread. */
  get failure(): UncaughtErrorDecision | undefined {
    return this.#failure
  }

  get manager(): TaskManager {
    return this.#options.manager
  }

  /** Asks the loop to commit, close its tasks, leave the group and end. */
  stop(): void {
    this.#stopping = true
    this.#wake.signal()
  }

  /** Resolves after a stop, rejects with what ended the thread. Nothing is committed that was not processed. */
  async run(): Promise<void> {
    const { client, manager, globals, clock } = this.#options
    const wake = (): void => this.#wake.signal()
    manager.onReady(wake)
    globals.onReady(wake)
    client.group.onEvent(wake)
    this.#lastCommit = clock.now()
    try {
      await client.group.join()
      this.#enter('rebalancing')
      while (!this.#stopping) await this.#turn().catch((error: unknown) => this.#onRefusal(error))
      this.#enter('stopping')
      await this.#finish()
    } catch (error) {
      this.#enter('stopping')
      this.#failure = this.#options.onFailure(error)
      await this.#giveUp(error)
      throw error
    } finally {
      manager.onReady(undefined)
      client.group.onEvent(undefined)
      manager.close()
      this.#enter('dead')
    }
  }

  async #turn(): Promise<void> {
    const { client, manager, globals, clock, scheduler } = this.#options
    this.lastTurn = clock.now()
    for (let event = client.group.nextEvent(); event !== undefined; event = client.group.nextEvent()) {
      await this.#onGroupEvent(event)
      if (this.#stopping) return
    }
    if (this.#rebuild.length > 0) {
      const tasks = this.#rebuild
      this.#rebuild = []
      await runSteps(manager.assign(tasks))
    }
    const wasRestoring = manager.restoring
    const restored = await runSteps(manager.restore())
    if (wasRestoring && !manager.restoring) this.#enter('running')
    const applied = globals.poll()
    if (globals.writeDue) await runSteps(globals.write())
    const arrived = manager.poll()
    const processed = this.#slice()
    const punctuated = manager.punctuate(clock.now())
    if (this.#commitDue()) await this.#commit()
    if (processed > 0 || arrived > 0 || applied || restored || punctuated) {
      await scheduler.yield()
      return
    }
    await this.#wake.wait(this.#idleTime())
  }

  #slice(): number {
    const { manager, clock } = this.#options
    const end = clock.now() + SLICE
    let processed = 0
    for (;;) {
      const count = manager.process(RECORDS_PER_LOOK)
      processed += count
      if (count === 0 || clock.now() >= end) return processed
    }
  }

  #idleTime(): number {
    const { manager, clock } = this.#options
    const now = clock.now()
    let until = Math.min(now + MAX_IDLE, manager.nextPunctuation)
    if (manager.commitNeeded) until = Math.min(until, this.#lastCommit + this.#commitInterval)
    return Math.max(0, until - now)
  }

  #commitDue(): boolean {
    const { manager, clock } = this.#options
    if (clock.now() - this.#lastCommit >= this.#commitInterval) return true
    return manager.commitRequested || manager.dirtyBytes > MAX_DIRTY_BYTES
  }

  async #commit(): Promise<void> {
    const { manager, clock } = this.#options
    if (manager.commitNeeded) {
      const outcome = await runSteps(manager.commit())
      if (outcome === 'committed') {
        this.commits++
        this.#failingSince = -1
      } else await this.#redo(outcome)
    }
    this.#lastCommit = clock.now()
  }

  /** The commit did not happen, or nobody knows: every task goes back to what is committed. */
  async #redo(reason: string): Promise<void> {
    const { manager, clock, settings } = this.#options
    const now = clock.now()
    if (this.#failingSince < 0) this.#failingSince = now
    if (now - this.#failingSince > settings.taskTimeout) {
      throw new MillraceError(
        'MR_COMMIT',
        `commits have been failing for ${now - this.#failingSince} ms (last outcome: ${reason})`,
        {
          hint: 'Nothing is lost: the records since the last commit are processed again after a restart.',
        },
      )
    }
    settings.logger.warn({ thread: this.name, outcome: reason }, 'commit failed; going back to the last commit')
    this.#rebuild = manager.owned
    await runSteps(manager.closeDirty())
    await this.#wake.wait(REDO_BACKOFF)
  }

  /** The log refuses a member that the group has given up; the group tells of it, too, and then the thread goes on. */
  async #onRefusal(error: unknown): Promise<void> {
    const isFenced = error instanceof MillraceError && error.code === 'MR_FENCED'
    const event = isFenced ? this.#options.client.group.nextEvent() : undefined
    if (event?.type !== 'lost') throw error
    await this.#onGroupEvent(event)
  }

  async #onGroupEvent(event: GroupEvent): Promise<void> {
    const { client, manager, settings } = this.#options
    switch (event.type) {
      case 'assigned':
        settings.logger.info(
          { thread: this.name, tasks: event.active.map(taskIdText), standbys: event.standby.map(taskIdText) },
          'tasks assigned',
        )
        this.#rebuild = []
        await runSteps(manager.assign(event.active, event.standby))
        client.group.acknowledge()
        this.#enter(manager.restoring ? 'rebalancing' : 'running')
        return
      case 'revoked': {
        settings.logger.info({ thread: this.name, tasks: event.active.map(taskIdText) }, 'tasks revoked')
        this.#rebuild = without(this.#rebuild, event.active)
        this.#enter('rebalancing')
        const outcome = await runSteps(manager.revoke(event.active))
        if (outcome !== 'committed') await runSteps(manager.closeDirty())
        client.group.acknowledge()
        return
      }
      case 'lost':
        settings.logger.warn(
          { thread: this.name, reason: event.reason },
          'membership lost; tasks are closed without a commit',
        )
        this.#enter('rebalancing')
        this.#rebuild = []
        await runSteps(manager.closeDirty())
        return
      case 'waiting':
        // Told once, and only of what does not pass by itself: without an end here it would be waited for in silence.
        throw event.error
      case 'shutdown':
        this.#options.onShutdownRequest()
        this.#stopping = true
        return
      case 'failed':
        throw event.error
    }
  }

  async #finish(): Promise<void> {
    const { client, manager } = this.#options
    const outcome = await runSteps(manager.closeClean())
    await runSteps(manager.closeStandbys())
    await client.group.leave()
    await client.close()
    if (outcome === 'committed') return
    throw new MillraceError('MR_COMMIT', `the last commit could not be made (${outcome})`, {
      hint: 'Nothing is lost: the records since the last commit are processed again after a restart.',
    })
  }

  /** After an error: nothing may be committed any more; the first error is the one to report. */
  async #giveUp(cause: unknown): Promise<void> {
    const { client, manager, settings } = this.#options
    try {
      await runSteps(manager.closeStandbys())
      await runSteps(manager.closeDirty())
      manager.distrust(cause)
      if (this.#failure === 'shutdownApplication') await client.group.shutdownApplication()
      await client.group.leave()
      await client.close()
    } catch (error) {
      settings.logger.error({ thread: this.name, err: error, cause }, 'closing after an error failed')
    }
  }

  #enter(state: ThreadState): void {
    if (this.#state === state || this.#state === 'dead') return
    this.#state = state
    this.#options.onState(state)
  }
}

function without(tasks: readonly TaskId[], removed: readonly TaskId[]): TaskId[] {
  const names = new Set(removed.map(taskIdText))
  return tasks.filter((task) => !names.has(taskIdText(task)))
}

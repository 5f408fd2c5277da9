import { MillraceError } from '../../errors/millrace-error.ts'
import { taskIdText, type GroupEvent, type TaskId } from '../../group/group.ts'
import type { CommitOutcome, LogClient } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import { isPromise, type MaybePromise } from '../../platform/maybe-promise.ts'
import type { Scheduler } from '../../platform/scheduler.ts'
import type { Settings, UncaughtErrorDecision } from '../../application/application.ts'
import { commitIntervalOf } from '../../application/commit-interval.ts'
import type { Topology } from '../../topology/topology.ts'
import type { GlobalTables } from './global-tables.ts'
import { without } from './assigned-tasks.ts'
import { replacedRepartition } from './left-inputs.ts'
import { OverlongCallback } from './overlong-callback.ts'
import { Slice, type Hold } from '../../platform/slice.ts'
import type { RepeatedLines } from '../../application/repeated-lines.ts'
import { readsTopic } from '../restore/start-offsets.ts'
import { runSteps } from '../../platform/steps.ts'
import type { Activity } from '../counters/activities.ts'
import { commitsFail, deletedOutput, passing } from './failing-commits.ts'
import { NodeSampler } from './node-sampler.ts'
import type { TaskManager } from './task-manager.ts'
import type { ThreadSigns } from './thread-signs.ts'
import type { Urgency } from './urgency.ts'
import { Waiting } from './waiting.ts'
import { WakeUp } from '../../platform/wake-up.ts'

export const THREAD_STATES = ['starting', 'rebalancing', 'running', 'stopping', 'dead'] as const
export type ThreadState = (typeof THREAD_STATES)[number]

/** What a thread tells and asks its application. */
export interface StreamThreadListeners {
  readonly onState: (state: ThreadState) => void
  /** Another member asked the whole application to stop. */
  readonly onShutdownRequest: () => void
  /** Decides what an error that ends the thread does to the application. */
  readonly onFailure: (error: unknown) => MaybePromise<UncaughtErrorDecision>
}

export interface StreamThreadOptions extends StreamThreadListeners {
  readonly name: string
  readonly client: LogClient
  readonly topology: Topology
  /** Topics that are waited for because they are written to. */
  readonly missingOutputs: ReadonlySet<string>
  readonly manager: TaskManager
  readonly globals: GlobalTables
  readonly settings: Settings
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly lines: RepeatedLines
  readonly signs: ThreadSigns
}

/** Records of a task after which the other sub-topologies get their turn. */
const RECORDS_PER_TURN = 100
/** Longest sleep (ms) when there is nothing to do. */
const MAX_IDLE = 100
/** ms between two looks for a topic that is missing. */
const TOPIC_INTERVAL = 500
/** ms to wait before redoing from the last commit. */
const REDO_BACKOFF = 100

/**
 * The loop of one stream thread: group events, fetched records, slices of processing, punctuation, commits. Everything
 * that changes tasks happens here, one after the other.
 */
export class StreamThread {
  readonly name: string
  readonly signs: ThreadSigns
  readonly #options: StreamThreadOptions
  readonly #wake: WakeUp
  readonly #commitInterval: number
  #state: ThreadState = 'starting'
  #stopping: Urgency | undefined
  #failure: UncaughtErrorDecision | undefined
  #lastCommit = 0
  /** A commit that was begun and has not been concluded. */
  #pending: { readonly outcome: Promise<CommitOutcome>; isOver: boolean; readonly since: number } | undefined
  /** When the first of the commits failed that have been failing since; -1: the last one succeeded. */
  #failingSince = -1
  #failedAt = -1
  /** Records of the commit that failed that are not processed again yet, about. */
  #toRedo = 0
  readonly #waiting: Waiting
  readonly #slice: Slice
  readonly #overlong: OverlongCallback
  readonly #sampler: NodeSampler
  /** Tasks closed dirty that are to be opened again if they are still ours after the pending group events. */
  #rebuild: readonly TaskId[] = []
  commits = 0
  /** How often it went back to the last commit because the next one failed. */
  redone = 0

  constructor(options: StreamThreadOptions) {
    this.name = options.name
    this.signs = options.signs
    this.#options = options
    this.#wake = new WakeUp(options.clock)
    this.#waiting = new Waiting(options)
    const { clock, scheduler, manager, settings } = options
    this.#slice = new Slice(clock, scheduler, () => manager.readable.areAsked)
    this.#sampler = new NodeSampler(manager.counters, clock)
    this.#overlong = new OverlongCallback(this.#slice, manager, clock, settings.logger)
    this.#commitInterval = commitIntervalOf(settings, options.client.guarantee)
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

  /** When the coordinator of the group was last heard of, by the monotonic clock. */
  get heardAt(): number | undefined {
    return this.#options.client.group.heardAt
  }

  get longestHold(): Hold {
    return this.#slice.longestHold
  }

  /** Asks the loop to commit, close its tasks, leave the group and end. */
  stop(urgency: Urgency): void {
    if (this.#stopping !== 'at once') this.#stopping = urgency
    this.#wake.signal()
  }

  /** Asks every member of the group to stop. Where that fails, this instance ends all the same. */
  async shutdownApplication(): Promise<void> {
    await this.#attempt('cannot tell other instances to stop', () => this.#options.client.group.shutdownApplication())
  }

  /** Closes a thread that was opened and has never run. */
  async close(): Promise<void> {
    this.manager.close()
    await this.#options.client.close()
  }

  /** Resolves after a stop, rejects with what ended the thread. Nothing is committed that was not processed. */
  async run(): Promise<void> {
    const { client, manager, globals, clock } = this.#options
    const wake = (): void => this.#wake.signal()
    manager.onReady(wake)
    globals.onReady(wake)
    client.group.onEvent(wake)
    this.#lastCommit = clock.monotonic()
    try {
      await client.group.join()
      this.#enter('rebalancing')
      while (this.#stopping === undefined) await this.#turn().catch((error: unknown) => this.#onRefusal(error))
      this.#enter('stopping')
      await this.#finish()
    } catch (error) {
      this.#enter('stopping')
      await this.#forgetCommit()
      const decision = this.#options.onFailure(error)
      this.#failure = isPromise(decision) ? await decision : decision
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
    this.signs.turns++
    const { client, manager, globals, scheduler, clock } = this.#options
    this.#enterActivity('restore')
    if (this.#pending?.isOver === true) await this.#concludeCommit()
    for (let event = client.group.nextEvent(); event !== undefined; event = client.group.nextEvent()) {
      await this.#onGroupEvent(event)
      if (this.#stopping !== undefined) return
    }
    this.#waiting.check()
    if (this.#rebuild.length > 0) {
      const tasks = this.#rebuild
      this.#rebuild = []
      await runSteps(manager.assign(tasks))
      this.#waiting.opened()
      if (!manager.restoring) this.#enter('running')
    }
    const wasRestoring = manager.restoring
    if (wasRestoring) await this.#concludeCommit()
    const restored = await runSteps(manager.restore())
    if (wasRestoring && !manager.restoring) this.#enter('running')
    const applied = globals.poll()
    if (globals.writeDue) await runSteps(globals.write())
    this.#enterActivity('process')
    const arrived = manager.poll()
    this.#slice.begin()
    if (!manager.areNodesTimed) this.#sampler.begin(manager.tasks)
    let processed = this.#process()
    // Calls that end at once are not worth a turn of the event loop each.
    while (manager.callsRunning && !this.#slice.look()) {
      await Promise.resolve()
      const more = this.#process()
      if (more === 0) break
      processed += more
    }
    this.#sampler.end(processed)
    this.#enterActivity('punctuate')
    const punctuated = this.#punctuate()
    manager.counters.settle(clock.now(), clock.monotonic())
    this.#enterActivity('commit')
    const toRedo = this.#toRedo
    if (this.#commitDue()) await this.#commit()
    if (this.#toRedo === toRedo && toRedo > 0) this.#toRedo -= processed
    if (processed > 0 || arrived > 0 || applied || restored || punctuated) {
      this.#enterActivity('io')
      await scheduler.yield()
      return
    }
    this.#enterActivity('idle')
    await this.#wake.wait(this.#idleTime())
  }

  #enterActivity(activity: Activity): void {
    this.manager.counters.activities.enter(activity, this.#options.clock.monotonic())
  }

  #process(): number {
    const { manager } = this.#options
    let processed = 0
    for (;;) {
      const count = manager.process(RECORDS_PER_TURN, this.#slice)
      processed += count
      if (count === 0 || this.#slice.look() || manager.changesDue) return processed
    }
  }

  #punctuate(): boolean {
    this.#slice.begin()
    const { manager } = this.#options
    const passed = manager.passTime()
    const ran = manager.punctuate()
    this.#slice.look()
    return passed || ran
  }

  #idleTime(): number {
    const { manager, clock } = this.#options
    const now = clock.monotonic()
    let until = Math.min(now + MAX_IDLE, manager.nextPunctuation)
    if (manager.commitNeeded) until = Math.min(until, this.#lastCommit + this.#commitInterval)
    return Math.max(0, until - now)
  }

  #commitDue(): boolean {
    const { manager, clock } = this.#options
    if (clock.monotonic() - this.#lastCommit >= this.#commitInterval) return true
    // A commit may fail for its size, or for the time that it takes: its records are committed in the smallest parts.
    if (this.#toRedo > 0 && manager.commitNeeded) return true
    return manager.commitRequested || manager.changesDue
  }

  async #commit(): Promise<void> {
    const { manager, clock } = this.#options
    this.#lastCommit = clock.monotonic()
    // A thread that is an interval ahead of the log waits for it.
    if (this.#pending !== undefined) return await this.#concludeCommit()
    if (!manager.commitNeeded) return
    const begun = await runSteps(manager.beginCommit(this.#slice))
    const pending = { outcome: runSteps(begun.conclude()), isOver: false, since: this.#lastCommit }
    const over = (): void => {
      pending.isOver = true
      this.#wake.signal()
    }
    pending.outcome.then(over, over)
    this.#pending = pending
    if (!begun.overlaps) await this.#concludeCommit()
  }

  /** Waits for the commit under way, if there is one. Must be done before tasks come or go. */
  async #concludeCommit(): Promise<void> {
    const pending = this.#pending
    if (pending === undefined) return
    this.#pending = undefined
    const outcome = await pending.outcome
    this.#lastCommit = this.#options.clock.monotonic()
    if (outcome !== 'committed') return await this.#redo(outcome)
    this.commits++
    this.manager.counters.commitDuration.observe((this.#lastCommit - pending.since) / 1000)
    this.#failingSince = -1
    this.#options.settings.logger.debug({ thread: this.name, commits: this.commits }, 'committed')
  }

  /** Waits for the commit under way, whatever comes of it: every task is about to be closed dirty. */
  async #forgetCommit(): Promise<void> {
    const pending = this.#pending
    this.#pending = undefined
    await pending?.outcome.catch(() => undefined)
  }

  /** The commit did not happen, or nobody knows: every task goes back to what is committed. */
  async #redo(reason: string): Promise<void> {
    const { manager, clock, settings, lines } = this.#options
    const now = clock.monotonic()
    const { uncommitted } = manager
    // Failures that lie further apart are not one series.
    if (this.#failingSince < 0 || now - this.#failedAt > settings.taskTimeout) this.#failingSince = now
    this.#failedAt = now
    if (now - this.#failingSince > settings.taskTimeout) {
      const [missing] = this.#options.missingOutputs
      throw missing === undefined
        ? commitsFail(now - this.#failingSince, reason, uncommitted)
        : deletedOutput(missing, now - this.#failingSince)
    }
    this.redone++
    this.#toRedo = uncommitted.reduce((sum, { offset, end }) => sum + end - offset, 0)
    const message = 'commit failed; going back to the last commit'
    lines.warn(message, 'thread', this.name, reason, { thread: this.name, outcome: reason, uncommitted })
    this.#rebuild = manager.owned
    await runSteps(manager.closeDirty())
    await this.#wake.wait(REDO_BACKOFF)
  }

  /**
   * The log refuses a member that the group has given up. The group says so, too, and then the thread goes on. It goes
   * back to the last commit when no broker answers, and when the log does not hold the next record: the reset policy of
   * the topic then says where to go on.
   */
  async #onRefusal(error: unknown): Promise<void> {
    const { lines, topology } = this.#options
    if (error instanceof MillraceError && this.#waiting.mayComeBack(error)) {
      await this.#awaitTopic(error)
      return
    }
    if (error instanceof MillraceError && passing.has(error.code)) {
      if (error.code === 'MR_TOPIC_REPLACED' && !readsTopic(topology, error.topic))
        throw replacedRepartition(error, error)
      lines.warn('the log fails', 'thread', this.name, error.code, { thread: this.name, err: error })
      await this.#redo(error.code)
      return
    }
    const loss = this.#lossBehind(error)
    if (loss === undefined) throw error
    await this.#onGroupEvent(loss)
  }

  /** Returns the event by which the group says that it has given this member up, if that is why it was refused. */
  #lossBehind(error: unknown): GroupEvent | undefined {
    const isFenced = error instanceof MillraceError && error.code === 'MR_FENCED'
    const event = isFenced ? this.#options.client.group.nextEvent() : undefined
    return event?.type === 'lost' ? event : undefined
  }

  /** Until an input topic is there again all tasks of the thread are closed. */
  async #awaitTopic(error: MillraceError): Promise<void> {
    const { manager } = this.#options
    this.#waiting.forTopic(error)
    this.#rebuild = manager.owned
    this.#enter('rebalancing')
    await this.#forgetCommit()
    await runSteps(manager.closeDirty())
    await this.#wake.wait(TOPIC_INTERVAL)
  }

  async #onGroupEvent(event: GroupEvent): Promise<void> {
    const { client, manager, settings, clock } = this.#options
    this.#enterActivity('rebalance')
    const { type } = event
    if (type === 'assigned' || type === 'revoked' || type === 'lost')
      manager.counters.rebalance(type, clock.monotonic())
    // What becomes of the commit of a lost member, the event says already.
    if (event.type === 'lost') await this.#forgetCommit()
    else await this.#concludeCommit()
    switch (event.type) {
      case 'assigned':
        settings.logger.info(
          { thread: this.name, tasks: event.active.map(taskIdText), standbys: event.standby.map(taskIdText) },
          'tasks assigned',
        )
        this.#rebuild = []
        this.#waiting.assigned(event.active.length)
        this.signs.hasJoined = true
        try {
          await runSteps(manager.assign(event.active, event.standby))
        } finally {
          // They are this member's, whether all of them could be opened or some have to be tried again.
          client.group.acknowledge()
        }
        this.#enter(manager.restoring ? 'rebalancing' : 'running')
        return
      case 'revoked': {
        settings.logger.info({ thread: this.name, tasks: event.active.map(taskIdText) }, 'tasks revoked')
        this.#rebuild = without(this.#rebuild, event.active)
        this.#enter('rebalancing')
        const outcome = await runSteps(manager.revoke(event.active, this.#slice))
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
        if (event.sessionTimeout !== undefined) this.#overlong.lost(event.sessionTimeout)
        return
      case 'waiting':
        this.#waiting.forGroup(event.error)
        return
      case 'resumed':
        this.#waiting.resumed()
        return
      case 'shutdown':
        this.#options.onShutdownRequest()
        this.#stopping ??= 'in order'
        return
      case 'failed':
        throw event.error
    }
  }

  async #finish(): Promise<void> {
    const { client, manager } = this.#options
    const outcome = await this.#closeTasks()
    await runSteps(manager.closeStandbys())
    await client.group.leave()
    await client.close()
    if (outcome === 'committed') return
    throw new MillraceError('MR_COMMIT', `the last commit could not be made (${outcome})`, {
      hint: 'Nothing is lost: the records since the last commit are processed again after a restart.',
    })
  }

  /** Commits and closes all active tasks. Those of a member that the group has given up are closed as they are. */
  async #closeTasks(): Promise<CommitOutcome | 'lost'> {
    const { manager } = this.#options
    try {
      await this.#concludeCommit()
      await this.#awaitCalls()
      return await runSteps(manager.closeClean(this.#slice))
    } catch (error) {
      if (this.#lossBehind(error) === undefined) throw error
      await this.#forgetCommit()
      await runSteps(manager.closeDirty())
      return 'lost'
    }
  }

  /** Waits for the calls that run, each step for its `drainTimeout`. What has not ended by then is called again. */
  async #awaitCalls(): Promise<void> {
    const { manager, clock } = this.#options
    const since = clock.monotonic()
    manager.stopCalls()
    for (;;) {
      this.#slice.begin()
      manager.drainCalls(this.#slice)
      manager.punctuate()
      const left = manager.callsDrainUntil(since) - clock.monotonic()
      if (left <= 0 || this.#stopping === 'at once') return
      await this.#wake.wait(Math.min(left, this.#idleTime()))
    }
  }

  /** After an error: nothing may be committed any more; the first error is the one to report. */
  async #giveUp(cause: unknown): Promise<void> {
    const { client, manager } = this.#options
    const steps: readonly (() => MaybePromise<void>)[] = [
      () => runSteps(manager.closeStandbys()),
      () => runSteps(manager.closeDirty()),
      () => manager.distrust(cause),
      () => (this.#failure === 'shutdownApplication' ? this.shutdownApplication() : undefined),
      () => client.group.leave(),
      () => client.close(),
    ]
    for (const step of steps) await this.#attempt('closing after an error failed', step, cause)
  }

  /** Logs an error of the step: what comes after it is done all the same. */
  async #attempt(failure: string, step: () => MaybePromise<void>, cause?: unknown): Promise<void> {
    try {
      await step()
    } catch (err) {
      this.#options.settings.logger.error({ thread: this.name, err, cause }, failure)
    }
  }

  #enter(state: ThreadState): void {
    if (state === 'running') this.manager.counters.rebalanced(this.#options.clock.monotonic())
    if (this.#state === state || this.#state === 'dead') return
    this.#state = state
    this.#options.onState(state)
  }
}

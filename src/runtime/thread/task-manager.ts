import { MillraceError } from '../../errors/millrace-error.ts'
import type { TaskId } from '../../group/group.ts'
import type { CommitOutcome, LogClient } from '../../log/log.ts'
import type { Slice } from '../../platform/slice.ts'
import { wait, type Steps } from '../../platform/steps.ts'
import type { TaskState } from '../../state/task/task-state.ts'
import { Commits, unwrittenBytes, type BegunCommit } from '../commit/commit.ts'
import { RepartitionPurge } from '../commit/repartition-purge.ts'
import { damagedTask } from '../failures/damaged-state.ts'
import { ThreadCounters } from '../counters/thread-counters.ts'
import { InputLookup } from '../failures/input-lookup.ts'
import { MemoryShare, useOf, type MemoryUse } from '../memory/memory-budget.ts'
import { DropCounter } from '../node/drop-counter.ts'
import type { NodeTimes } from '../node/node-times.ts'
import { RecordWriter } from '../output/record-writer.ts'
import { Restorer, type RestoreProgress } from '../restore/restorer.ts'
import { startOffsets } from '../restore/start-offsets.ts'
import { idleDelays } from '../task/idle-time.ts'
import { Processing, type ProcessingInput, type Uncommitted } from '../task/processing.ts'
import type { LifecycleState, Task } from '../task/task.ts'
import { assignedTasks, taskName } from './assigned-tasks.ts'
import { FollowedSources, followedSources } from './followed-sources.ts'
import { InputFeed } from './input-feed.ts'
import { LeftInputs } from './left-inputs.ts'
import { ReadableStores } from './readable-stores.ts'
import { TaskTraces } from '../traces/task-traces.ts'
import type { TaskManagerOptions } from './task-manager-options.ts'
import { TaskOpener } from './task-opening.ts'
import { TaskTurns } from './task-turns.ts'

/** How far a standby is behind. */
export interface StandbyLag {
  readonly id: string
  /** Offsets of its changelogs that its stores do not hold; `undefined` while unknown. */
  readonly lag: number | undefined
}

/**
 * The tasks of one stream thread: opens, restores, runs, commits and closes them. Takes no decision about membership or
 * timing; a stream thread or the test driver does.
 */
export class TaskManager {
  readonly #options: TaskManagerOptions
  readonly #client: LogClient
  readonly #writer: RecordWriter
  readonly #inputLookup: InputLookup
  readonly #restorer: Restorer
  readonly #opener: TaskOpener
  readonly #sources: FollowedSources
  /** All tasks that are not closed, by id: active ones in the order of the assignment, then standbys. */
  #tasks = new Map<string, Task>()
  /** Those of them that run, lowest first, in whatever order they were restored. */
  #running: readonly Task[] = []
  readonly #feed: InputFeed
  readonly #turns = new TaskTurns()
  readonly #idleDelays: ReadonlyMap<string, number> | undefined
  #stopWaiting = (): void => {}
  #wake = (): void => {}
  readonly #memory: MemoryShare
  readonly #leftInputs: LeftInputs
  #times: NodeTimes | undefined
  readonly #commits: Commits
  /** The stores of all tasks, as queries find them. */
  readonly readable: ReadableStores
  /** Records dropped by its tasks so far. */
  readonly drops = new DropCounter()
  readonly counters: ThreadCounters

  constructor(options: TaskManagerOptions) {
    this.#options = options
    const { app, log, clock, client, topology } = options
    const memory = new MemoryShare(app.settings, topology)
    this.counters = new ThreadCounters(topology, clock.monotonic())
    this.#client = client
    this.#writer = new RecordWriter(client.producer, options.topicMissing)
    this.#inputLookup = new InputLookup(log, clock)
    this.#leftInputs = new LeftInputs(topology)
    this.#memory = memory
    this.#idleDelays = idleDelays(app.settings, topology, client.guarantee)
    this.#restorer = new Restorer(log, options.onRestore, clock, app.settings.logger, memory.restored)
    this.#opener = new TaskOpener(options, memory, this.counters)
    this.#sources = new FollowedSources(options, this.#restorer)
    this.#feed = new InputFeed(options, memory)
    this.#commits = new Commits({
      client,
      writer: this.#writer,
      clock,
      purge: new RepartitionPurge(app.id, topology, log, clock),
      // Half of what a commit is made for early: what has been committed must not count as if it had not.
      maxUnwritten: memory.maxChanges / 2,
    })
    this.readable = new ReadableStores({
      clock,
      global: (store) => options.globals.readable(store),
      tasks: () => this.#tasks.values(),
      lag: (task) => this.#restorer.lag(task),
      committedAt: () => this.#commits.committedAt,
      isMember: () => client.group.isCurrent,
    })
  }

  /** Those that run, lowest first. */
  get tasks(): readonly Task[] {
    return this.#running
  }

  get #active(): readonly Task[] {
    return [...this.#tasks.values()].filter(({ isActive }) => isActive)
  }

  get #standbys(): readonly Task[] {
    return [...this.#tasks.values()].filter(({ isActive }) => !isActive)
  }

  #in(state: LifecycleState): Task[] {
    return [...this.#tasks.values()].filter((task) => task.state === state)
  }

  /** What `assign` was last given, less what was revoked; nothing after `closeDirty`. */
  get owned(): readonly TaskId[] {
    return this.#active.flatMap(({ partition, subtopologies }) =>
      subtopologies.map(({ id: subtopology }) => ({ subtopology, partition })),
    )
  }

  /** True while active tasks cannot run yet. */
  get restoring(): boolean {
    return this.#active.length > this.#running.length
  }

  /** Active tasks that are not open yet. */
  get waiting(): number {
    return this.#active.filter(({ state }) => state === 'waiting' || state === 'created').length
  }

  /** The stores of active tasks that are restored now. */
  get restores(): readonly RestoreProgress[] {
    return this.#restorer.progress
  }

  get standbyLags(): readonly StandbyLag[] {
    return this.#in('standby').map(({ id }) => ({ id, lag: this.#restorer.lag(id) }))
  }

  /** What the stores of its tasks are replayed by. */
  get restorer(): Pick<Restorer, 'applied' | 'progress' | 'standbyLags'> {
    return this.#restorer
  }

  /** All tasks that are not closed. */
  get all(): Iterable<Task> {
    return this.#tasks.values()
  }

  /** Records processed so far. */
  get processed(): number {
    let processed = 0
    for (const count of this.counters.processedByClosed.values()) processed += count
    for (const task of this.#running) processed += task.processing.processed
    return processed
  }

  /** Records that wait for nothing but their turn. */
  get queued(): number {
    return this.#turns.queued
  }

  /** Records written so far. */
  get written(): number {
    return this.#writer.written
  }

  /** True when so many changes wait for the commit that there should be one. */
  get changesDue(): boolean {
    return unwrittenBytes(this.#running) > this.#memory.maxChanges
  }

  get memoryUse(): MemoryUse {
    return useOf(this.#memory, this.#opener.held, this.#running)
  }

  /** The stores of running tasks that have one of this name, for queries and the test driver. */
  states(store: string): { task: string; state: TaskState }[] {
    const found = this.#running.filter(({ stores }) => stores.state(store) !== undefined)
    return found.map(({ id, stores }) => ({ task: id, state: stores }))
  }

  /** True if nodes are measured for good. */
  get areNodesTimed(): boolean {
    return this.#times !== undefined
  }

  /** Tasks that are opened from now on have their nodes measured, or not any more. */
  timeNodes(times: NodeTimes | undefined): void {
    this.#times = times
  }

  onReady(wake: (() => void) | undefined): void {
    this.#wake = wake ?? (() => {})
    this.#feed.onReady(wake)
    this.#restorer.onReady(wake)
    this.#sources.onReady(wake)
    this.#stopWaiting()
    this.#stopWaiting = wake === undefined ? () => {} : this.#options.home.onRelease(wake)
    this.#client.producer.onWritable(wake)
  }

  // ---- assignment

  /**
   * Opens the tasks of the lists that are not there yet and closes, without committing, those that are not in them.
   * Standbys stay if no list of them is given. A task that another thread of this process still has is opened by
   * `restore` when it is released.
   */
  *assign(active: readonly TaskId[], standby?: readonly TaskId[]): Steps<void> {
    const standbys = standby === undefined ? this.#standbys : assignedTasks(standby, false, this.#options, this.drops)
    const wanted = new Map(assignedTasks(active, true, this.#options, this.drops).map((task) => [task.id, task]))
    for (const task of standbys) if (!wanted.has(task.id)) wanted.set(task.id, task)
    for (const task of this.#tasks.values()) {
      const next = wanted.get(task.id)
      if (next === undefined || (task.isActive && !next.isActive)) yield* this.#close(task)
      else {
        if (next.isActive && !task.isActive) yield* this.#promote(task)
        wanted.set(task.id, task)
      }
    }
    this.#tasks = wanted
    yield* this.#opener.divideMemory([...wanted.values()])
    yield* this.#openCreated()
    yield* this.#startRestored()
  }

  /** A standby of this thread is taken over as it is. */
  *#promote(task: Task): Steps<void> {
    yield* this.#unfollow(task)
    task.promote()
  }

  *#unfollow({ id, state }: Task): Steps<void> {
    if (state === 'standby') yield* this.#restorer.settle(id)
    this.#restorer.remove(id)
  }

  *#openCreated(): Steps<void> {
    for (const task of [...this.#tasks.values()]) {
      if (task.state === 'waiting') task.enter('created')
      if (task.state === 'created') yield* this.#open(task)
    }
  }

  /** Commits, then closes the tasks of the list. */
  *revoke(active: readonly TaskId[], slice?: Slice): Steps<CommitOutcome> {
    const outcome = yield* this.commit(slice, true)
    if (outcome !== 'committed') return outcome
    for (const id of active) {
      const task = this.#tasks.get(taskName(id, this.#options))
      if (task?.isActive === true) yield* this.#close(task)
    }
    return 'committed'
  }

  /** Nothing of the task is open if it throws, or if the task has to wait. */
  *#open(task: Task): Steps<void> {
    const { app, log, home } = this.#options
    const { id, isActive } = task
    try {
      if (!task.isOpen) yield* this.#opener.open(task)
      const committed = isActive
        ? this.#leftInputs.valid(task.inputs, yield* wait(this.#client.committed(task.inputs)))
        : yield* wait(log.committedOffsets(app.id, followedSources(task)))
      for (const job of yield* this.#opener.restoreJobs(task, committed)) this.#restorer.add(job)
      task.committed = committed
      task.enter(isActive ? 'restoring' : 'standby')
    } catch (error) {
      this.#restorer.remove(id)
      if (task.isOpen) yield* this.#opener.close(task)
      if (!(error instanceof MillraceError && error.code === 'MR_STATE_LOCKED' && home.isHeld(id))) throw error
      task.enter('waiting')
    }
  }

  // ---- restoring

  /** Applies changelog records that have arrived and starts tasks that are complete; true if anything happened. */
  *restore(): Steps<boolean> {
    if (this.#tasks.size === this.#running.length) return false
    if (this.#in('waiting').length > 0) yield* this.#openCreated()
    this.#sources.refresh(this.#in('standby'))
    const applied = yield* this.#restorer.advance()
    const started = yield* this.#startRestored()
    return applied || started
  }

  *#startRestored(): Steps<boolean> {
    let started = false
    for (const task of this.#in('restoring')) {
      if (this.#restorer.isRestoring(task.id)) continue
      yield* this.#start(task)
      started = true
    }
    return started
  }

  *#start(task: Task): Steps<void> {
    const { app, clock, log, topology, globals, lines } = this.#options
    const { id, partition, subtopologies, record, drops, stores, committed } = task
    const starts = yield* startOffsets(log, topology, task.inputs, committed, clock.now(), lines)
    const inputs: ProcessingInput[] = task.inputs.map(({ topic, partition }) => ({
      topic,
      partition,
      offset: starts.get(topic, partition) ?? 0,
      metadata: committed.get(topic, partition)?.metadata ?? '',
    }))
    const traces = TaskTraces.of(app, { task: id, log: log.kind }, clock, record)
    const processing = new Processing({
      taskId: id,
      partition,
      applicationId: app.id,
      settings: app.settings,
      subtopologies,
      inputs,
      stores: {
        state: (name) => stores.state(name) ?? globals.state(name),
        userStore: (name, scope) => stores.userStore(name, scope) ?? globals.userStore(name),
        isGlobal: (name) => globals.state(name) !== undefined,
        prefetchable: stores.prefetchable,
      },
      record,
      drops,
      counters: this.counters,
      writer: this.#writer,
      inputLookup: this.#inputLookup,
      thread: { random: () => this.#options.scheduler.random(), wake: () => this.#wake() },
      clock,
      nodeTimes: this.#times,
      traces,
      idleDelays: this.#idleDelays,
      strictOrder: this.#options.tasks === 'real',
    })
    task.run(processing)
    this.#sortRunning()
    this.#turns.add(task)
    this.#feed.add(task, inputs)
  }

  #sortRunning(): void {
    const place = ({ subtopologies }: Task): number => subtopologies[0]?.id ?? 0
    this.#running = this.#in('running').sort((a, b) => place(a) - place(b) || a.partition - b.partition)
  }

  // ---- processing

  /** Hands over to the tasks what the log has fetched; returns how many batches it were. */
  poll(): number {
    const batches = this.#feed.poll(this.#running)
    this.#turns.arrived()
    return batches
  }

  /** Lets tasks process up to `limit` records each, in turns, until the slice is over. Returns how many it were. */
  process(limit: number, slice: Slice): number {
    if (!this.#client.producer.writable) return 0
    const left = this.drainCalls(slice)
    return slice.isOver ? left : left + this.#turns.process(limit, this.#feed.lag, slice)
  }

  /** Sends on the results of calls that have ended, until the slice is over. Returns how many it were. */
  drainCalls(slice?: Slice): number {
    let left = 0
    for (const { processing, stores } of this.#running) {
      const count = processing.drainCalls(slice)
      if (count > 0) stores.trimCache()
      left += count
      if (slice?.isOver === true) break
    }
    return left
  }

  /** True while a call of a running task has not ended. */
  get callsRunning(): boolean {
    return this.#running.some(({ processing }) => processing.calls.isRunning)
  }

  /** When a close that began at `since` no longer waits for calls: at once if none runs. */
  callsDrainUntil(since: number): number {
    return since + Math.max(0, ...this.#running.map(({ processing }) => processing.calls.drainTimeout))
  }

  /** Begins no further call. */
  stopCalls(): void {
    for (const { processing } of this.#running) processing.calls.stop()
  }

  /** One record of one task, lowest task first: the pace of the test driver. False if there was none to take. */
  processOne(): boolean {
    for (const { processing } of this.#running) if (processing.process(1, this.#feed.lag) > 0) return true
    return false
  }

  /** Records of an assigned partition not handed over yet; undefined while unknown. */
  lag(topic: string, partition: number): number | undefined {
    return this.#feed.lag(topic, partition)
  }

  /** Lets stream time go on where all partitions of a task are idle; true if anything came of it. */
  passTime(): boolean {
    let passed = false
    for (const { processing } of this.#running) if (processing.passTime(this.#feed.quiet)) passed = true
    return passed
  }

  punctuate(): boolean {
    let ran = false
    for (const { processing } of this.#running) if (processing.punctuateWallClock()) ran = true
    return ran
  }

  /** By the monotonic clock; Infinity if there is none. */
  get nextPunctuation(): number {
    let next = Infinity
    for (const { processing } of this.#running) next = Math.min(next, processing.nextWallClockPunctuation)
    return next
  }

  get commitRequested(): boolean {
    for (const { processing } of this.#running) if (processing.commitRequested) return true
    return false
  }

  get commitNeeded(): boolean {
    return this.#commits.isNeeded(this.#running)
  }

  // ---- committing and closing

  /** Commits the tasks that have anything to commit. With `everything`, their engines lack nothing afterwards. */
  *commit(slice?: Slice, everything = false): Steps<CommitOutcome> {
    const begun = yield* this.beginCommit(slice, everything)
    return yield* begun.conclude()
  }

  /** Begins a commit. Until it is concluded no other may begin, and no task be closed. */
  beginCommit(slice?: Slice, everything = false): Steps<BegunCommit> {
    return this.#commits.begin(this.#running, slice, everything)
  }

  /** What would be processed again if it could not be committed. */
  get uncommitted(): readonly Uncommitted[] {
    return this.#running.flatMap(({ processing }) => processing.uncommitted)
  }

  /** Closes all active tasks without committing: nothing survives but what the engines hold. Standbys stay. */
  *closeDirty(): Steps<void> {
    this.#writer.discard()
    try {
      yield* wait(this.#client.abort())
    } finally {
      for (const task of this.#active) yield* this.#close(task)
    }
  }

  /** Commits and closes all active tasks; what could not be committed is processed again by the next owner. */
  *closeClean(slice?: Slice): Steps<CommitOutcome> {
    const outcome = yield* this.commit(slice, true)
    if (outcome !== 'committed') yield* wait(this.#client.abort())
    for (const task of this.#active) yield* this.#close(task)
    return outcome
  }

  *#close(task: Task): Steps<void> {
    yield* this.#unfollow(task)
    if (task.state === 'running') {
      this.#feed.remove(task)
      this.#turns.remove(task)
      this.#leftInputs.leave(task)
      this.counters.closed(task.id, task.processing.processed)
    }
    task.close()
    this.#tasks.delete(task.id)
    this.#sortRunning()
    if (task.isOpen) yield* this.#opener.close(task)
  }

  /** Call it with the error that ended the thread, when every task is closed: damaged state is not opened again. */
  distrust(error: unknown): void {
    const task = damagedTask(error)
    if (task !== undefined && !this.#options.home.isHeld(task)) this.#options.home.distrust(task)
  }

  *closeStandbys(): Steps<void> {
    for (const task of this.#standbys) yield* this.#close(task)
  }

  /** Call it when every task is closed. */
  close(): void {
    this.#options.lines.close()
    this.#restorer.close()
    this.#inputLookup.close()
  }
}

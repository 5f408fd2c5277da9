import { taskIdText, type TaskId } from '../../group/group.ts'
import type { CommitOutcome, CommittedOffset, Log, LogClient, LogReader, Quiet, RecordCursor } from '../../log/log.ts'
import { PartitionMap } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import type { TaskState } from '../../state/task/task-state.ts'
import type { Application } from '../../application/application.ts'
import type { Topology } from '../../topology/topology.ts'
import { Commits, unwrittenBytes, type BegunCommit, type CommittableTask } from '../commit/commit.ts'
import { RepartitionPurge } from '../commit/repartition-purge.ts'
import { DropCounter, sumOfDrops } from '../node/drop-counter.ts'
import type { GlobalTables } from './global-tables.ts'
import { idleDelays } from '../task/idle-time.ts'
import type { NodeTimes } from '../node/node-times.ts'
import { MemoryShare, useOf, type MemoryUse } from '../memory/memory-budget.ts'
import { RecordWriter } from '../output/record-writer.ts'
import type { PartitionQueue } from '../input/partition-queue.ts'
import type { RepeatedLines } from '../../application/repeated-lines.ts'
import { Restorer, type RestoreListener } from '../restore/restorer.ts'
import { StandbyTasks, type StandbyLag } from './standby-tasks.ts'
import { startOffsets } from '../restore/start-offsets.ts'
import type { Slice } from '../../platform/slice.ts'
import type { StateHome } from '../state-directory/state-home.ts'
import { wait, type Steps } from '../../platform/steps.ts'
import { Task, type TaskInput, type Uncommitted } from '../task/task.ts'
import { laneOf, TaskOpener, type OpenTask, type TaskParts } from './task-opening.ts'
import { taskParts } from './task-parts.ts'
import { TaskTurns } from './task-turns.ts'
import { damagedTask } from '../failures/damaged-state.ts'
import { DeadLetters } from '../failures/dead-letters.ts'
import { InputLookup } from '../failures/input-lookup.ts'
import { LeftInputs } from './left-inputs.ts'
import { unlessTaken } from '../state-directory/unless-taken.ts'

export interface TaskManagerOptions {
  readonly app: Application
  readonly topology: Topology
  readonly log: Log
  readonly client: LogClient
  readonly home: StateHome
  readonly globals: GlobalTables
  readonly clock: Clock
  readonly onRestore: RestoreListener
  readonly lines: RepeatedLines
  /** `real`: a task per sub-topology and partition. `merged`: a task per partition over all sub-topologies. */
  readonly tasks: 'real' | 'merged'
  /** May create a topic that a sink computes. */
  readonly topicMissing?: (topic: string) => void
  /** Which topic's records to hand over first when several arrive together; the log's order if absent. */
  readonly arrivalOrder?: (a: string, b: string) => number
}

/** A task whose stores may still be behind. */
interface OpeningTask {
  readonly open: OpenTask
  readonly committed: PartitionMap<CommittedOffset>
}

interface RunningTask extends CommittableTask {
  readonly open: OpenTask
}

/**
 * The tasks of one stream thread: opens, restores, runs, commits and closes them. Takes no decision about membership or
 * timing; a stream thread or the test driver does.
 */
export class TaskManager {
  readonly #options: TaskManagerOptions
  readonly #client: LogClient
  readonly #reader: LogReader
  readonly #writer: RecordWriter
  readonly #inputLookup: InputLookup
  readonly #restorer: Restorer
  readonly #opener: TaskOpener
  readonly #standbys: StandbyTasks
  readonly #opening = new Map<string, OpeningTask>()
  readonly #running = new Map<string, RunningTask>()
  /** The running task that reads a partition. */
  readonly #readers = new PartitionMap<RunningTask>()
  readonly #turns = new TaskTurns()
  /** What tasks are made of. */
  readonly #partsOf = (ids: readonly TaskId[]) => taskParts(ids, this.#options.topology, this.#options.tasks)
  readonly #idleDelays: ReadonlyMap<string, number> | undefined
  #owned: readonly TaskId[] = []
  #ownedStandbys: readonly TaskId[] = []
  /** Assigned tasks that another thread of this process has not released yet. */
  #delayed = 0
  #delayedStandbys = 0
  #stopWaiting = (): void => {}
  readonly #memory: MemoryShare
  readonly #leftInputs: LeftInputs
  #times: NodeTimes | undefined
  readonly #commits: Commits
  /** Records dropped by tasks that are closed by now. */
  closedDrops = new DropCounter()
  /** Records processed by tasks that are closed by now. */
  processedByClosedTasks = 0

  constructor(options: TaskManagerOptions) {
    this.#options = options
    this.#client = options.client
    this.#reader = options.client.reader
    this.#writer = new RecordWriter(options.client.producer, options.topicMissing)
    const { app, log, clock } = options
    const { logger } = app.settings
    this.#inputLookup = new InputLookup(log, clock)
    this.#leftInputs = new LeftInputs(options.topology)
    this.#memory = new MemoryShare(app.settings, options.topology)
    this.#idleDelays = idleDelays(app.settings, options.topology, options.client.guarantee)
    const restorer = new Restorer(log, options.onRestore, clock, logger, this.#memory.restored)
    const opener = new TaskOpener(options, this.#memory)
    this.#restorer = restorer
    this.#opener = opener
    this.#standbys = new StandbyTasks({ groupId: app.id, log, opener, restorer, clock, lines: options.lines })
    this.#commits = new Commits({
      client: options.client,
      writer: this.#writer,
      clock,
      purge: new RepartitionPurge(app.id, options.topology, log, clock),
      // Half of what a commit is made for early: what has been committed must not count as if it had not.
      maxUnwritten: this.#memory.maxChanges / 2,
    })
  }

  get tasks(): readonly Task[] {
    return [...this.#running.values()].map((running) => running.task)
  }

  /** What `assign` was last told, less what was revoked; nothing after `closeDirty`. */
  get owned(): readonly TaskId[] {
    return this.#owned
  }

  /** True while active tasks cannot run yet. */
  get restoring(): boolean {
    return this.#opening.size > 0 || this.#delayed > 0
  }

  get standbyLags(): readonly StandbyLag[] {
    return this.#standbys.lags
  }

  /** Records written so far. */
  get written(): number {
    return this.#writer.written
  }

  /** True when so many changes wait for the commit that there should be one. */
  get changesDue(): boolean {
    return unwrittenBytes(this.#running.values()) > this.#memory.maxChanges
  }

  get memoryUse(): MemoryUse {
    return useOf(this.#memory, this.#opener.held, this.#running.values())
  }

  /** States of running tasks, for queries and the test driver. */
  states(store: string): { task: string; state: TaskState }[] {
    const found: { task: string; state: TaskState }[] = []
    for (const { open, state } of this.#running.values()) {
      if (state.state(store) !== undefined) found.push({ task: open.id, state })
    }
    return found
  }

  /** Tasks that are opened from now on have their nodes measured, or not any more. */
  timeNodes(times: NodeTimes | undefined): void {
    this.#times = times
  }

  onReady(wake: (() => void) | undefined): void {
    this.#reader.onReady(wake)
    this.#restorer.onReady(wake)
    this.#standbys.onReady(wake)
    this.#stopWaiting()
    this.#stopWaiting = wake === undefined ? () => {} : this.#options.home.onRelease(wake)
    this.#client.producer.onWritable(wake)
  }

  // ---- assignment

  /**
   * Opens the tasks of the lists that are not there yet and closes, without committing, those that are not in them. A task
   * that another thread of this process has not released yet is opened by `restore` when it has.
   */
  *assign(active: readonly TaskId[], standby: readonly TaskId[] = this.#ownedStandbys): Steps<void> {
    this.#owned = active
    this.#ownedStandbys = standby
    const wanted = this.#partsOf(active)
    for (const id of [...this.#running.keys(), ...this.#opening.keys()]) {
      if (!wanted.has(id)) yield* this.#close(id)
    }
    for (const [id, parts] of this.#partsOf(standby)) wanted.set(id, parts)
    yield* this.#standbys.closeAllBut(new Set(wanted.keys()))
    const opened = [...this.#running.values(), ...this.#opening.values()].map(({ open }) => open)
    yield* this.#opener.divideMemory(wanted.values(), [...opened, ...this.#standbys.tasks])
    yield* this.#openAssigned()
    yield* this.#startRestored()
  }

  *#openAssigned(): Steps<void> {
    const { home } = this.#options
    this.#delayed = 0
    this.#delayedStandbys = 0
    for (const parts of this.#partsOf(this.#owned).values()) {
      if (this.#running.has(parts.id) || this.#opening.has(parts.id)) continue
      if (!this.#standbys.has(parts.id) && home.isHeld(parts.id)) this.#delayed++
      else if (!(yield* unlessTaken(home, parts.id, this.#open(parts)))) this.#delayed++
    }
    for (const parts of this.#partsOf(this.#ownedStandbys).values()) {
      if (this.#standbys.has(parts.id)) continue
      if (home.isHeld(parts.id)) this.#delayedStandbys++
      else if (!(yield* unlessTaken(home, parts.id, this.#standbys.open(parts)))) this.#delayedStandbys++
    }
  }

  /** Commits, then closes the tasks of the list. */
  *revoke(active: readonly TaskId[], slice?: Slice): Steps<CommitOutcome> {
    const outcome = yield* this.commit(slice, true)
    if (outcome !== 'committed') return outcome
    for (const id of this.#partsOf(active).keys()) yield* this.#close(id)
    const revoked = new Set(active.map(taskIdText))
    this.#owned = this.#owned.filter((id) => !revoked.has(taskIdText(id)))
    return 'committed'
  }

  /** A standby of this thread is taken over as it is. */
  *#open(parts: TaskParts): Steps<void> {
    const open = (yield* this.#standbys.take(parts.id)) ?? (yield* this.#opener.open(parts))
    try {
      const committed = this.#leftInputs.valid(open.inputs, yield* wait(this.#client.committed(open.inputs)))
      const jobs = yield* this.#opener.restoreJobs(open, committed, false)
      this.#opening.set(open.id, { open, committed })
      for (const job of jobs) this.#restorer.add(job)
    } catch (error) {
      yield* this.#opener.close(open.id, open.state)
      throw error
    }
  }

  // ---- restoring

  /** Applies changelog records that have arrived and starts tasks that are complete; true if anything happened. */
  *restore(): Steps<boolean> {
    if (this.#delayed + this.#delayedStandbys > 0) yield* this.#openAssigned()
    this.#standbys.refresh()
    if (this.#opening.size === 0 && this.#standbys.size === 0) return false
    const applied = yield* this.#restorer.advance()
    const started = yield* this.#startRestored()
    return applied || started
  }

  *#startRestored(): Steps<boolean> {
    let started = false
    for (const opening of this.#opening.values()) {
      if (this.#restorer.isRestoring(opening.open.id)) continue
      yield* this.#start(opening)
      started = true
    }
    return started
  }

  *#start({ open, committed }: OpeningTask): Steps<void> {
    const { app, clock, log, topology, globals, lines } = this.#options
    const starts = yield* startOffsets(log, topology, open.inputs, committed, clock.now(), lines)
    const inputs: TaskInput[] = open.inputs.map(({ topic, partition }) => ({
      topic,
      partition,
      offset: starts.get(topic, partition) ?? 0,
      metadata: committed.get(topic, partition)?.metadata ?? '',
    }))
    const { state } = open
    const task = new Task({
      id: open.id,
      partition: open.partition,
      applicationId: app.id,
      settings: app.settings,
      subtopologies: open.subtopologies,
      inputs,
      stores: {
        state: (name) => state.state(name) ?? globals.state(name),
        userStore: (name, scope) => state.userStore(name, scope) ?? globals.userStore(name),
        isGlobal: (name) => globals.state(name) !== undefined,
        prefetchable: state.prefetchable,
      },
      record: open.record,
      drops: open.drops,
      writer: this.#writer,
      deadLetters: new DeadLetters(app.settings.deadLetterTopic, this.#writer),
      inputLookup: this.#inputLookup,
      clock,
      times: this.#times,
      idleDelays: this.#idleDelays,
      strictOrder: this.#options.tasks === 'real',
    })
    const running: RunningTask = { open, task, state, changelogs: open.changelogs }
    this.#opening.delete(open.id)
    this.#running.set(open.id, running)
    this.#sortRunning()
    this.#turns.add(laneOf(open), running)
    for (const { topic, partition, offset } of inputs) {
      this.#readers.set(topic, partition, running)
      this.#reader.assign(topic, partition, offset)
    }
  }

  /** Lowest first, in whatever order they were restored. */
  #sortRunning(): void {
    const sorted = [...this.#running.values()].sort(
      ({ open: a }, { open: b }) =>
        (a.subtopologies[0]?.id ?? 0) - (b.subtopologies[0]?.id ?? 0) || a.partition - b.partition,
    )
    this.#running.clear()
    for (const running of sorted) this.#running.set(running.open.id, running)
  }

  // ---- processing

  /** Hands over to the tasks what the log has fetched; answers how many batches it were. */
  poll(): number {
    this.#resumeDrained()
    const { arrivalOrder } = this.#options
    const batches = arrivalOrder === undefined ? this.#reader.poll(this.#receive) : this.#pollInOrder(arrivalOrder)
    this.#turns.arrived()
    return batches
  }

  #resumeDrained(): void {
    for (const { task } of this.#running.values()) {
      for (const queue of task.queues) {
        if (!queue.paused || this.#isFull(queue)) continue
        queue.paused = false
        this.#reader.resume(queue.topic, queue.partition)
      }
    }
  }

  readonly #receive = (topic: string, partition: number, cursor: RecordCursor): void => {
    const queue = this.#readers.get(topic, partition)?.task.add(topic, cursor)
    if (queue === undefined || queue.paused || !this.#isFull(queue)) return
    queue.paused = true
    this.#reader.pause(topic, partition)
  }

  #isFull(queue: PartitionQueue): boolean {
    if (queue.size > this.#options.app.settings.bufferedRecordsPerPartition) return true
    return queue.bytes > this.#memory.queued / this.#readers.size
  }

  #pollInOrder(order: (a: string, b: string) => number): number {
    const arrived: [topic: string, partition: number, cursor: RecordCursor][] = []
    const batches = this.#reader.poll((topic, partition, cursor) => arrived.push([topic, partition, cursor]))
    arrived.sort((a, b) => order(a[0], b[0]))
    for (const [topic, partition, cursor] of arrived) this.#receive(topic, partition, cursor)
    return batches
  }

  /** Lets the tasks process up to `limit` records each, in turns, until the slice is over; answers how many it were in all. */
  process(limit: number, slice: Slice): number {
    if (!this.#client.producer.writable) return 0
    return this.#turns.process(limit, this.#lagOf, slice)
  }

  /** One record of one task, lowest task first: the pace of the test driver. False if there was none to take. */
  processOne(): boolean {
    for (const { task } of this.#running.values()) if (task.process(1, this.#lagOf) > 0) return true
    return false
  }

  readonly #lagOf = (topic: string, partition: number): number | undefined => this.lag(topic, partition)

  /** Records of an assigned partition not handed over yet; undefined while unknown. */
  lag(topic: string, partition: number): number | undefined {
    const end = this.#reader.endOffset(topic, partition)
    const position = this.#reader.position(topic, partition)
    return end === undefined || position === undefined ? undefined : end - position
  }

  /** Lets stream time go on where all partitions of a task are idle; true if anything came of it. */
  passTime(): boolean {
    let passed = false
    for (const { task } of this.#running.values()) if (task.passTime(this.#quietOf)) passed = true
    return passed
  }

  readonly #quietOf = (topic: string, partition: number): Quiet | undefined => this.#reader.quiet(topic, partition)

  punctuate(): boolean {
    let ran = false
    for (const { task } of this.#running.values()) if (task.punctuateWallClock()) ran = true
    return ran
  }

  /** By the monotonic clock; Infinity if there is none. */
  get nextPunctuation(): number {
    let next = Infinity
    for (const { task } of this.#running.values()) next = Math.min(next, task.nextWallClockPunctuation)
    return next
  }

  get commitRequested(): boolean {
    for (const { task } of this.#running.values()) if (task.commitRequested) return true
    return false
  }

  get commitNeeded(): boolean {
    return this.#commits.isNeeded(this.#running.values())
  }

  // ---- committing and closing

  /** Commits the tasks that have anything to commit, together; with `everything` their engines lack nothing afterwards. */
  *commit(slice?: Slice, everything = false): Steps<CommitOutcome> {
    const begun = yield* this.beginCommit(slice, everything)
    return yield* begun.conclude()
  }

  /** Hands the log what the tasks did up to now. Before the commit is concluded no other may begin, and no task be closed. */
  beginCommit(slice?: Slice, everything = false): Steps<BegunCommit> {
    return this.#commits.begin([...this.#running.values()], slice, everything)
  }

  /** What would be processed again if it could not be committed. */
  get uncommitted(): readonly Uncommitted[] {
    return [...this.#running.values()].flatMap(({ task }) => task.uncommitted)
  }

  /** Closes all active tasks without committing: nothing in memory survives but what the engines hold. Standbys stay. */
  *closeDirty(): Steps<void> {
    this.#owned = []
    this.#delayed = 0
    this.#writer.discard()
    try {
      yield* wait(this.#client.abort())
    } finally {
      for (const id of [...this.#running.keys(), ...this.#opening.keys()]) yield* this.#close(id)
    }
  }

  /** Commits and closes all active tasks; what could not be committed is processed again by the next owner. */
  *closeClean(slice?: Slice): Steps<CommitOutcome> {
    const outcome = yield* this.commit(slice, true)
    if (outcome !== 'committed') yield* wait(this.#client.abort())
    for (const id of [...this.#running.keys(), ...this.#opening.keys()]) yield* this.#close(id)
    return outcome
  }

  *#close(id: string): Steps<void> {
    const running = this.#running.get(id)
    const open = running?.open ?? this.#opening.get(id)?.open
    if (open === undefined) return
    this.#restorer.remove(id)
    for (const { topic, partition } of open.inputs) {
      this.#readers.delete(topic, partition)
      this.#reader.unassign(topic, partition)
    }
    if (running !== undefined) this.#turns.remove(laneOf(open), running)
    this.#leftInputs.leave(open.inputs, running?.task)
    running?.task.close()
    this.processedByClosedTasks += running?.task.processed ?? 0
    this.#running.delete(id)
    this.#opening.delete(id)
    this.closedDrops = sumOfDrops([this.closedDrops, open.drops.counts])
    yield* this.#opener.close(id, open.state)
  }

  /** To be told of the error that ended the thread, when every task is closed: damaged state is not opened again. */
  distrust(error: unknown): void {
    const task = damagedTask(error)
    if (task !== undefined && !this.#options.home.isHeld(task)) this.#options.home.distrust(task)
  }

  *closeStandbys(): Steps<void> {
    yield* this.#standbys.closeAllBut(new Set())
  }

  /** To be called when every task is closed. */
  close(): void {
    this.#options.lines.close()
    this.#restorer.close()
    this.#inputLookup.close()
  }
}

import { PartitionMap, type CommitOutcome, type CommittedOffset, type LogClient } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import type { Slice } from '../../platform/slice.ts'
import { wait, type Steps } from '../../platform/steps.ts'
import type { Checkpoint, TaskState } from '../../state/task/task-state.ts'
import { namingTask } from '../failures/damaged-state.ts'
import type { RecordWriter } from '../output/record-writer.ts'
import type { Task } from '../task/task.ts'
import { changelogSink, type Changelog } from './changelog.ts'
import type { RepartitionPurge } from './repartition-purge.ts'

/** A running task with its state, as a commit sees it. */
export interface CommittableTask {
  readonly task: Task
  readonly state: TaskState
  /** Changelog of each logged store. */
  readonly changelogs: ReadonlyMap<string, Changelog>
}

/** A commit that was handed to the log. */
export interface BegunCommit {
  /** True if tasks may process until it is concluded. */
  readonly overlaps: boolean
  /** To be run at once. */
  conclude(): Steps<CommitOutcome>
}

/** ms for which what is committed may be left to the changelogs before engines have it: so much is replayed after a crash. */
const WRITE_INTERVAL = 2_000

const NOTHING_TO_COMMIT: BegunCommit = {
  overlaps: false,
  conclude: () => wait('committed'),
}

export interface CommitsOptions {
  readonly client: LogClient
  readonly writer: RecordWriter
  readonly clock: Clock
  readonly purge: RepartitionPurge
  /** Bytes that engines may lack before they get them early. */
  readonly maxUnwritten: number
}

/**
 * The commits of one stream thread. A commit makes everything that the tasks did since the last one durable, all of it or
 * (exactly-once) nothing:
 *
 * 1. flush caches, until nothing is left to emit;
 * 2. append the changelog records of all changed entries;
 * 3. once every send is acknowledged, commit the offsets, under exactly-once together with the records;
 * 4. write the changes and changelog positions of each task to its engine, in one batch.
 *
 * `begin` ends when the offsets are handed to the log. From then on tasks may process: what they do belongs to the next commit.
 *
 * Step 4 runs only after step 3 is known to have succeeded: an engine never holds what is not committed. Most commits leave it
 * to a later one, since what an engine lacks is replayed from the changelogs: a key that changes with every commit costs a write
 * every two seconds, and the log's answer need not be waited for. Nothing may be processed between the steps of a commit that
 * does write. Any outcome but `committed` leaves tasks whose memory is ahead of what is committed; the caller closes them dirty.
 */
export class Commits {
  readonly #options: CommitsOptions
  #lastWrite: number

  constructor(options: CommitsOptions) {
    this.#options = options
    this.#lastWrite = options.clock.monotonic()
  }

  /** True if something is to be made durable, or has been for long enough that engines should have it. */
  isNeeded(running: Iterable<CommittableTask>): boolean {
    const isDue = this.#options.clock.monotonic() - this.#lastWrite >= WRITE_INTERVAL
    for (const { task, state } of running) if (task.commitNeeded || (isDue && state.dirtyBytes > 0)) return true
    return false
  }

  /**
   * @param slice how much of step 1, which runs callbacks, is done at a stretch; all of it if absent
   * @param everything engines are to lack nothing afterwards
   */
  *begin(running: readonly CommittableTask[], slice: Slice | undefined, everything: boolean): Steps<BegunCommit> {
    const { client, writer, clock } = this.#options
    const now = clock.monotonic()
    const writes = everything || this.#isWriteDue(running, now)
    const tasks = running.filter(({ task, state }) => task.commitNeeded || (writes && state.dirtyBytes > 0))
    if (tasks.length === 0) return NOTHING_TO_COMMIT
    yield* flushCaches(tasks, slice)
    yield* appendChangelogs(tasks, client, writer)
    const answer = commitOffsets(tasks, client)
    const asOf = clock.now()
    return { overlaps: !writes, conclude: () => this.#conclude(answer, tasks, writes ? running : undefined, now, asOf) }
  }

  /**
   * @param toWrite the tasks whose engines get what they lack; undefined: not this time
   * @param now of the begin, by the monotonic clock
   * @param asOf its date, for the checkpoints
   */
  *#conclude(
    answer: MaybePromise<CommitOutcome>,
    tasks: readonly CommittableTask[],
    toWrite: readonly CommittableTask[] | undefined,
    now: number,
    asOf: number,
  ): Steps<CommitOutcome> {
    const { client, purge } = this.#options
    const changed = toWrite?.filter(({ state }) => state.dirtyBytes > 0) ?? []
    const failure = prepareEngines(changed)
    const outcome = yield* wait(answer)
    if (outcome !== 'committed') return outcome
    if (failure !== undefined) throw failure.error
    for (const { task } of tasks) task.committed()
    if (toWrite === undefined) return outcome
    yield* writeEngines(changed, client, asOf)
    this.#lastWrite = now
    yield* purge.run(toWrite, now)
    return outcome
  }

  #isWriteDue(running: readonly CommittableTask[], now: number): boolean {
    if (now - this.#lastWrite >= WRITE_INTERVAL) return true
    return unwrittenBytes(running) >= this.#options.maxUnwritten || running.some(hasUnloggedStore)
  }
}

/** Bytes of changes that the tasks' engines do not have. */
export function unwrittenBytes(tasks: Iterable<CommittableTask>): number {
  let bytes = 0
  for (const { state } of tasks) bytes += state.dirtyBytes
  return bytes
}

/** True if a store of the task has no changelog: what its engine lacks could not be replayed. */
function hasUnloggedStore({ state, changelogs }: CommittableTask): boolean {
  return state.states.some(({ name }) => !changelogs.has(name))
}

// ---- step 1

function* flushCaches(tasks: readonly CommittableTask[], slice: Slice | undefined): Steps<void> {
  slice?.begin()
  for (const { task, state } of tasks) {
    while (!inTask(task, () => state.flushCaches(slice))) if (slice !== undefined) yield* wait(slice.giveWay())
  }
  slice?.look()
}

// ---- step 2

function* appendChangelogs(
  tasks: readonly CommittableTask[],
  { producer }: LogClient,
  writer: RecordWriter,
): Steps<void> {
  for (const { task, state, changelogs } of tasks) {
    inTask(task, () => state.logChanges((store) => changelogSink(task.id, store, changelogs.get(store), producer)))
  }
  yield* wait(writer.settle())
}

// ---- step 3

function commitOffsets(tasks: readonly CommittableTask[], client: LogClient): MaybePromise<CommitOutcome> {
  const offsets = new PartitionMap<CommittedOffset>()
  for (const { task } of tasks) task.takeOffsets(offsets, client.guarantee === 'exactly_once')
  return client.commit(offsets)
}

// ---- step 4

/**
 * Does of step 4 what does not depend on the log's answer, while the log carries out the commit: nothing else can be done then. A
 * failure is returned, not thrown: what is under way must be waited for before anything is closed.
 */
function prepareEngines(changed: readonly CommittableTask[]): { readonly error: unknown } | undefined {
  try {
    for (const { task, state } of changed) inTask(task, () => state.prepareWrite())
  } catch (error) {
    return { error }
  }
}

function* writeEngines(changed: readonly CommittableTask[], client: LogClient, asOf: number): Steps<void> {
  for (const committable of changed) {
    try {
      yield* wait(committable.state.write(checkpointsOf(committable, client, asOf)))
    } catch (error) {
      throw namingTask(error, committable.task.id)
    }
  }
}

/** Of every logged store, written to or not: while its task runs here a store holds all of its changelog. */
function checkpointsOf(
  { task, state, changelogs }: CommittableTask,
  { producer }: LogClient,
  asOf: number,
): Map<string, Checkpoint> {
  const checkpoints = new Map<string, Checkpoint>()
  for (const [store, { topic, topicId, partition, source }] of changelogs) {
    const offset = source
      ? task.queues.find((queue) => queue.topic === topic)?.nextOffset
      : behind(producer.lastOffset(topic, partition), state.checkpoint(store)?.offset)
    if (offset !== undefined) checkpoints.set(store, { offset, topicId, time: asOf })
  }
  return checkpoints
}

/** What was restored may lie behind what this producer wrote when it owned the task before. */
function behind(last: number | undefined, checkpoint: number | undefined): number | undefined {
  return last === undefined ? checkpoint : Math.max(last + 1, checkpoint ?? 0)
}

function inTask<T>(task: Task, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw namingTask(error, task.id)
  }
}

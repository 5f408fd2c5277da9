import { PartitionMap, type CommitOutcome, type CommittedOffset, type LogClient } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import type { Slice } from '../../platform/slice.ts'
import { wait, type Steps } from '../../platform/steps.ts'
import type { Checkpoint } from '../../state/task/task-state.ts'
import { namingTask } from '../failures/damaged-state.ts'
import type { RecordWriter } from '../output/record-writer.ts'
import type { Task } from '../task/task.ts'
import { changelogSink } from './changelog-sink.ts'
import type { RepartitionPurge } from './repartition-purge.ts'

/** A commit that was handed to the log. */
export interface BegunCommit {
  /** True if tasks may process until it is concluded. */
  readonly overlaps: boolean
  /** To be run at once. */
  conclude(): Steps<CommitOutcome>
}

/** ms for which committed changes may lie in the changelogs alone: so much is replayed after a crash. */
const WRITE_INTERVAL = 2_000

const NOTHING_TO_COMMIT: BegunCommit = { overlaps: false, conclude: () => wait('committed') }

export interface CommitsOptions {
  readonly client: LogClient
  readonly writer: RecordWriter
  readonly clock: Clock
  readonly purge: RepartitionPurge
  /** Bytes that engines may lack before they get them early. */
  readonly maxUnwritten: number
}

/**
 * The commits of one stream thread. A commit makes everything durable that the tasks did since the last one: all of it
 * or, under exactly-once, nothing.
 *
 * 1. `flushCaches`, until nothing is left to emit; then `saveCalls`: the calls that have not left their steps are put
 *    into the steps' stores, and those that have left are taken out;
 * 2. `appendChangelogs`: the records of all changed entries;
 * 3. `commitOffsets`, once every send is acknowledged, under exactly-once together with the records;
 * 4. `writeEngines`: the changes and changelog positions of each task, in one batch.
 *
 * `begin` ends when the offsets are handed to the log. From then on tasks may process: it belongs to the next commit.
 *
 * Step 4 runs only after step 3 is known to have succeeded: an engine never holds what is not committed. Most commits
 * leave it to a later one, since changes that an engine lacks are replayed from the changelogs. So a key that changes
 * with every commit costs a write every two seconds, and nobody waits for the log. Nothing may be processed between the
 * steps of a commit that does write. After any outcome but `committed`, the memory of the tasks is ahead of what is
 * committed: the caller closes them dirty.
 */
export class Commits {
  readonly #options: CommitsOptions
  #lastWrite: number
  /** When the last commit that succeeded was begun, by the monotonic clock. */
  committedAt: number

  constructor(options: CommitsOptions) {
    this.#options = options
    this.#lastWrite = this.committedAt = options.clock.monotonic()
  }

  /** True if something is to be made durable, or has been for long enough that engines should have it. */
  isNeeded(running: Iterable<Task>): boolean {
    const isDue = this.#options.clock.monotonic() - this.#lastWrite >= WRITE_INTERVAL
    for (const task of running) if (hasToCommit(task, isDue)) return true
    return false
  }

  /**
   * @param slice how much of step 1, which runs callbacks, is done at a stretch; all of it if absent
   * @param everything true: engines lack nothing afterwards
   */
  *begin(running: readonly Task[], slice: Slice | undefined, everything: boolean): Steps<BegunCommit> {
    const { client, writer, clock } = this.#options
    const now = clock.monotonic()
    const writes = everything || this.#isWriteDue(running, now)
    const tasks = running.filter((task) => hasToCommit(task, writes))
    if (tasks.length === 0) return NOTHING_TO_COMMIT
    yield* flushCaches(tasks, slice)
    yield* saveCalls(tasks, client, writer)
    yield* appendChangelogs(tasks, client, writer)
    const answer = commitOffsets(tasks, client)
    const asOf = clock.now()
    return { overlaps: !writes, conclude: () => this.#conclude(answer, tasks, writes ? running : undefined, now, asOf) }
  }

  /**
   * @param toWrite the tasks whose engines get what they lack. Undefined: not this time
   * @param now when the commit began, by the monotonic clock
   * @param asOf when its offsets were handed to the log, ms since the epoch
   */
  *#conclude(
    answer: MaybePromise<CommitOutcome>,
    tasks: readonly Task[],
    toWrite: readonly Task[] | undefined,
    now: number,
    asOf: number,
  ): Steps<CommitOutcome> {
    const { client, purge } = this.#options
    const changed = toWrite?.filter(({ stores }) => stores.dirtyBytes > 0) ?? []
    const failure = prepareEngines(changed)
    const outcome = yield* wait(answer)
    if (outcome !== 'committed') return outcome
    if (failure !== undefined) throw failure.error
    for (const { processing, stores } of tasks) {
      processing.committed()
      stores.committed()
    }
    this.committedAt = now
    if (toWrite === undefined) return outcome
    yield* writeEngines(changed, client, asOf)
    this.#lastWrite = now
    yield* purge.run(toWrite, now)
    return outcome
  }

  #isWriteDue(running: readonly Task[], now: number): boolean {
    if (now - this.#lastWrite >= WRITE_INTERVAL) return true
    return unwrittenBytes(running) >= this.#options.maxUnwritten || running.some(hasUnloggedStore)
  }
}

/** Step 1. */
function* flushCaches(tasks: readonly Task[], slice: Slice | undefined): Steps<void> {
  slice?.begin()
  for (const { id, stores } of tasks) {
    while (!inTask(id, () => stores.flushCaches(slice))) if (slice !== undefined) yield* wait(slice.giveWay())
  }
  slice?.look()
}

/**
 * At least once, what has left a step must be out of reach of a crash before the step's store forgets it: nothing else
 * has it, since its offset is committed.
 */
function* saveCalls(tasks: readonly Task[], client: LogClient, writer: RecordWriter): Steps<void> {
  for (const { id, processing } of tasks) inTask(id, () => processing.calls.save())
  const leaving = tasks.filter(({ processing }) => processing.calls.hasLeft)
  if (leaving.length > 0 && client.guarantee === 'at_least_once') {
    yield* appendChangelogs(tasks, client, writer)
    yield* wait(client.producer.flush())
  }
  for (const { id, processing } of leaving) inTask(id, () => processing.calls.forgetLeft())
}

/** Step 2. */
function* appendChangelogs(tasks: readonly Task[], { producer }: LogClient, writer: RecordWriter): Steps<void> {
  for (const { id, stores, changelogs } of tasks) {
    inTask(id, () => stores.logChanges((store) => changelogSink(id, store, changelogs.get(store), producer)))
  }
  yield* wait(writer.settle())
}

/** Step 3, but for waiting. */
function commitOffsets(tasks: readonly Task[], client: LogClient): MaybePromise<CommitOutcome> {
  const offsets = new PartitionMap<CommittedOffset>()
  for (const { processing } of tasks) processing.takeOffsets(offsets, client.guarantee === 'exactly_once')
  return client.commit(offsets)
}

/**
 * Does the part of step 4 that does not depend on the outcome, while the log carries out the commit: nothing else can
 * be done then. A failure is returned, not thrown: the commit under way must end before anything is closed.
 */
function prepareEngines(changed: readonly Task[]): { readonly error: unknown } | undefined {
  try {
    for (const { id, stores } of changed) inTask(id, () => stores.prepareWrite())
  } catch (error) {
    return { error }
  }
}

/** Step 4. */
function* writeEngines(changed: readonly Task[], client: LogClient, asOf: number): Steps<void> {
  for (const task of changed) {
    try {
      yield* wait(task.stores.write(checkpointsOf(task, client, asOf)))
    } catch (error) {
      throw namingTask(error, task.id)
    }
  }
}

/** The checkpoint of every logged store, written to or not: while its task runs, a store holds all of its changelog. */
function checkpointsOf(
  { processing, stores, changelogs }: Task,
  { producer }: LogClient,
  asOf: number,
): Map<string, Checkpoint> {
  const checkpoints = new Map<string, Checkpoint>()
  for (const [store, { topic, topicId, partition, source }] of changelogs) {
    const offset = source
      ? processing.queues.find((queue) => queue.topic === topic)?.nextOffset
      : behind(producer.lastOffset(topic, partition), stores.checkpoint(store)?.offset)
    if (offset !== undefined) checkpoints.set(store, { offset, topicId, time: asOf })
  }
  return checkpoints
}

/** The restore may have read further than this producer wrote when it owned the task before. */
function behind(last: number | undefined, checkpoint: number | undefined): number | undefined {
  return last === undefined ? checkpoint : Math.max(last + 1, checkpoint ?? 0)
}

function inTask<T>(task: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw namingTask(error, task)
  }
}

/** Bytes of changes that the tasks' engines do not have. */
export function unwrittenBytes(tasks: Iterable<Task>): number {
  let bytes = 0
  for (const { stores } of tasks) bytes += stores.dirtyBytes
  return bytes
}

/** True if the task did something, or (`writes`) has changes that its engine lacks. */
function hasToCommit({ processing, stores }: Task, writes: boolean): boolean {
  return processing.commitNeeded || (writes && stores.dirtyBytes > 0)
}

/** True if a store of the task has no changelog: what its engine lacks could not be replayed. */
function hasUnloggedStore({ stores, changelogs }: Task): boolean {
  return stores.states.some(({ name }) => !changelogs.has(name))
}

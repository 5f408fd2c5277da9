import type { CommitOutcome, LogClient } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import { beginCommit, hasUnloggedStore, prepareTask, unwrittenBytes, writeTask } from './commit.ts'
import type { CommittableTask, PendingCommit } from './commit.ts'
import type { RecordWriter } from '../output/record-writer.ts'
import type { Slice } from '../../platform/slice.ts'
import { wait, type Steps } from '../../platform/steps.ts'

/** A commit that was handed to the log. */
export interface BegunCommit {
  /** True if tasks may process until it is concluded. */
  readonly overlaps: boolean
  /** To be run at once. */
  conclude(): Steps<CommitOutcome>
}

/** ms for which what is committed may be left to the changelogs before engines have it: so much is replayed after a crash. */
const WRITE_INTERVAL = 2_000
/** ms between two purges of repartition records that every reader has committed. */
const PURGE_INTERVAL = 30_000

const NOTHING_TO_COMMIT: BegunCommit = {
  overlaps: false,
  conclude: () => wait('committed'),
}

export interface ThreadCommitsOptions {
  readonly client: LogClient
  readonly writer: RecordWriter
  readonly clock: Clock
  /** Deletes repartition records that are committed. */
  readonly purge: () => Steps<void>
  /** Bytes that engines may lack before they get them early. */
  readonly maxUnwritten: number
}

/**
 * The commits of one stream thread. Most of them are not written to the engines, so that a key that changes with every commit costs
 * a write every two seconds, and the log's answer need not be waited for.
 */
export class ThreadCommits {
  readonly #options: ThreadCommitsOptions
  #lastWrite: number
  #lastPurge: number

  constructor(options: ThreadCommitsOptions) {
    this.#options = options
    this.#lastWrite = this.#lastPurge = options.clock.monotonic()
  }

  /** True if something is to be made durable, or has been for long enough that engines should have it. */
  isNeeded(running: Iterable<CommittableTask>): boolean {
    const isDue = this.#options.clock.monotonic() - this.#lastWrite >= WRITE_INTERVAL
    for (const { task, state } of running) if (task.commitNeeded || (isDue && state.dirtyBytes > 0)) return true
    return false
  }

  /** @param everything engines are to lack nothing afterwards */
  *begin(running: readonly CommittableTask[], slice: Slice | undefined, everything: boolean): Steps<BegunCommit> {
    const { client, writer, clock } = this.#options
    const now = clock.monotonic()
    const writes = everything || this.#isWriteDue(running, now)
    const tasks = running.filter(({ task, state }) => task.commitNeeded || (writes && state.dirtyBytes > 0))
    if (tasks.length === 0) return NOTHING_TO_COMMIT
    const pending = yield* beginCommit(tasks, client, writer, slice)
    const asOf = clock.now()
    return { overlaps: !writes, conclude: () => this.#conclude(pending, tasks, writes ? running : [], now, asOf) }
  }

  #isWriteDue(running: readonly CommittableTask[], now: number): boolean {
    if (now - this.#lastWrite >= WRITE_INTERVAL) return true
    return unwrittenBytes(running) >= this.#options.maxUnwritten || running.some(hasUnloggedStore)
  }

  /**
   * @param now of the begin, by the monotonic clock
   * @param asOf its date, for the checkpoints
   */
  *#conclude(
    pending: PendingCommit,
    tasks: readonly CommittableTask[],
    toWrite: readonly CommittableTask[],
    now: number,
    asOf: number,
  ): Steps<CommitOutcome> {
    const changed = toWrite.filter(({ state }) => state.dirtyBytes > 0)
    const failure = prepareTasks(changed)
    const outcome = yield* wait(pending.outcome)
    if (outcome !== 'committed') return outcome
    if (failure !== undefined) throw failure.error
    for (const { task } of tasks) task.committed()
    if (toWrite.length === 0) return outcome
    for (const running of changed) yield* writeTask(running, this.#options.client, asOf)
    this.#lastWrite = now
    if (now - this.#lastPurge >= PURGE_INTERVAL) {
      this.#lastPurge = now
      yield* this.#options.purge()
    }
    return outcome
  }
}

/**
 * What engines can do while the log carries out the commit: nothing else can be done then. A failure is answered, not thrown: what is under way
 * must be waited for before anything is closed.
 */
function prepareTasks(changed: readonly CommittableTask[]): { readonly error: unknown } | undefined {
  try {
    for (const running of changed) prepareTask(running)
  } catch (error) {
    return { error }
  }
}

import { MillraceError } from '../../errors/millrace-error.ts'
import { describeRefusal, refusalHint } from '../../log/refusal.ts'
import type { RecordOrigin, Refusal } from '../../log/refusal.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import { PartitionMap, type CommitOutcome, type CommittedOffset, type LogClient } from '../../log/log.ts'
import type { ChangelogSink } from '../../state/states.ts'
import type { Checkpoint, TaskState } from '../../state/task/task-state.ts'
import { namingTask } from '../failures/damaged-state.ts'
import type { RecordWriter } from '../output/record-writer.ts'
import type { Slice } from '../../platform/slice.ts'
import { wait, type Steps } from '../../platform/steps.ts'
import type { Task } from '../task/task.ts'

/** A running task with its state, as a commit sees it. */
export interface CommittableTask {
  readonly task: Task
  readonly state: TaskState
  /** Changelog of each logged store. */
  readonly changelogs: ReadonlyMap<string, Changelog>
}

export interface Changelog {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** A source topic that serves as changelog is never written to. */
  readonly source: boolean
}

/** What a log answers to a commit that it was handed. */
export interface PendingCommit {
  readonly outcome: MaybePromise<CommitOutcome>
}

/**
 * A commit makes everything that the tasks of one thread did since the last one durable, all of it or (exactly-once) nothing:
 *
 * 1. flush caches, until nothing is left to emit;
 * 2. append the changelog records of all changed entries;
 * 3. once every send is acknowledged, commit the offsets, under exactly-once together with the records;
 * 4. write the changes and changelog positions of each task to its engine, in one batch (`writeTask`).
 *
 * These are steps 1, 2 and the beginning of step 3. From the answer on tasks may process: what they do then belongs to the next
 * commit.
 *
 * Step 4 runs only after step 3 is known to have succeeded: an engine never holds what is not committed. It may be left to a
 * later commit, since what an engine lacks is replayed from the changelogs; then nothing may be processed between the steps
 * of that one. Any other outcome leaves tasks whose memory is ahead of what is committed; the caller closes them dirty.
 *
 * @param slice how much of step 1, which runs callbacks, is done at a stretch; all of it if absent
 */
export function* beginCommit(
  tasks: readonly CommittableTask[],
  client: LogClient,
  writer: RecordWriter,
  slice: Slice | undefined,
): Steps<PendingCommit> {
  // Step 1
  slice?.begin()
  for (const { task, state } of tasks) {
    while (!inTask(task, () => state.flushCaches(slice))) if (slice !== undefined) yield* wait(slice.giveWay())
  }
  slice?.look()

  // Step 2
  for (const { task, state, changelogs } of tasks) {
    inTask(task, () => state.logChanges((store) => changelogSink(task.id, store, changelogs.get(store), client)))
  }
  yield* wait(writer.settle())

  // Step 3
  const offsets = new PartitionMap<CommittedOffset>()
  for (const { task } of tasks) task.takeOffsets(offsets, client.guarantee === 'exactly_once')
  return { outcome: client.commit(offsets) }
}

/** Does of step 4 what does not depend on the log's answer. */
export function prepareTask({ task, state }: CommittableTask): void {
  inTask(task, () => state.prepareWrite())
}

/** Step 4. Call when everything that the task did is committed: at the date `asOf`, ms since the epoch. */
export function* writeTask(running: CommittableTask, client: LogClient, asOf: number): Steps<void> {
  try {
    yield* wait(running.state.write(checkpointsOf(running, client, asOf)))
  } catch (error) {
    throw namingTask(error, running.task.id)
  }
}

/** Bytes of changes that the tasks' engines do not have. */
export function unwrittenBytes(tasks: Iterable<CommittableTask>): number {
  let bytes = 0
  for (const { state } of tasks) bytes += state.dirtyBytes
  return bytes
}

/** True if a store of the task has no changelog: what its engine lacks could not be replayed. */
export function hasUnloggedStore({ state, changelogs }: CommittableTask): boolean {
  return state.states.some(({ name }) => !changelogs.has(name))
}

function inTask<T>(task: Task, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw namingTask(error, task.id)
  }
}

function changelogSink(
  task: string,
  store: string,
  changelog: Changelog | undefined,
  client: LogClient,
): ChangelogSink | undefined {
  if (changelog === undefined || changelog.source) return undefined
  const { topic, partition } = changelog
  const { producer } = client
  const origin: RecordOrigin = {
    refused: (refusal) => {
      throw changelogRefused(task, store, refusal)
    },
  }
  return {
    append(timestamp, buffer, keyStart, keyEnd, valueStart, valueEnd, headers) {
      producer.append(topic, partition, timestamp, buffer, keyStart, keyEnd, valueStart, valueEnd, headers, origin)
    },
  }
}

/** No handler is asked: a store without a change in its changelog would have another content after a restart. */
function changelogRefused(task: string, store: string, refusal: Refusal): MillraceError {
  const { topic, partition } = refusal
  const where = `topic "${topic}" on the brokers, and of the store's option logging (or topicConfigs) for a topic that is still to be created`
  return new MillraceError('MR_PRODUCE', `the changelog of a store cannot take a row: ${describeRefusal(refusal)}`, {
    task,
    store,
    topic,
    partition,
    hint: `Nothing is committed, and the records since the last commit are processed again after a restart. ${refusalHint(refusal, where)}`,
  })
}

/** Of every logged store, written to or not: while its task runs here a store holds all of its changelog. */
function checkpointsOf(
  { task, state, changelogs }: CommittableTask,
  client: LogClient,
  asOf: number,
): Map<string, Checkpoint> {
  const checkpoints = new Map<string, Checkpoint>()
  for (const [store, { topic, topicId, partition, source }] of changelogs) {
    const offset = source
      ? task.queues.find((queue) => queue.topic === topic)?.nextOffset
      : behind(client.producer.lastOffset(topic, partition), state.checkpoint(store)?.offset)
    if (offset !== undefined) checkpoints.set(store, { offset, topicId, time: asOf })
  }
  return checkpoints
}

/** What was restored may lie behind what this producer wrote when it owned the task before. */
function behind(last: number | undefined, checkpoint: number | undefined): number | undefined {
  return last === undefined ? checkpoint : Math.max(last + 1, checkpoint ?? 0)
}

import { PartitionMap, type CommitOutcome, type CommittedOffset, type LogClient } from '../log/log.ts'
import type { ChangelogSink } from '../state/states.ts'
import type { Checkpoint, TaskState } from '../state/task-state.ts'
import { namingDamaged } from './damaged-state.ts'
import type { RecordWriter } from './record-writer.ts'
import { wait, type Steps } from './steps.ts'
import type { Task } from './task.ts'

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

/**
 * Makes everything that the tasks of one thread did since the last commit durable, all of it or (exactly-once) nothing:
 *
 * 1. flush caches, until nothing is left to emit;
 * 2. append the changelog records of all changed entries, wait until every send is acknowledged;
 * 3. commit the offsets, under exactly-once together with the records;
 * 4. write each task's changes and changelog positions to its engine, in one batch.
 *
 * Step 4 runs only after step 3 is known to have succeeded: an engine never holds what is not committed. Any other outcome
 * leaves tasks whose memory is ahead of what is committed; the caller closes them dirty.
 */
export function* commitTasks(
  tasks: readonly CommittableTask[],
  client: LogClient,
  writer: RecordWriter,
  now: number,
): Steps<CommitOutcome> {
  // Step 1
  for (const { task, state } of tasks) inTask(task, () => state.flushCaches())

  // Step 2
  for (const { task, state, changelogs } of tasks) {
    inTask(task, () => state.logChanges((store) => changelogSink(changelogs.get(store), client)))
  }
  yield* wait(writer.settle())
  yield* wait(client.producer.flush())

  // Step 3
  const offsets = new PartitionMap<CommittedOffset>()
  for (const { task } of tasks) task.collectOffsets(offsets, client.guarantee === 'exactly_once')
  const outcome = yield* wait(client.commit(offsets))
  if (outcome !== 'committed') return outcome

  // Step 4
  for (const { task, state, changelogs } of tasks) {
    try {
      yield* wait(state.write(checkpointsOf({ task, state, changelogs }, client, now)))
    } catch (error) {
      throw namingDamaged(error, task.id)
    }
    task.committed()
  }
  return 'committed'
}

function inTask(task: Task, act: () => void): void {
  try {
    act()
  } catch (error) {
    throw namingDamaged(error, task.id)
  }
}

function changelogSink(changelog: Changelog | undefined, client: LogClient): ChangelogSink | undefined {
  if (changelog === undefined || changelog.source) return undefined
  const { topic, partition } = changelog
  const { producer } = client
  return {
    append(timestamp, buffer, keyStart, keyEnd, valueStart, valueEnd, headers) {
      producer.append(topic, partition, timestamp, buffer, keyStart, keyEnd, valueStart, valueEnd, headers)
    },
  }
}

/** Of every logged store, written to or not: while its task runs here a store holds all of its changelog. */
function checkpointsOf(
  { task, state, changelogs }: CommittableTask,
  client: LogClient,
  now: number,
): Map<string, Checkpoint> {
  const checkpoints = new Map<string, Checkpoint>()
  for (const [store, { topic, topicId, partition, source }] of changelogs) {
    const offset = source
      ? task.queues.find((queue) => queue.topic === topic)?.nextOffset
      : behind(client.producer.lastOffset(topic, partition), state.checkpoint(store)?.offset)
    if (offset !== undefined) checkpoints.set(store, { offset, topicId, time: now })
  }
  return checkpoints
}

/** What was restored may lie behind what this producer wrote when it owned the task before. */
function behind(last: number | undefined, checkpoint: number | undefined): number | undefined {
  return last === undefined ? checkpoint : Math.max(last + 1, checkpoint ?? 0)
}

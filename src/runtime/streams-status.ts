import type { DropReason } from '../record/drop-reason.ts'
import type { StandbyLag } from './thread/task-manager.ts'
import { addStatus, type ThreadHandle, type ThreadStatus, type ThreadTaskStatus } from './thread/thread-handle.ts'

/** States of an application, as in Kafka Streams: `rebalancing` until every thread runs and every store is restored. */
export type StreamsState = (typeof STREAMS_STATES)[number]

export const STREAMS_STATES = [
  'created',
  'rebalancing',
  'running',
  'pending-shutdown',
  'not-running',
  'pending-error',
  'error',
] as const

/** What an application has done and is doing, as of now. */
export interface StreamsStatus extends Omit<ThreadStatus, 'dropped' | 'tasks' | 'standbys'> {
  readonly state: StreamsState
  /** Records dropped, by reason. */
  readonly dropped: ReadonlyMap<DropReason, number>
  readonly tasks: readonly TaskStatus[]
  /** Copies of the stores of tasks that run elsewhere. */
  readonly standbys: readonly StandbyStatus[]
  /** Status of the companions that were started, by name. */
  readonly companions: ReadonlyMap<string, object>
}

/** How far a standby lags behind its changelogs. */
export interface StandbyStatus extends StandbyLag {
  readonly thread: string
}

/** What one running task has done. */
export interface TaskStatus extends ThreadTaskStatus {
  readonly thread: string
}

/** @param ended what threads have done that were replaced, and what is shared by all threads */
export function statusOfAll(
  state: StreamsState,
  ended: ThreadStatus,
  threads: readonly ThreadHandle[],
  companions: ReadonlyMap<string, object>,
): StreamsStatus {
  let sum = ended
  const tasks: TaskStatus[] = []
  const standbys: StandbyStatus[] = []
  for (const thread of threads) {
    const status = thread.status()
    sum = addStatus(sum, status)
    for (const task of status.tasks) tasks.push({ ...task, thread: thread.name })
    for (const standby of status.standbys) standbys.push({ ...standby, thread: thread.name })
  }
  return { state, ...sum, dropped: new Map(sum.dropped), tasks, standbys, companions }
}

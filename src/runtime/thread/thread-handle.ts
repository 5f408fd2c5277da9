import type { StepStatus } from '../calls/task-calls.ts'
import type { ThreadVitals } from '../../health/vitals.ts'
import type { Route } from '../../group/group.ts'
import type { DropReason } from '../../record/drop-reason.ts'
import type { UncaughtErrorDecision } from '../../application/application.ts'
import type { DropCounter } from '../node/drop-counter.ts'
import { addMemory, NO_MEMORY, type MemoryUse } from '../memory/memory-budget.ts'
import type { Sample } from '../../metrics/samples.ts'
import type { RowOwner } from '../../query/row-request.ts'
import type { StandbyLag } from './task-manager.ts'
import type { StreamThreadListeners, ThreadState } from './stream-thread.ts'
import type { Urgency } from './urgency.ts'

/** A stream thread as the application sees it, on this event loop or in a thread of its own. */
export interface ThreadHandle {
  readonly name: string
  readonly state: ThreadState
  /** What was decided about the error that ended the thread. */
  readonly failure: UncaughtErrorDecision | undefined
  /** Resolves after a stop, rejects with what ended the thread. */
  run(): Promise<void>
  /** Asks it to commit, close its tasks, leave the group and end. */
  stop(urgency: Urgency): void
  /** Asks every member of the group to stop. */
  shutdownApplication(): Promise<void>
  status(): ThreadStatus
  /** Somebody asks for metrics: for a while, what costs time to count is counted, too. */
  look(): void
  /** All that it has counted, and what its tasks are doing, as last reported. */
  samples(): readonly Sample[]
  /** What its health is judged by, as last reported. */
  vitals(): ThreadVitals
  /** The stores of its tasks, and global tables, as queries ask them. */
  readonly rows: RowOwner
  /** The user's views of a store, one for each task. @throws MR_STORE_IN_THREAD if they lie in another thread */
  stores(name: string): readonly unknown[]
}

/** What one thread has done and is doing: data that can be sent from one thread to another. */
export interface ThreadStatus {
  /** Records processed. */
  readonly processed: number
  /** Records written to topics of the user and to repartition topics. */
  readonly written: number
  /** Records known to wait in the log. */
  readonly lag: number
  readonly commits: number
  /** How often it went back to its last commit because the next one failed. */
  readonly redone: number
  /** What tasks use of the memory that the application was given. */
  readonly memory: MemoryUse
  readonly dropped: readonly (readonly [reason: DropReason, count: number])[]
  readonly tasks: readonly ThreadTaskStatus[]
  readonly standbys: readonly StandbyLag[]
}

/** What one running task has done. */
export interface ThreadTaskStatus {
  /** `<subtopology>_<partition>` */
  readonly id: string
  /** ms since the epoch; -1 before the first record. */
  readonly streamTime: number
  readonly processed: number
  /** Its asynchronous steps. */
  readonly calls: readonly StepStatus[]
}

/** Called with the routes to all instances that have an endpoint when one thread has learned of a change. */
export type RouteListener = (routes: readonly Route[]) => void

/** In the main thread, which decides at once. */
export interface ThreadListeners extends StreamThreadListeners {
  readonly onRoutes: RouteListener
  readonly onFailure: (error: unknown) => UncaughtErrorDecision
}

/** The threads of an application and what they share. */
export interface ThreadHost {
  /** To be called before threads are opened: what they share is brought up to date. */
  prepare(): Promise<void>
  /** @param index from 0 on; the thread that had it before has ended */
  open(index: number, listeners: ThreadListeners): Promise<ThreadHandle>
  /** Records dropped by what the threads share. */
  readonly drops: DropCounter
  /** What the threads share has counted. */
  readonly samples: readonly Sample[]
  /** The user's view of a global table. @throws MR_STORE_IN_THREAD if it lies in another thread */
  globalStore(name: string): unknown
  /** When every thread has ended, or none could be opened. */
  close(): Promise<void>
}

export const NO_STATUS: ThreadStatus = {
  processed: 0,
  written: 0,
  lag: 0,
  commits: 0,
  redone: 0,
  memory: NO_MEMORY,
  dropped: [],
  tasks: [],
  standbys: [],
}

/** What remains of a thread's status when it has ended. */
export function endedStatus(status: ThreadStatus): ThreadStatus {
  return { ...status, lag: 0, memory: NO_MEMORY, tasks: [], standbys: [] }
}

/** What several threads have done together. */
export function addStatus(a: ThreadStatus, b: ThreadStatus): ThreadStatus {
  const dropped = new Map(a.dropped)
  for (const [reason, count] of b.dropped) dropped.set(reason, (dropped.get(reason) ?? 0) + count)
  return {
    processed: a.processed + b.processed,
    written: a.written + b.written,
    lag: a.lag + b.lag,
    commits: a.commits + b.commits,
    redone: a.redone + b.redone,
    memory: addMemory(a.memory, b.memory),
    dropped: [...dropped],
    tasks: [...a.tasks, ...b.tasks],
    standbys: [...a.standbys, ...b.standbys],
  }
}

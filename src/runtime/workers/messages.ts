import type { ThreadVitals } from '../../health/vitals.ts'
import type { Endpoint, Route } from '../../group/group.ts'
import type { FileMode } from '../../platform/file-mode.ts'
import type { EngineName } from '../../engine/engine.ts'
import type { AppChanges, Settings, UncaughtErrorDecision } from '../../application/application.ts'
import type { LogLevel } from '../../application/log-line.ts'
import type { Sample } from '../../metrics/samples.ts'
import type { RestoreListener } from '../restore/restorer.ts'
import type { ThreadState } from '../thread/stream-thread.ts'
import type { ThreadStatus } from '../thread/thread-handle.ts'
import type { RowPage, RowRequest } from '../../query/row-request.ts'
import type { Urgency } from '../thread/urgency.ts'
import type { SentValue } from './sent-error.ts'
import type { LogDescription } from '../../log/log.ts'

/** Tells a worker that runs a stream thread from a user's own. */
export const PURPOSE = 'millrace-stream-thread'

/** Data that a worker is started with, and that can be cloned. */
export interface WorkerStart {
  readonly purpose: typeof PURPOSE
  /** URL of the module whose default export is the application. */
  readonly module: string
  readonly applicationId: string
  /** Description of the topology. The worker's has to be the same. */
  readonly topology: string
  /** Settings of the application that was started, without functions: the worker takes these from the module. */
  readonly settings: Partial<Settings>
  /** Options by which the application differs from that of the module. */
  readonly changes: AppChanges | undefined
  /** `undefined`: the module exports a log. */
  readonly log: LogDescription | undefined
  readonly directory: string
  readonly engine: EngineName
  readonly holds: SharedArrayBuffer
  /** The worker's number in `holds`. */
  readonly owner: number
  readonly processId: string
  /** Mode of the files of the state. */
  readonly fileMode: FileMode
  readonly instanceId: string | undefined
  readonly endpoint: Endpoint | undefined
  readonly index: number
  /** False if the application has no logger. */
  readonly logging: boolean
  /** False if the application has no listener for restores. */
  readonly restoring: boolean
}

export type SentFields = readonly (readonly [name: string, value: SentValue])[]

export type ToWorker =
  | { readonly type: 'run' }
  | { readonly type: 'stop'; readonly urgency: Urgency }
  | { readonly type: 'shutdownApplication' }
  /** Somebody asks for metrics. */
  | { readonly type: 'look' }
  /** The decision about an error that was sent as `failing`. */
  | { readonly type: 'decision'; readonly decision: UncaughtErrorDecision }
  /** The task is no longer open in any thread. */
  | { readonly type: 'released'; readonly task: string }
  | { readonly type: 'query'; readonly id: number; readonly asked: AskedRows }

/** What is asked of the stores of a worker's tasks. Nothing answers a `cancel`. */
export type AskedRows = { readonly open: RowRequest } | { readonly next: number } | { readonly cancel: number }

export type FromWorker =
  | { readonly type: 'opened' }
  | {
      readonly type: 'state'
      readonly state: ThreadState
      readonly status: ThreadStatus
      readonly vitals: ThreadVitals
    }
  | { readonly type: 'status'; readonly status: ThreadStatus }
  /** A sign of life, also when nothing has changed, with all that the thread has counted. */
  | { readonly type: 'vitals'; readonly vitals: ThreadVitals; readonly samples: readonly Sample[] }
  | { readonly type: 'log'; readonly level: LogLevel; readonly fields: SentFields; readonly message: string }
  | { readonly type: 'restore'; readonly told: Parameters<RestoreListener> }
  | { readonly type: 'released'; readonly task: string }
  /** The answer to the query of this number. The memory of its rows is moved, not copied. */
  | { readonly type: 'answer'; readonly id: number; readonly page: RowPage }
  | { readonly type: 'refusal'; readonly id: number; readonly error: SentValue }
  | { readonly type: 'routes'; readonly routes: readonly Route[] }
  | { readonly type: 'shutdownRequested' }
  /** Every member of the group was asked to stop. */
  | { readonly type: 'shutdownTold' }
  /** The error is about to end the thread, which waits for the `decision` about it. */
  | { readonly type: 'failing'; readonly error: SentValue }
  /** The thread ended, by an error if there is one. */
  | {
      readonly type: 'ended'
      readonly status: ThreadStatus
      readonly samples: readonly Sample[]
      readonly error: SentValue | undefined
    }
  /** The error came from outside of the thread's work, and ends the worker. */
  | { readonly type: 'crashed'; readonly error: SentValue }

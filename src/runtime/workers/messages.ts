import type { FileMode } from '../../platform/file-mode.ts'
import type { EngineName } from '../../engine/engine.ts'
import type { Logger, Settings, UncaughtErrorDecision } from '../../application/application.ts'
import type { RestoreListener } from '../restore/restorer.ts'
import type { ThreadState } from '../thread/stream-thread.ts'
import type { ThreadStatus } from '../thread/thread-handle.ts'
import type { SentValue } from './sent-error.ts'
import type { LogDescription } from '../../log/log.ts'

/** Tells a worker that runs a stream thread from a user's own. */
export const PURPOSE = 'millrace-stream-thread'

/** What a worker is started with; it can be cloned. */
export interface WorkerStart {
  readonly purpose: typeof PURPOSE
  /** URL of the module whose default export is the application. */
  readonly module: string
  readonly applicationId: string
  /** The topology as it is described: the worker's has to be the same. */
  readonly topology: string
  /** Settings of the application that was started, but for functions, which the worker takes from the module. */
  readonly settings: Partial<Settings>
  /** `undefined`: the module exports a log. */
  readonly log: LogDescription | undefined
  readonly directory: string
  readonly engine: EngineName
  readonly holds: SharedArrayBuffer
  /** Of the holds. */
  readonly owner: number
  readonly processId: string
  /** Of the state. */
  readonly fileMode: FileMode
  readonly instanceId: string | undefined
  readonly index: number
  /** Whether anybody wants to know. */
  readonly logging: boolean
  readonly restoring: boolean
}

export type LogLevel = keyof Logger
export type SentFields = readonly (readonly [name: string, value: SentValue])[]

export type ToWorker =
  | { readonly type: 'run' }
  | { readonly type: 'stop' }
  | { readonly type: 'shutdownApplication' }
  /** Answers `failing`. */
  | { readonly type: 'decision'; readonly decision: UncaughtErrorDecision }
  /** A task is open in no thread any more. */
  | { readonly type: 'released'; readonly task: string }

export type FromWorker =
  | { readonly type: 'opened' }
  | { readonly type: 'state'; readonly state: ThreadState; readonly status: ThreadStatus }
  | { readonly type: 'status'; readonly status: ThreadStatus }
  | { readonly type: 'log'; readonly level: LogLevel; readonly fields: SentFields; readonly message: string }
  | { readonly type: 'restore'; readonly told: Parameters<RestoreListener> }
  | { readonly type: 'released'; readonly task: string }
  | { readonly type: 'shutdownRequested' }
  /** Everybody in the group was asked to stop. */
  | { readonly type: 'shutdownTold' }
  /** An error is about to end the thread: `decision` answers what then. */
  | { readonly type: 'failing'; readonly error: SentValue }
  /** The thread ended, with that error if with any. */
  | { readonly type: 'ended'; readonly status: ThreadStatus; readonly error: SentValue | undefined }
  /** An error outside of the thread's work ends the worker. */
  | { readonly type: 'crashed'; readonly error: SentValue }

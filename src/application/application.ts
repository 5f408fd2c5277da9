import type { Guarantee } from '../log/log.ts'
import type { MillraceError } from '../errors/millrace-error.ts'
import type { Headers } from '../record/headers.ts'
import type { Topology } from '../topology/topology.ts'
import type { Tracing } from './tracing.ts'

/** An application, made by `defineApp` and started by the runtime: an id, resolved settings, the compiled topology. */
export interface Application {
  readonly id: string
  readonly settings: Settings
  /** Builds the topology, again on each call. User suppliers are called per task, not here. @throws MR_TOPOLOGY… */
  topology(): Topology
  /** @internal The options that `defineApp` was given. Absent in an application that another version has made. */
  readonly options?: Readonly<Record<string, unknown>>
  /** @internal The changes that `changed` has made: other threads make them to the application of the module. */
  readonly changes?: AppChanges
  /** @internal Returns the same application with some options changed. @throws MR_CONFIG as `defineApp` does */
  changed?(changes: AppChanges): Application
}

/** Options of `defineApp` by name, all of them plain data. */
export type AppChanges = Readonly<Record<string, unknown>>

/** Settings with every default filled in; times in ms, sizes in bytes. */
export interface Settings {
  readonly guarantee: Guarantee
  /** Time between two commits; undefined: 100 on a log that commits exactly once, else 30 000. */
  readonly commitInterval: number | undefined
  /** Memory of the process that Millrace may use, not counting what it holds for others. */
  readonly memory: number
  /** Size of the process's record cache, which holds updates back; 0: every update is forwarded. */
  readonly cacheBytes: number
  /**
   * Time to wait for an empty partition, as `max.task.idle.ms`: -1 never waits, 0 waits while the log is known to hold
   * data, n waits n ms more.
   */
  readonly maxTaskIdle: number
  /** Time that all partitions of a task are silent before stream time advances without records; undefined: never. */
  readonly idleAfter: number | undefined
  /** Number of queued records above which a partition is paused. */
  readonly bufferedRecordsPerPartition: number
  readonly threads: number
  readonly standbyReplicas: number
  /** Time for which a task may go on failing with retriable errors. */
  readonly taskTimeout: number
  /** Replication factor of internal topics; -1: the broker's default. */
  readonly replicationFactor: number
  readonly compatible: boolean
  readonly onDeserializationError: ErrorHandler
  readonly onProcessingError: ErrorHandler
  readonly onProductionError: ErrorHandler
  readonly onUncaughtError: UncaughtErrorHandler
  readonly deadLetterTopic: string | undefined
  readonly logger: Logger
  /** True: errors and log lines may show keys and values of records. */
  readonly logValues: boolean
  readonly tracing: Tracing | undefined
}

/**
 * A handler's decision about a record. `fail`: the application stops without committing the record, which is read again
 * after a restart. `continue`: the record is dropped and counted. `deadLetter`: the record is dropped and counted, and
 * the input record is written to `deadLetterTopic` as it was read (KIP-1034).
 */
export type ErrorDecision = 'fail' | 'continue' | 'deadLetter'

/**
 * Decides about a record that could not be handled (KIP-161, KIP-210, KIP-1033). A handler that throws ends the thread
 * with MR_HANDLER.
 *
 * @example
 * ```ts
 * onDeserializationError: (error, record) => (record.topic === 'legacy' ? 'continue' : 'fail')
 * ```
 */
export type ErrorHandler = ErrorDecision | ((error: MillraceError, record: FailedRecord) => ErrorDecision)

/**
 * A handler's decision about an error that ends a thread. `replaceThread`: a new thread goes on from the last commit.
 * `shutdownClient`: this instance stops. `shutdownApplication`: all instances stop (KIP-671).
 */
export type UncaughtErrorDecision = 'replaceThread' | 'shutdownClient' | 'shutdownApplication'

/** Decides what happens to the application when an error ends a stream thread. Throwing counts as `shutdownClient`. */
export type UncaughtErrorHandler = UncaughtErrorDecision | ((error: unknown) => UncaughtErrorDecision)

/** The input record during which an error happened, as it was read. */
export interface FailedRecord {
  /** Null in punctuators; partition and offset are -1 then. */
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
  /** ms since the epoch, as in the record. */
  readonly timestamp: number
  readonly headers: Headers
  /** The operator that failed. */
  readonly node: string
  readonly task: string
  /**
   * Bytes as they were read; null in punctuators, if the record has none, and if its output was refused and it is no
   * longer in its topic.
   */
  readonly rawKey: Buffer | null
  readonly rawValue: Buffer | null
  /** The record that the log refuses; absent unless the decision is about such a record. */
  readonly output?: RefusedOutput
}

/** A record that the log refuses to take (KIP-467). */
export interface RefusedOutput {
  readonly topic: string
  readonly partition: number
  /** ms since the epoch. */
  readonly timestamp: number
  readonly rawKey: Buffer | null
  readonly rawValue: Buffer | null
}

/**
 * A logger of pino's shape: an object of fields first, the message second.
 *
 * @example
 * ```ts
 * defineApp({ id: 'app', build, logger: pino() })
 * ```
 */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/**
 * A logger that logs nothing, not even errors.
 *
 * @example
 * ```ts
 * defineApp({ id: 'app', build, logger: silentLogger })
 * ```
 */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

import type { Guarantee } from '../log/log.ts'
import type { MillraceError } from '../errors/millrace-error.ts'
import type { Headers } from '../record/headers.ts'
import type { Topology } from '../topology/topology.ts'

/** What `defineApp` makes and the runtime starts: an id, resolved settings and the compiled topology. */
export interface Application {
  readonly id: string
  readonly settings: Settings
  /** Builds anew on every call: user suppliers are called per task, not here. @throws MR_TOPOLOGY… */
  topology(): Topology
}

/** Settings with every default filled in; times in ms, sizes in bytes. */
export interface Settings {
  readonly guarantee: Guarantee
  /** Time between two commits; undefined: 100 on a log that commits exactly once, else 30 000. */
  readonly commitInterval: number | undefined
  /** What Millrace may use of the memory of the process, but for what it holds for others. */
  readonly memory: number
  /** Record cache of the process for updates held back; 0: every update is forwarded. */
  readonly cacheBytes: number
  /** See `max.task.idle.ms`: -1 never waits for an empty partition, 0 waits while the log is known to hold data, n waits n ms more. */
  readonly maxTaskIdle: number
  /** How long all partitions of a task are silent before its stream time goes on without records; undefined: it never does. */
  readonly idleAfter: number | undefined
  /** A partition with more records queued than this is paused. */
  readonly bufferedRecordsPerPartition: number
  readonly threads: number
  readonly standbyReplicas: number
  /** How long a task may go on failing with retriable errors. */
  readonly taskTimeout: number
  /** Of internal topics; -1: the broker's default. */
  readonly replicationFactor: number
  readonly compatible: boolean
  readonly onDeserializationError: ErrorHandler
  readonly onProcessingError: ErrorHandler
  readonly onProductionError: ErrorHandler
  readonly onUncaughtError: UncaughtErrorHandler
  readonly deadLetterTopic: string | undefined
  readonly logger: Logger
}

/**
 * `fail`: the application stops without committing the record, which is read again after a restart. `continue`: the record is
 * dropped and counted. `deadLetter`: besides, the input record is written to `deadLetterTopic` as it was read (KIP-1034).
 */
export type ErrorDecision = 'fail' | 'continue' | 'deadLetter'
/**
 * Decides what becomes of a record that could not be handled (KIP-161, KIP-210, KIP-1033). A handler that throws ends the
 * thread with MR_HANDLER.
 *
 * @example
 * ```ts
 * onDeserializationError: (error, record) => (record.topic === 'legacy' ? 'continue' : 'fail')
 * ```
 */
export type ErrorHandler = ErrorDecision | ((error: MillraceError, record: FailedRecord) => ErrorDecision)

/**
 * `replaceThread`: a new thread goes on from the last commit. `shutdownClient`: this instance stops. `shutdownApplication`: all
 * instances stop (KIP-671).
 */
export type UncaughtErrorDecision = 'replaceThread' | 'shutdownClient' | 'shutdownApplication'
/** Decides what an error that ends a stream thread does to the application. Throwing counts as `shutdownClient`. */
export type UncaughtErrorHandler = UncaughtErrorDecision | ((error: unknown) => UncaughtErrorDecision)

/** The input record during which an error happened, as it was read. */
export interface FailedRecord {
  /** Null in punctuators; partition and offset are -1 then. */
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
  /** ms since the epoch, as the record brings it. */
  readonly timestamp: number
  readonly headers: Headers
  /** The operator at which it happened. */
  readonly node: string
  readonly task: string
  /**
   * Bytes as they were read; null in punctuators, where the record has none, and if a record whose output was refused is not in its topic any
   * more.
   */
  readonly rawKey: Buffer | null
  readonly rawValue: Buffer | null
  /** The record that the log refuses; absent unless that is what is decided about. */
  readonly output?: RefusedOutput
}

/** A record that was to be written and that the log does not take (KIP-467). */
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

/** Logs nothing: the default. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

import type { Guarantee } from '../log/log.ts'
import type { MillraceError } from '../errors.ts'
import type { Headers } from '../record/headers.ts'
import type { Topology } from './topology.ts'

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
  /** Time between two commits. */
  readonly commitInterval: number
  /** Record cache of the process for updates held back; 0: every update is forwarded. */
  readonly cacheBytes: number
  /** See `max.task.idle.ms`: -1 never waits for an empty partition, 0 waits while the log is known to hold data, n waits n ms more. */
  readonly maxTaskIdle: number
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

export type ErrorDecision = 'fail' | 'continue' | 'deadLetter'
/** Decides what becomes of a record that could not be handled. Throwing counts as `fail`. */
export type ErrorHandler = ErrorDecision | ((error: MillraceError, record: FailedRecord) => ErrorDecision)

export type UncaughtErrorDecision = 'replaceThread' | 'shutdownClient' | 'shutdownApplication'
/** Decides what an error that ends a stream thread does to the application. Throwing counts as `shutdownClient`. */
export type UncaughtErrorHandler = UncaughtErrorDecision | ((error: unknown) => UncaughtErrorDecision)

/** The input record during which an error happened, as it was read. */
export interface FailedRecord {
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly headers: Headers
  readonly node: string
  readonly task: string
  readonly rawKey: Buffer | null
  readonly rawValue: Buffer | null
}

/** A logger of pino's shape: an object of fields first, the message second. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

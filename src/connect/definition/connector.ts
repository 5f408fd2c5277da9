import { isMillraceError, MillraceError } from '../../errors/millrace-error.ts'
import {
  byteSize,
  duration,
  func,
  nested,
  oneOf,
  option,
  type ByteSize,
  type Duration,
  type TableOf,
  type Values,
} from '../../options/options.ts'

/** What is done about a record that cannot be read, transformed or written. */
export type OnBadRecord = 'fail' | 'continue' | 'deadLetter'

/** How a connector goes on after an error of the system that it reads or writes. */
export interface ConnectorRetry {
  /** Pause before the first retry; it doubles from one to the next. Default 100 ms */
  readonly backoff?: Duration
  /** Bound of every pause. Default 30 s */
  readonly maxBackoff?: Duration
  /** Time without any success after which the connector fails. Default 5 min */
  readonly timeout?: Duration
  /** Returns true for errors after which there is another attempt: all but a `MillraceError`, if not given. */
  readonly retryOn?: (error: unknown) => boolean
}

/** What sources and sinks have in common. */
export interface ConnectorConfig {
  /** Its name among the connectors of a definition: 1 to 100 of the characters A-Z, a-z, 0-9, `.`, `_` and `-`. */
  readonly name: string
  readonly retry?: ConnectorRetry
  /**
   * What is done about a record that cannot be read, transformed or written. `fail`: the connector fails, and nothing
   * is skipped. `continue`: the record is left out and counted. `deadLetter`: it is also written to the
   * `deadLetterTopic` of the definition. Default `fail`
   */
  readonly onError?: OnBadRecord
  /** Time between two commits. Default 100 ms */
  readonly commitInterval?: Duration
  /** Bytes of records after which a commit begins at once. Default 1 MiB */
  readonly maxBatch?: ByteSize
}

/**
 * What a connector promises.
 *
 * - `exactly-once`: every record is written once. Sources always promise it: positions are committed with the records.
 *   A sink promises it if its target keeps the offsets with the records, in one transaction, and refuses an instance
 *   that was believed dead.
 * - `effectively-once`: a record that is written again changes nothing, as with an upsert by key.
 * - `at-least-once`: after a failure the last batch is written again.
 */
export type ConnectorGuarantee = 'exactly-once' | 'effectively-once' | 'at-least-once'

/** A source or a sink, made by `defineSource` or `defineSink`. */
export interface Connector {
  readonly kind: 'source' | 'sink'
  readonly name: string
  readonly guarantee: ConnectorGuarantee
}

const RETRY = {
  backoff: duration({ default: 100, least: 1, description: 'pause before the first retry; it doubles' }),
  maxBackoff: duration({ default: 30_000, least: 1, description: 'bound of every pause' }),
  timeout: duration({ default: 300_000, description: 'time without success after which the connector fails' }),
  retryOn: func<(error: unknown) => boolean>({
    default: (error) => !isMillraceError(error),
    defaultText: 'all errors but a `MillraceError`',
    description: 'which errors are worth another attempt',
  }),
} satisfies TableOf<ConnectorRetry>

export type RetryPolicy = Values<typeof RETRY>

const NAME = /^[A-Za-z0-9._-]{1,100}$/

/** The name of a definition or of one of its connectors: part of the names of groups and topics. */
export const nameOf = (what: string) =>
  option<string>('text', { required: true, description: `name of the ${what}` }, (value, place) => {
    if (typeof value === 'string' && NAME.test(value)) return value
    throw place.refuse(value, 'Give 1 to 100 of the characters A-Z, a-z, 0-9, ".", "_" and "-".')
  })

export const CONNECTOR = {
  name: nameOf('connector'),
  retry: nested(RETRY, { description: 'attempts after an error of the system that is read or written' }),
  onError: oneOf<OnBadRecord>(['fail', 'continue', 'deadLetter'], {
    default: 'fail',
    description: 'what is done about a record that cannot be read, transformed or written',
    kafka: 'errors.tolerance',
  }),
  commitInterval: duration({
    default: 100,
    defaultText: '100 ms',
    description: 'time between two commits',
    kafka: 'offset.flush.interval.ms',
  }),
  maxBatch: byteSize({
    default: 1024 * 1024,
    defaultText: '1 MiB',
    least: 1,
    description: 'bytes of records after which a commit begins at once',
  }),
} satisfies TableOf<ConnectorConfig>

export const DEFAULT_RETRY: RetryPolicy = {
  backoff: RETRY.backoff.default,
  maxBackoff: RETRY.maxBackoff.default,
  timeout: RETRY.timeout.default,
  retryOn: RETRY.retryOn.default,
} as RetryPolicy

/** What the runtime knows of every connector: checked, with defaults filled in. */
export interface ConnectorSpec extends Connector {
  readonly retry: RetryPolicy
  readonly onError: OnBadRecord
  /** ms. */
  readonly commitInterval: number
  readonly maxBatch: number
}

/** Returns the error for what a function of a connector gave that is not what it has to give. */
export function wrongResult(connector: string, what: string, hint: string): MillraceError {
  return new MillraceError('MR_CONNECTOR_RESULT', `connector "${connector}": ${what}`, { hint })
}

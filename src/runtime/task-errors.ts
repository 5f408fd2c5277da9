import { MillraceError, withPlace, type ErrorPlace } from '../errors.ts'
import type { RecordCursor } from '../log/log.ts'
import { noEventTime } from '../record/event-time.ts'
import type { Headers } from '../record/headers.ts'
import type { RecordContext } from '../record/record-context.ts'
import type { ErrorDecision, ErrorHandler, FailedRecord, Settings } from '../topology/application.ts'
import { namingTask } from './damaged-state.ts'
import type { PartitionQueue, RecordGate } from './partition-queue.ts'
import type { TaskContexts } from './task-context.ts'

const PREVIEW_BYTES = 32
/** Errors about what a function of the user's made of a record: returned, forwarded or put. */
const ofUserFunctions: ReadonlySet<string> = new Set(['MR_SERDE_ROUND_TRIP', 'MR_TIMESTAMP'])
const SKIP_UNREADABLE = "Set onDeserializationError: 'continue' to skip and count such records, or 'deadLetter'."

/** Sends the input record to the dead letter topic. */
export type DeadLetter = (record: FailedRecord, error: MillraceError) => void

/**
 * Decides about everything that can go wrong with one record: the handlers of the settings are asked, the record is counted
 * or sent to the dead letter topic, or the error is thrown and ends the task.
 */
export class TaskErrors implements RecordGate {
  readonly #task: string
  readonly #settings: Settings
  readonly #contexts: TaskContexts
  readonly #record: RecordContext
  readonly #deadLetter: DeadLetter
  /** The queue whose head is being processed; undefined in punctuators and commits. */
  current: PartitionQueue | undefined

  constructor(task: string, settings: Settings, contexts: TaskContexts, record: RecordContext, deadLetter: DeadLetter) {
    this.#task = task
    this.#settings = settings
    this.#contexts = contexts
    this.#record = record
    this.#deadLetter = deadLetter
  }

  /** At the record that is being processed. */
  get cursor(): RecordCursor | undefined {
    return this.current?.cursor
  }

  undecodable(queue: PartitionQueue, cursor: RecordCursor, part: 'key' | 'value', cause: unknown): void {
    const [start, end] = part === 'key' ? [cursor.keyStart, cursor.keyEnd] : [cursor.valueStart, cursor.valueEnd]
    const shown = cursor.buffer.toString('hex', start, Math.min(end, start + PREVIEW_BYTES))
    const serde = part === 'key' ? queue.source.keySerde : queue.source.valueSerde
    const error = new MillraceError(
      'MR_DESERIALIZE',
      `cannot read the ${part} as ${serde.name}: ${messageOf(cause)}; ${end - start} bytes: ${shown}${end - start > PREVIEW_BYTES ? '…' : ''}`,
      {
        ...placeOf(queue, cursor, this.#task),
        cause,
        hint: hintOf(cause) + SKIP_UNREADABLE,
      },
    )
    const failed = this.#failedRecord(queue, cursor, queue.source.node)
    this.#decide(this.#settings.onDeserializationError, error, failed, 'deserialization')
  }

  extractorFailed(queue: PartitionQueue, cursor: RecordCursor, cause: unknown): void {
    const error = new MillraceError('MR_TIMESTAMP', `the timestamp function of the topic threw: ${messageOf(cause)}`, {
      ...placeOf(queue, cursor, this.#task),
      cause,
      hint: SKIP_UNREADABLE,
    })
    this.#unstamped(queue, cursor, error)
  }

  noTimestamp(queue: PartitionQueue, cursor: RecordCursor, found: unknown, extracted: boolean): void {
    const what = extracted ? 'what the timestamp function of the topic returned' : 'the timestamp of the record'
    this.#unstamped(queue, cursor, noEventTime(found, what, placeOf(queue, cursor, this.#task), SKIP_UNREADABLE))
  }

  /** A record without event time is as one that cannot be read. */
  #unstamped(queue: PartitionQueue, cursor: RecordCursor, error: MillraceError): void {
    const failed = this.#failedRecord(queue, cursor, queue.source.node)
    this.#decide(this.#settings.onDeserializationError, error, failed, 'deserialization')
  }

  negativeTimestamp(queue: PartitionQueue, cursor: RecordCursor, extracted: boolean): void {
    if (extracted) {
      this.#contexts.dropFrom(queue.source.node, 'negative-timestamp', queue.topic, queue.partition, cursor.offset)
      return
    }
    throw new MillraceError('MR_TIMESTAMP', `the record has the timestamp ${cursor.timestamp}`, {
      ...placeOf(queue, cursor, this.#task),
      hint: 'Give the topic a `timestamp` function.',
    })
  }

  /** An error thrown in a node, by a user function or by Millrace itself. */
  nodeFailed(error: unknown, node: string): void {
    if (error instanceof MillraceError) {
      if (error.code === 'MR_SERIALIZE' && !(error.cause instanceof TypeError)) {
        this.#decide(this.#settings.onProductionError, error, this.#currentRecord(node), 'production')
        return
      }
      if (!ofUserFunctions.has(error.code)) throw namingTask(error, this.#task)
      const hint = `${hintOf(error)}Set onProcessingError: 'continue' to skip and count such records, or 'deadLetter'.`
      const refused = withPlace(error, { ...this.#place(node), hint })
      this.#decide(this.#settings.onProcessingError, refused, this.#currentRecord(node), 'processing')
      return
    }
    const wrapped = new MillraceError('MR_PROCESSING', `a function of the processor threw: ${messageOf(error)}`, {
      ...this.#place(node),
      cause: error,
      hint: "The record is read again after a restart. Set onProcessingError: 'continue' to skip and count such records, or 'deadLetter'.",
    })
    this.#decide(this.#settings.onProcessingError, wrapped, this.#currentRecord(node), 'processing')
  }

  #decide(
    handler: ErrorHandler,
    error: MillraceError,
    record: FailedRecord,
    reason: 'deserialization' | 'processing' | 'production',
  ): void {
    let decision: ErrorDecision
    try {
      decision = typeof handler === 'function' ? handler(error, record) : handler
    } catch (cause) {
      throw new MillraceError('MR_HANDLER', `the ${reason} error handler threw: ${messageOf(cause)}`, {
        ...record,
        topic: record.topic ?? undefined,
        cause: error,
      })
    }
    if (decision === 'deadLetter') this.#deadLetter(record, error)
    else if (decision !== 'continue') throw error
    this.#contexts.dropFrom(record.node, reason, record.topic, record.partition, record.offset, error)
  }

  #place(node: string): ErrorPlace {
    const { topic, partition, offset } = this.#record
    return { node, task: this.#task, ...(topic === null ? {} : { topic, partition, offset }) }
  }

  #currentRecord(node: string): FailedRecord {
    if (this.current !== undefined) return this.#failedRecord(this.current, this.current.cursor, node)
    const { topic, partition, offset, timestamp, headers } = this.#record
    return { topic, partition, offset, timestamp, headers, node, task: this.#task, rawKey: null, rawValue: null }
  }

  #failedRecord(queue: PartitionQueue, cursor: RecordCursor, node: string): FailedRecord {
    return {
      topic: queue.topic,
      partition: queue.partition,
      offset: cursor.offset,
      timestamp: cursor.timestamp,
      headers: cursor.headers(this.#contexts.noHeaders()),
      node,
      task: this.#task,
      rawKey: bytesOf(cursor, cursor.keyStart, cursor.keyEnd),
      rawValue: bytesOf(cursor, cursor.valueStart, cursor.valueEnd),
    }
  }
}

function bytesOf(cursor: RecordCursor, start: number, end: number): Buffer | null {
  return start < 0 ? null : Buffer.from(cursor.buffer.subarray(start, end))
}

function placeOf(queue: PartitionQueue, cursor: RecordCursor, task: string): ErrorPlace {
  return { node: queue.source.node, task, topic: queue.topic, partition: queue.partition, offset: cursor.offset }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Headers of a dead letter record (KIP-1034). */
export function deadLetterHeaders(headers: Headers, record: FailedRecord, error: MillraceError): Headers {
  const cause = error.cause instanceof Error ? error.cause : error
  return headers
    .copy()
    .add('__streams.errors.exception', cause.name)
    .add('__streams.errors.message', cause.message)
    .add('__streams.errors.stacktrace', cause.stack ?? '')
    .add('__streams.errors.topic', record.topic)
    .add('__streams.errors.partition', String(record.partition))
    .add('__streams.errors.offset', String(record.offset))
}

/** What to do about an error of Millrace's own, in front of what else may be done. */
function hintOf(error: unknown): string {
  return error instanceof MillraceError && error.hint !== undefined ? `${error.hint} ` : ''
}

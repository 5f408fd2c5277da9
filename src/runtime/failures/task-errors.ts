import {
  MillraceError,
  isError,
  isMillraceError,
  messageOf,
  messageWithValues,
  showingValues,
  withPlace,
  type ErrorPlace,
} from '../../errors/millrace-error.ts'
import type { RecordCursor } from '../../log/log.ts'
import type { Replacement } from '../../log/refusal.ts'
import { DIRECTORY_FAILURES } from '../../platform/directory-failure.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import { ignoreRejection, isThenable } from '../../platform/thenable.ts'
import { noEventTime } from '../../record/event-time.ts'
import { Headers } from '../../record/headers.ts'
import { traceIdOf } from '../../record/trace-parent.ts'
import type { RecordContext } from '../../record/record-context.ts'
import type { ErrorDecision, ErrorHandler, FailedRecord, Settings } from '../../application/application.ts'
import { namingTask } from './damaged-state.ts'
import type { DeadLetters } from './dead-letters.ts'
import { rawInput } from '../input/raw-input.ts'
import type { RawInput } from '../../record/raw-input.ts'
import type { PartitionQueue, RecordGate } from '../input/partition-queue.ts'
import type { TaskContexts } from '../node/task-context.ts'
import { copyOfRange } from '../../record/record-slice.ts'
import type { CurrentInput } from '../input/current-input.ts'

const PREVIEW_BYTES = 32
/** Codes of failures of the log, the disk or a handler, not of a record: no handler is asked about them. */
const ENDS_TASK: ReadonlySet<string> = new Set([
  ...DIRECTORY_FAILURES,
  'MR_AUTHENTICATION',
  'MR_AUTHORIZATION',
  'MR_CLOSED',
  'MR_COMMIT',
  'MR_FENCED',
  'MR_HANDLER',
  'MR_LOG_FAILED',
  'MR_LOG_UNREACHABLE',
  'MR_NOT_SYNCHRONOUS',
  'MR_PRODUCE',
  'MR_STATE_CLOSED',
  'MR_STATE_CORRUPT',
  'MR_STATE_FULL',
  'MR_STATE_LOCKED',
  'MR_SUPPRESS_FULL',
  'MR_TOPIC_CREATE',
  'MR_TOPIC_UNKNOWN',
])
const SKIP_FAILING = "Set onProcessingError: 'continue' to skip and count such records, or 'deadLetter'."
const SKIP_UNREADABLE = "Set onDeserializationError: 'continue' to skip and count such records, or 'deadLetter'."

/** Asks the handlers about records that go wrong. Then counts them, some as dead letters, or throws to end the task. */
export class TaskErrors implements RecordGate {
  readonly #task: string
  readonly #settings: Settings
  readonly #contexts: TaskContexts
  readonly #record: RecordContext
  readonly #deadLetters: DeadLetters
  /** The error that is to end the task. */
  #final: MillraceError | undefined
  readonly #input: CurrentInput

  constructor(
    task: string,
    settings: Settings,
    contexts: TaskContexts,
    record: RecordContext,
    input: CurrentInput,
    deadLetters: DeadLetters,
  ) {
    this.#task = task
    this.#settings = settings
    this.#contexts = contexts
    this.#record = record
    this.#input = input
    this.#deadLetters = deadLetters
  }

  undecodable(queue: PartitionQueue, cursor: RecordCursor, part: 'key' | 'value', cause: unknown): void {
    const [start, end] = part === 'key' ? [cursor.keyStart, cursor.keyEnd] : [cursor.valueStart, cursor.valueEnd]
    const shown = cursor.buffer.toString('hex', start, Math.min(end, start + PREVIEW_BYTES))
    const more = end - start > PREVIEW_BYTES ? '…' : ''
    const serde = part === 'key' ? queue.source.keySerde : queue.source.valueSerde
    const error = new MillraceError(
      'MR_DESERIALIZE',
      `cannot read the ${part} as ${serde.name}: ${this.#textOf(cause)}; ${end - start} bytes` +
        (this.#settings.logValues ? `: ${shown}${more}` : ''),
      { ...placeOf(queue, cursor, this.#task), cause, hint: hintOf(cause) + SKIP_UNREADABLE },
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
    ignoreRejection(found)
    const what = extracted ? 'what the timestamp function of the topic returned' : 'the timestamp of the record'
    const error = noEventTime(found, what, placeOf(queue, cursor, this.#task), SKIP_UNREADABLE)
    this.#unstamped(queue, cursor, this.#shown(error))
  }

  /** Decides about a record without event time as about one that cannot be read. */
  #unstamped(queue: PartitionQueue, cursor: RecordCursor, error: MillraceError): void {
    const failed = this.#failedRecord(queue, cursor, queue.source.node)
    this.#decide(this.#settings.onDeserializationError, error, failed, 'deserialization')
  }

  negativeTimestamp(queue: PartitionQueue, cursor: RecordCursor, extracted: boolean): void {
    if (extracted) {
      const { topic, partition } = queue
      const place = { topic, partition, offset: cursor.offset }
      this.#contexts.drops.drop('negative-timestamp', 'node', queue.source.node, place)
      return
    }
    throw new MillraceError('MR_TIMESTAMP', `the record has the timestamp ${cursor.timestamp}`, {
      ...placeOf(queue, cursor, this.#task),
      hint: 'Give the topic a `timestamp` function.',
    })
  }

  /** Decides about an error that a user function or Millrace itself threw in a node. */
  nodeFailed(error: unknown, node: string): void {
    this.#requireDecidable(error)
    this.#failed(error, this.#currentRecord(node))
  }

  /** Does the same as `nodeFailed` for a record that is no longer the current one. */
  recordFailed(error: unknown, record: FailedRecord): void {
    this.#requireDecidable(error)
    this.#failed(error, record)
  }

  /** Drops a record that is no longer the current one, because the partitioner chose no partition. */
  unsent(record: FailedRecord): void {
    this.#contexts.drops.drop('no-partition', 'node', record.node, record)
  }

  #textOf(cause: unknown): string {
    return this.#settings.logValues ? messageWithValues(cause) : messageOf(cause)
  }

  #shown(error: MillraceError): MillraceError {
    return this.#settings.logValues ? showingValues(error) : error
  }

  #requireDecidable(error: unknown): void {
    const isFinal = this.#final !== undefined && error === this.#final
    if (isFinal || (isMillraceError(error) && ENDS_TASK.has(error.code))) throw namingTask(error, this.#task)
  }

  #failed(error: unknown, record: FailedRecord): void {
    if (isMillraceError(error)) return this.#ownError(this.#shown(error), record)
    const wrapped = new MillraceError('MR_PROCESSING', `a function of the processor threw: ${this.#textOf(error)}`, {
      ...placeIn(record),
      cause: error,
      hint: `The record is read again after a restart. ${SKIP_FAILING}`,
    })
    this.#decide(this.#settings.onProcessingError, wrapped, record, 'processing')
  }

  /** Decides about what Millrace found wrong with a function's result or calls. */
  #ownError(error: MillraceError, record: FailedRecord): void {
    if (error.code === 'MR_SERIALIZE') {
      if (isTypeError(error.cause)) throw this.#ending(error)
      this.#decide(this.#settings.onProductionError, error, record, 'production')
      return
    }
    // To drop a record because its row comes from a newer version would lose it in this version alone.
    if (error.code === 'MR_STORE_VERSION')
      throw this.#ending(withPlace(error, { ...placeIn(record), node: record.node }))
    const hint = hintOf(error) + SKIP_FAILING
    // The topic of an error is that of the output: the input's place would contradict it.
    const place = error.topic === undefined ? placeIn(record) : { task: this.#task }
    this.#decide(
      this.#settings.onProcessingError,
      withPlace(error, { ...place, node: error.node ?? record.node, hint }),
      record,
      'processing',
    )
  }

  /** Keeps nodes that the error passes on its way up from deciding about it again. */
  #ending(error: MillraceError): MillraceError {
    this.#final = error
    return error
  }

  /** Returns whether the handler or the dead letter topic gets the bytes of the input record. */
  needsInput(name: 'onProcessingError' | 'onProductionError'): boolean {
    const handler = this.#settings[name]
    return typeof handler === 'function' || handler === 'deadLetter'
  }

  /** Returns the record that is being processed, if it is this one. */
  currentInput(topic: string, offset: number): RawInput | undefined {
    const { queue } = this.#input
    return queue?.topic === topic && queue.cursor.offset === offset ? rawInput(queue.cursor) : undefined
  }

  /** Decides about what the log refused of an input record's output. @throws the error if it is to end the task */
  refused(error: MillraceError, record: FailedRecord): MaybePromise<Replacement | undefined> {
    const decision = this.#ask(this.#settings.onProductionError, error, record, 'production')
    const instead = decision === 'deadLetter' ? this.#orEnd(() => this.#deadLetters.instead(record, error)) : undefined
    if (instead !== undefined) this.#contexts.counters.deadLetter(record.node, 'production')
    this.#contexts.drops.drop('production', 'node', record.node, record, error)
    return instead
  }

  #decide(
    handler: ErrorHandler,
    error: MillraceError,
    record: FailedRecord,
    reason: 'deserialization' | 'processing' | 'production',
  ): void {
    if (this.#ask(handler, error, record, reason) === 'deadLetter') {
      this.#orEnd(() => this.#deadLetters.write(record, error))
      this.#contexts.counters.deadLetter(record.node, reason)
    }
    this.#contexts.drops.drop(reason, 'node', record.node, record, error)
  }

  #ask(
    handler: ErrorHandler,
    error: MillraceError,
    record: FailedRecord,
    reason: 'deserialization' | 'processing' | 'production',
  ): 'continue' | 'deadLetter' {
    let decision: ErrorDecision
    try {
      decision = typeof handler === 'function' ? handler(error, record) : handler
    } catch (cause) {
      throw this.#ending(handlerFailed(`the ${reason} error handler threw: ${messageOf(cause)}`, record, error))
    }
    if (isThenable(decision)) {
      ignoreRejection(decision)
      throw this.#ending(handlerFailed(`the ${reason} error handler returned a promise`, record, error))
    }
    if (decision === 'deadLetter' || decision === 'continue') return decision
    const traceId = traceIdOf(record.headers)
    throw this.#ending(traceId === undefined ? error : withPlace(error, { traceId }))
  }

  #orEnd<T>(act: () => T): T {
    try {
      return act()
    } catch (cause) {
      throw isMillraceError(cause) ? this.#ending(cause) : cause
    }
  }

  #currentRecord(node: string): FailedRecord {
    const { queue, recalled } = this.#input
    if (queue !== undefined) return this.#failedRecord(queue, queue.cursor, node)
    const { topic, partition, offset, timestamp, headers } = this.#record
    return {
      topic,
      partition,
      offset,
      timestamp: recalled?.timestamp ?? timestamp,
      headers: (recalled?.headers ?? headers).copy(),
      node,
      task: this.#task,
      rawKey: recalled?.key ?? null,
      rawValue: recalled?.value ?? null,
    }
  }

  #failedRecord(queue: PartitionQueue, cursor: RecordCursor, node: string): FailedRecord {
    return {
      topic: queue.topic,
      partition: queue.partition,
      offset: cursor.offset,
      timestamp: cursor.timestamp,
      headers: cursor.headers(new Headers()),
      node,
      task: this.#task,
      rawKey: copyOfRange(cursor.buffer, cursor.keyStart, cursor.keyEnd),
      rawValue: copyOfRange(cursor.buffer, cursor.valueStart, cursor.valueEnd),
    }
  }
}

function placeOf(queue: PartitionQueue, cursor: RecordCursor, task: string): ErrorPlace {
  return { node: queue.source.node, task, topic: queue.topic, partition: queue.partition, offset: cursor.offset }
}

function placeIn({ node, task, topic, partition, offset }: FailedRecord): ErrorPlace {
  return { node, task, ...(topic === null ? {} : { topic, partition, offset }) }
}

function isTypeError(cause: unknown): boolean {
  return isError(cause) && cause instanceof TypeError
}

function handlerFailed(message: string, record: FailedRecord, cause: MillraceError): MillraceError {
  return new MillraceError('MR_HANDLER', message, {
    ...record,
    topic: record.topic ?? undefined,
    cause,
    hint: "A handler returns 'fail', 'continue' or 'deadLetter' itself, not a promise.",
  })
}

/** Returns the hint of an error of Millrace's own, to put before another hint. */
function hintOf(error: unknown): string {
  return isMillraceError(error) && error.hint !== undefined ? `${error.hint} ` : ''
}

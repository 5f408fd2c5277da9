import { MillraceError } from '../errors.ts'
import { eventTime, noEventTime, requireEventTime } from '../record/event-time.ts'
import { Headers } from '../record/headers.ts'
import type {
  Cancellable,
  FixedKeyProcessorContext,
  ForwardRecord,
  ForwardValue,
  ProcessingContext,
  ProcessorContext,
  PunctuationType,
  RecordMetadata,
  ScheduleOptions,
} from '../topology/processor-api.ts'
import { option, parseDuration, readOptions } from '../options/index.ts'
import type { Duration, TableOf } from '../options/index.ts'
import type { OperatorContext, Output } from './operator.ts'

const SCHEDULE = {
  start: option<number>('ms since the epoch', { description: 'first due time' }, (value, place) => {
    if (Number.isFinite(value)) return Number(value)
    throw place.refuse(value, 'give ms since the epoch, such as Date.UTC(2026, 0, 1)')
  }),
} satisfies TableOf<ScheduleOptions>

/** What a user's processor may do, on top of what the task offers. */
export class UserContext implements ProcessingContext {
  protected readonly context: OperatorContext
  /** Timestamp and headers that forwarded records get where the user gives none. */
  protected timestamp = -1
  protected headers: Headers | undefined
  /** True while a record is processed; false in punctuators. */
  protected hasRecord = false

  constructor(context: OperatorContext) {
    this.context = context
  }

  get applicationId(): string {
    return this.context.applicationId
  }

  get taskId(): string {
    return this.context.taskId
  }

  get recordMetadata(): RecordMetadata | undefined {
    const { topic, partition, offset } = this.context.record
    return topic === null ? undefined : { topic, partition, offset }
  }

  store<S>(name: string): S {
    return this.context.userStore(name) as S
  }

  schedule(
    interval: Duration,
    type: PunctuationType,
    punctuator: (timestamp: number) => void,
    options?: ScheduleOptions,
  ): Cancellable {
    const ms = parseDuration(interval, 'the interval of schedule()')
    if (ms === 0) {
      throw new MillraceError('MR_DURATION', 'the interval of schedule() is 0', {
        node: this.context.node,
        task: this.context.taskId,
        hint: 'give at least 1 ms',
      })
    }
    if (options !== undefined) readOptions(SCHEDULE, options, 'schedule()')
    const punctuate = (timestamp: number): void => {
      this.timestamp = timestamp
      this.headers = undefined
      this.hasRecord = false
      punctuator(timestamp)
    }
    const { node, taskId: task } = this.context
    const start = options?.start
    const anchor = start === undefined ? undefined : requireEventTime(start, 'the start of schedule()', { node, task })
    return this.context.schedule(ms, type, punctuate, anchor)
  }

  commit(): void {
    this.context.requestCommit()
  }

  currentStreamTime(): number {
    return this.context.streamTime()
  }

  currentSystemTime(): number {
    return this.context.now()
  }
}

abstract class ForwardingContext extends UserContext {
  protected readonly output: Output

  constructor(context: OperatorContext, output: Output) {
    super(context)
    this.output = output
  }

  protected send(
    key: unknown,
    value: unknown,
    timestamp: number | undefined,
    headers: Headers | undefined,
    child: string | undefined,
  ): void {
    const given = timestamp ?? this.timestamp
    const time = eventTime(given)
    if (!(time >= 0)) throw this.#notForwarded(given)
    const sent = headers ?? this.headers ?? new Headers()
    if (child === undefined) this.output.forward(key, value ?? null, time, sent)
    else this.output.forwardTo(child, key, value ?? null, time, sent)
  }

  #notForwarded(given: unknown): MillraceError {
    const { topic, partition, offset } = this.context.record
    const place = { node: this.context.node, task: this.context.taskId }
    return noEventTime(
      given,
      'the timestamp of a forwarded record',
      topic === null ? place : { ...place, topic, partition, offset },
      'It must not be negative here; outside of process() and punctuators there is none unless forward() gives one.',
    )
  }
}

/** The context of `process`. */
export class RecordProcessorContext extends ForwardingContext implements ProcessorContext<unknown, unknown> {
  enter(timestamp: number, headers: Headers): void {
    this.timestamp = timestamp
    this.headers = headers
    this.hasRecord = true
  }

  forward(record: ForwardRecord<unknown, unknown>, child?: string): void {
    this.send(record.key ?? null, record.value, record.timestamp, record.headers, child)
  }
}

/** The context of `processValues`: what it forwards has the key of the record being processed. */
export class ValueProcessorContext extends ForwardingContext implements FixedKeyProcessorContext<unknown> {
  #key: unknown = null

  enter(key: unknown, timestamp: number, headers: Headers): void {
    this.#key = key
    this.timestamp = timestamp
    this.headers = headers
    this.hasRecord = true
  }

  /** @throws MR_NO_RECORD in a punctuator */
  forward(record: ForwardValue<unknown>, child?: string): void {
    if (!this.hasRecord) {
      throw new MillraceError('MR_NO_RECORD', 'forward() of processValues() was called while no record is processed', {
        node: this.context.node,
        task: this.context.taskId,
        hint: 'there is no key to forward under; use process() to forward from punctuators',
      })
    }
    this.send(this.#key, record.value, record.timestamp, record.headers, child)
  }
}

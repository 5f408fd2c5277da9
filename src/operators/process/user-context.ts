import { MillraceError } from '../../errors/millrace-error.ts'
import { isAsyncFunction, isThenable } from '../../platform/thenable.ts'
import { CallbackScope, type CallbackToken } from '../../record/callback-scope.ts'
import { eventTime, noEventTime, requireEventTime } from '../../record/event-time.ts'
import { Headers, NO_HEADERS } from '../../record/headers.ts'
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
} from '../../topology/processor-api.ts'
import { option, parseDuration, readOptions, type Duration, type TableOf } from '../../options/options.ts'
import type { OperatorContext, Output } from '../operator.ts'
import { promised, settled } from '../user-result.ts'

const SCHEDULE = {
  start: option<number>('ms since the epoch', { description: 'first due time' }, (value, place) => {
    if (Number.isFinite(value)) return Number(value)
    throw place.refuse(value, 'Give ms since the epoch, such as Date.UTC(2026, 0, 1).')
  }),
} satisfies TableOf<ScheduleOptions>

/** What a user's processor may do, on top of what the task offers. */
export class UserContext implements ProcessingContext {
  protected readonly context: OperatorContext
  protected readonly scope: CallbackScope
  /** Timestamp that forwarded records get where the user gives none. */
  protected timestamp = -1
  /** As they came with the record; undefined where there is none. */
  protected incoming: Headers | undefined
  /** Those of the user, who may change them: what forwarded records get where none are given. */
  protected headers: Headers | undefined
  /** True while a record is processed; false in punctuators. */
  protected hasRecord = false
  readonly #stores = new Map<string, unknown>()

  constructor(context: OperatorContext) {
    this.context = context
    this.scope = new CallbackScope(context.node, context.taskId)
  }

  /** A callback about a record begins. Returns what is to be given to `leave`. */
  begin(): CallbackToken | null {
    return this.scope.enter()
  }

  leave(outer: CallbackToken | null): void {
    this.scope.leave(outer)
  }

  /** Runs a callback that is not about a record: `init`, `close`, a punctuator. @throws MR_PROMISE */
  run(callback: () => unknown): void {
    this.hasRecord = false
    const outer = this.scope.enter()
    try {
      settled(callback(), this.context)
    } finally {
      this.scope.leave(outer)
    }
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
    let store = this.#stores.get(name)
    if (store === undefined) {
      store = this.context.userStore(name, this.scope)
      this.#stores.set(name, store)
    }
    return store as S
  }

  schedule(
    interval: Duration,
    type: PunctuationType,
    punctuator: (timestamp: number) => void,
    options?: ScheduleOptions,
  ): Cancellable {
    this.scope.check('schedule()')
    if (isAsyncFunction(punctuator)) {
      throw new MillraceError('MR_PROMISE', 'schedule() got an async function', {
        node: this.context.node,
        task: this.context.taskId,
        hint: 'A punctuator does its work before it returns: nothing is awaited.',
      })
    }
    const ms = parseDuration(interval, 'the interval of schedule()')
    if (ms === 0) {
      throw new MillraceError('MR_DURATION', 'the interval of schedule() is 0', {
        node: this.context.node,
        task: this.context.taskId,
        hint: 'Give at least 1 ms.',
      })
    }
    if (options !== undefined) readOptions(SCHEDULE, options, 'schedule()')
    const punctuate = (timestamp: number): void => {
      this.timestamp = timestamp
      this.incoming = undefined
      this.headers = undefined
      this.run(() => punctuator(timestamp))
    }
    const { node, taskId: task } = this.context
    const start = options?.start
    const anchor = start === undefined ? undefined : requireEventTime(start, 'the start of schedule()', { node, task })
    return this.context.schedule(ms, type, punctuate, anchor)
  }

  commit(): void {
    this.scope.check('commit()')
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

  /** As `begin`; `own` are the headers that the user gets to see, and may change. */
  enter(timestamp: number, incoming: Headers, own: Headers): CallbackToken | null {
    this.timestamp = timestamp
    this.incoming = incoming
    this.headers = own
    this.hasRecord = true
    return this.begin()
  }

  protected send(
    key: unknown,
    value: unknown,
    timestamp: number | undefined,
    headers: Headers | undefined,
    child: string | undefined,
  ): void {
    this.scope.check('forward()')
    if (isThenable(value) || isThenable(key)) throw promised(this.context, [key, value], 'forward() got a promise')
    const given = timestamp ?? this.timestamp
    const time = eventTime(given)
    if (!(time >= 0)) throw this.#notForwarded(given)
    const sent = this.#sent(headers ?? this.headers)
    const { record } = this.context
    const { timestamp: outerTime, headers: outerHeaders } = record
    // What is held back downstream belongs to the record as it was forwarded.
    record.timestamp = time
    record.headers = sent
    this.scope.pause()
    try {
      if (child === undefined) this.output.forward(key, value ?? null, time, sent)
      else this.output.forwardTo(child, key, value ?? null, time, sent)
    } finally {
      this.scope.enter()
      record.timestamp = outerTime
      record.headers = outerHeaders
    }
  }

  /** The user may change `chosen` later, which must not change what was forwarded. */
  #sent(chosen: Headers | undefined): Headers {
    if (this.context.compatible) {
      if (chosen === undefined) return new Headers()
      return chosen === this.incoming ? chosen : chosen.copy()
    }
    if (chosen === undefined) return NO_HEADERS
    return this.incoming !== undefined && chosen.isCopyOf(this.incoming) ? this.incoming : chosen.copy()
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
  forward(record: ForwardRecord<unknown, unknown>, child?: string): void {
    this.send(record.key ?? null, record.value, record.timestamp, record.headers, child)
  }
}

/** The context of `processValues`: what it forwards has the key of the record being processed. */
export class ValueProcessorContext extends ForwardingContext implements FixedKeyProcessorContext<unknown> {
  /** The key of the record being processed. */
  key: unknown = null

  /** @throws MR_NO_RECORD in a punctuator */
  forward(record: ForwardValue<unknown>, child?: string): void {
    if (!this.hasRecord) {
      throw new MillraceError('MR_NO_RECORD', 'forward() of processValues() was called while no record is processed', {
        node: this.context.node,
        task: this.context.taskId,
        hint: 'There is no key to forward under; use process() to forward from punctuators.',
      })
    }
    this.send(this.key, record.value, record.timestamp, record.headers, child)
  }
}

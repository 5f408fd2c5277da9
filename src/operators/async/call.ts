import type { Headers } from '../../record/headers.ts'
import type { RawInput } from '../../record/raw-input.ts'
import type { RecordContext } from '../../record/record-context.ts'
import type { KeptCall } from '../../state/states.ts'
import type { CallContext } from '../../topology/call-context.ts'
import type { Moment } from '../calls.ts'

/**
 * A record in an asynchronous step, from its arrival until its result has left; and the record and the time that its
 * result is processed with.
 */
export class Call implements Moment {
  readonly sequence: number
  readonly key: unknown
  readonly value: unknown
  readonly timestamp: number
  readonly headers: Headers
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
  readonly streamTime: number
  input: RawInput | undefined
  /** The calls that the record has passed before this one, and its number among those that came of the same there. */
  readonly #pathBefore: string
  readonly #number: number
  #ordinal: string | undefined
  /** When it came, by the monotonic clock. */
  arrived = 0
  /** Attempts made. */
  attempts = 0
  /** The attempt that runs; those before it are not listened to. */
  attempt: Attempt | undefined
  /** By the monotonic clock: when the attempt that runs has taken too long, or the pause before the next is over. */
  due = Infinity
  hasEnded = false
  hasFailed = false
  /** What the function returned, or the error. */
  result: unknown
  /** True if the store has it. */
  isKept = false
  /** What it has in common with other calls of its key; null: it is linked with none. */
  mapKey: unknown = null
  /** The call before it with the same key that has not left, and the one after it. */
  before: Call | undefined
  after: Call | undefined
  /** Its neighbours in the order of arrival. */
  previous: Call | undefined
  next: Call | undefined

  /** @param number -1: it belongs to no single input record */
  constructor(
    sequence: number,
    key: unknown,
    value: unknown,
    timestamp: number,
    headers: Headers,
    { topic, partition, offset, path }: Omit<RecordContext, 'set' | 'traces'>,
    streamTime: number,
    number: number,
  ) {
    this.sequence = sequence
    this.key = key
    this.value = value
    this.timestamp = timestamp
    this.headers = headers
    this.topic = topic
    this.partition = partition
    this.offset = offset
    this.streamTime = streamTime
    this.#pathBefore = path
    this.#number = number
  }

  static restored(kept: KeptCall<unknown, unknown>): Call {
    const { sequence, key, value, timestamp, headers, streamTime, ordinal } = kept
    const call = new Call(sequence, key, value, timestamp, headers, { ...kept, path: '' }, streamTime, -1)
    call.#ordinal = ordinal
    call.isKept = true
    return call
  }

  /** Distinguishes it from the other records that came of the same input record. */
  get ordinal(): string {
    return (this.#ordinal ??= this.#number < 0 ? `s${this.sequence}` : `${this.#pathBefore}${this.#number}`)
  }

  /** False: caches or punctuators sent it, and it came of no single input record. */
  get belongsToRecord(): boolean {
    return !this.ordinal.startsWith('s')
  }
}

/** What the idempotency keys of a step have in common. */
export interface KeyParts {
  readonly application: string
  readonly store: string
  /** The task's. */
  readonly partition: number
}

/** One attempt at a call. What most functions do not ask for is made when it is asked for. */
export class Attempt implements CallContext {
  readonly call: Call
  readonly attempt: number
  readonly #keyParts: KeyParts
  #controller: AbortController | undefined
  /** Why it was aborted. */
  #reason: unknown

  constructor(call: Call, keyParts: KeyParts) {
    this.call = call
    this.attempt = call.attempts
    this.#keyParts = keyParts
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  get idempotencyKey(): string {
    const { topic, partition, offset, ordinal, belongsToRecord } = this.call
    const { application, store, partition: ofTask } = this.#keyParts
    return belongsToRecord
      ? `${application}/${topic}/${partition}/${offset}/${store}/${ordinal}`
      : `${application}/${store}/${ofTask}/${ordinal}`
  }

  get headers(): Headers {
    return this.call.headers.copy()
  }

  get timestamp(): number {
    return this.call.timestamp
  }

  abort(reason: unknown): void {
    this.#reason = reason
    this.#controller?.abort(reason)
  }
}

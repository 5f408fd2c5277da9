import { MillraceError } from '../../errors/millrace-error.ts'
import { isPromise } from '../../platform/maybe-promise.ts'
import { isThenable } from '../../platform/thenable.ts'
import { NO_HEADERS, type Headers } from '../../record/headers.ts'
import type { RawInput } from '../../record/raw-input.ts'
import type { RecordContext } from '../../record/record-context.ts'
import type { CallState, Pace } from '../../state/states.ts'
import type { CallCounts, CallHost, CallStep } from '../calls.ts'
import { checkIterable, checkPair } from '../mapped-result.ts'
import { SpecOperator } from '../operator.ts'
import { CallTable } from './call-table.ts'
import { Attempt, Call, type KeyParts } from './call.ts'
import { isWorthRetrying, pauseAfter } from './retry.ts'

/**
 * `mapAsync`, `mapValuesAsync`, `flatMapValuesAsync` and `forEachAsync`: a call for each record, whose result goes on
 * when it is there. The input offset does not wait for it: what has not left at a commit is put into the step's store,
 * and is called again by whoever opens the store next.
 *
 * Functions are called, and results sent on, in the turns of the task only: never while it commits.
 */
export class AsyncStep extends SpecOperator<'async'> implements CallStep {
  readonly #table = new CallTable(this.spec.policy)
  #state!: CallState<unknown, unknown>
  #host!: CallHost
  #keyParts!: KeyParts
  /** True if caches or buffers send its records, so that none belongs to one input record alone. */
  #isNumbered = false
  /** True if its results may reach another asynchronous step. */
  #isFollowed = false
  #nextSequence = 0
  #savedSequence = 0
  /** The input record that came last, and how many have come of it before the last. */
  #last: Omit<RecordContext, 'timestamp' | 'headers' | 'set' | 'traces'> = {
    topic: null,
    partition: -1,
    offset: -1,
    path: '',
  }
  #count = 0
  /** No attempt takes too long, and no pause is over, before this; by the monotonic clock. */
  #due = Infinity
  #isStopped = false
  /** What has left and is still in the store. */
  #left: Call[] = []
  /** Attempts that run. */
  #running = 0
  /** Input records of restored calls that are being read again, and what kept one from being read. */
  #reading = 0
  #unread: unknown
  #made = 0
  #failures = 0

  override init(): void {
    const { context } = this
    const { store } = this.spec
    this.#state = context.state(store)
    this.#host = context.calls
    this.#keyParts = { application: context.applicationId, store, partition: context.partition }
    const place = this.#host.add(this)
    this.#isNumbered = place.isNumbered
    this.#isFollowed = place.isFollowed
    for (const kept of this.#state.all()) this.#restore(Call.restored(kept))
    this.#nextSequence = Math.max(this.#nextSequence, context.savedTime(store) ?? 0)
    this.#savedSequence = this.#nextSequence
  }

  get node(): string {
    return this.context.node
  }

  get store(): string {
    return this.spec.store
  }

  get isFull(): boolean {
    return this.#table.isFull
  }

  get isEmpty(): boolean {
    return this.#table.size === 0
  }

  get isRunning(): boolean {
    return this.#running > 0 || this.#reading > 0
  }

  get drainTimeout(): number {
    return this.spec.policy.drainTimeout
  }

  get counts(): CallCounts {
    const { running, size, first } = this.#table
    return {
      inFlight: running,
      waiting: size - running,
      attempts: this.#made,
      failures: this.#failures,
      oldest: first?.arrived ?? Infinity,
    }
  }

  get nextDue(): number {
    return this.#due
  }

  // ---- records

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const { record } = this.context
    const number = record.topic === null || this.#isNumbered ? -1 : this.#numberOf(record)
    const own = headers.length === 0 ? NO_HEADERS : headers.copy()
    const streamTime = this.context.streamTime()
    const call = new Call(this.#nextSequence++, key, value, timestamp, own, record, streamTime, number)
    const mapKey = this.#mapKeyOf(key)
    if (this.#isStopped || !this.#table.isFreeFor(mapKey)) {
      this.#enter(call, mapKey)
      this.#begin()
      return
    }
    const promise = this.#invoke(call)
    // What is there at once leaves at once, in the same callback as that of a synchronous operator.
    if (promise === undefined) return this.#sendAtOnce(call)
    this.#enter(call, mapKey)
    this.#table.begin()
    this.#await(call, promise, call.arrived)
  }

  /** What comes of it has passed this call, as if it had left later. */
  #sendAtOnce(call: Call): void {
    if (!this.#isFollowed) return this.#send(call)
    const { record } = this.context
    const { path } = record
    record.path = this.#pathBehind(call)
    try {
      this.#send(call)
    } finally {
      record.path = path
    }
  }

  /** Names the step, too: what comes of one input record may reach the same step behind by several others. */
  #pathBehind({ ordinal }: Call): string {
    return this.#isFollowed ? `${ordinal}/${this.spec.store}/` : ''
  }

  #numberOf({ topic, partition, offset, path }: RecordContext): number {
    const last = this.#last
    const isSame = last.offset === offset && last.partition === partition && last.topic === topic && last.path === path
    if (!isSame) this.#last = { topic, partition, offset, path }
    return (this.#count = isSame ? this.#count + 1 : 0)
  }

  #mapKeyOf(key: unknown): unknown {
    return !this.#table.linksKeys || key === null || key === undefined ? null : this.#state.mapKey(key)
  }

  #enter(call: Call, mapKey: unknown): void {
    call.arrived = this.#host.now()
    call.input ??= this.#host.input()
    this.#table.add(call, mapKey)
  }

  /**
   * A call that had not left before a restart, or when the task had another owner. At least once, the store may have
   * records whose offsets were not committed any more: they come again.
   */
  #restore(call: Call): void {
    const { topic, partition, offset } = call
    this.#nextSequence = call.sequence + 1
    if (topic !== null && call.belongsToRecord && this.#host.isAhead(topic, offset)) {
      this.#state.remove(call)
      return
    }
    const input = topic === null ? undefined : this.#host.inputOf(topic, partition, offset)
    if (isPromise(input)) void this.#readInput(call, input)
    else call.input = input
    this.#enter(call, this.#mapKeyOf(call.key))
  }

  async #readInput(call: Call, input: Promise<RawInput | undefined>): Promise<void> {
    this.#reading++
    try {
      call.input = await input
    } catch (error) {
      this.#unread = error
    }
    this.#reading--
    this.#host.wake()
  }

  // ---- calls

  /** Begins as many calls as may run. */
  #begin(): void {
    if (this.#isStopped) return
    for (let call = this.#table.begin(); call !== undefined; call = this.#table.begin()) this.#attempt(call)
  }

  #attempt(call: Call): void {
    const promise = this.#invoke(call)
    if (promise === undefined) this.#table.end(call)
    else this.#await(call, promise, this.#host.now())
  }

  /** Calls the function. Returns its promise; undefined if the call has ended. */
  #invoke(call: Call): PromiseLike<unknown> | undefined {
    call.attempts++
    this.#made++
    const attempt = new Attempt(call, this.#keyParts)
    try {
      const { traces } = this.context.record
      const result =
        traces === undefined
          ? this.spec.call(call.value, call.key, attempt)
          : traces.within(call.headers, () => this.spec.call(call.value, call.key, attempt))
      if (isThenable(result)) {
        call.attempt = attempt
        return result
      }
      call.result = result
    } catch (error) {
      if (call.attempts < this.spec.policy.attempts) {
        call.attempt = attempt
        return Promise.reject(error)
      }
      this.#failures++
      call.hasFailed = true
      call.result = error
    }
    return undefined
  }

  #await(call: Call, promise: PromiseLike<unknown>, now: number): void {
    const { attempt } = call
    if (attempt === undefined) return
    this.#running++
    this.#setDue(call, now, this.spec.policy.timeout)
    // What is no promise of this realm may answer with another promise, or more than once.
    void Promise.resolve(promise).then(
      (result) => this.#settled(attempt, result, false),
      (error: unknown) => this.#settled(attempt, error, true),
    )
  }

  #setDue(call: Call, from: number, delay: number): void {
    call.due = from + delay
    if (call.due < this.#due) this.#due = call.due
  }

  /** Only the first answer of the attempt that runs counts. */
  #settled(attempt: Attempt, result: unknown, hasFailed: boolean): void {
    const { call } = attempt
    if (call.attempt !== attempt) return
    this.#stopListening(call)
    if (hasFailed) this.#failed(call, result)
    else this.#end(call, result, false)
    this.#host.wake()
  }

  #stopListening(call: Call): void {
    if (call.attempt !== undefined) this.#running--
    call.attempt = undefined
    call.due = Infinity
  }

  #failed(call: Call, error: unknown): void {
    const { policy } = this.spec
    let failure = error
    try {
      if (isWorthRetrying(policy, call.attempts, error, this.context)) {
        this.#setDue(call, this.#host.now(), pauseAfter(policy, call.attempts, this.#host.random()))
        return
      }
    } catch (thrown) {
      failure = thrown
    }
    this.#failures++
    this.#end(call, failure, true)
  }

  #end(call: Call, result: unknown, hasFailed: boolean): void {
    call.result = result
    call.hasFailed = hasFailed
    this.#table.end(call)
  }

  expire(now: number): boolean {
    if (this.#due > now) return false
    this.#due = Infinity
    let expired = false
    for (const call of this.#table) {
      if (call.due <= now && this.#expire(call)) expired = true
      if (call.due < this.#due) this.#due = call.due
    }
    return expired
  }

  #expire(call: Call): boolean {
    const { attempt } = call
    if (attempt === undefined) {
      call.due = Infinity
      if (this.#isStopped) return false
      this.#attempt(call)
    } else {
      const error = tookTooLong(this.spec.policy.timeout, this.context.node)
      this.#stopListening(call)
      attempt.abort(error)
      this.#failed(call, error)
    }
    return true
  }

  // ---- results

  drain(pace: Pace | undefined): number {
    if (this.#unread !== undefined) throw this.#unread
    this.#begin()
    if (this.#reading > 0) return 0
    let left = 0
    for (let call = this.#table.leaving; call !== undefined; call = this.#table.leaving) {
      this.#leave(call)
      left++
      if (pace?.spend() === true) break
    }
    return left
  }

  #leave(call: Call): void {
    this.#forget(call)
    this.#host.recall(call, this.#pathBehind(call))
    try {
      this.#send(call)
    } catch (error) {
      this.#host.failed(error, this.context.node)
    }
  }

  #forget(call: Call): void {
    this.#table.remove(call)
    if (call.isKept) this.#left.push(call)
  }

  /** @throws the error of the call */
  #send({ key, result, hasFailed, timestamp, headers }: Call): void {
    if (hasFailed) throw result
    const { output, context } = this
    switch (this.spec.form) {
      case 'forEach':
        return
      case 'mapValues':
        return output.forward(key, result ?? null, timestamp, headers)
      case 'map': {
        const pair = checkPair(result as [unknown, unknown], 'mapAsync', context)
        return output.forward(pair[0] ?? null, pair[1] ?? null, timestamp, headers)
      }
      case 'flatMapValues':
        for (const element of checkIterable(result as Iterable<unknown>, 'flatMapValuesAsync', context)) {
          output.forward(key, element ?? null, timestamp, headers)
        }
    }
  }

  // ---- commits and the end

  save(): void {
    for (const call of this.#table) if (!call.isKept) this.#keep(call)
    if (this.#nextSequence === this.#savedSequence) return
    this.context.saveTime(this.spec.store, this.#nextSequence)
    this.#savedSequence = this.#nextSequence
  }

  /** The offset goes on: a record that the store cannot hold must be decided about before. */
  #keep(call: Call): void {
    const { sequence, timestamp, headers, topic, partition, offset, streamTime, ordinal } = call
    const place = { topic, partition, offset, ordinal, belongsToRecord: call.belongsToRecord }
    const [key, value] = [call.key ?? null, call.value ?? null]
    try {
      this.#state.put({ ...place, sequence, key, value, timestamp, headers, streamTime })
      call.isKept = true
    } catch (error) {
      this.#abort(call, error)
      this.#forget(call)
      this.#host.recall(call, this.#pathBehind(call))
      this.#host.failed(error, this.context.node)
    }
  }

  get hasLeft(): boolean {
    return this.#left.length > 0
  }

  forgetLeft(): void {
    for (const call of this.#left) this.#state.remove(call)
    this.#left = []
  }

  stop(): void {
    this.#isStopped = true
  }

  /** What runs is in the store, or its offset is not committed. */
  override close(): void {
    this.#isStopped = true
    const reason = new MillraceError('MR_CLOSED', 'the task was closed', { node: this.context.node })
    for (const call of this.#table) this.#abort(call, reason)
  }

  #abort(call: Call, reason: unknown): void {
    const { attempt } = call
    this.#stopListening(call)
    attempt?.abort(reason)
  }
}

function tookTooLong(timeout: number, node: string): MillraceError {
  return new MillraceError('MR_CALL_TIMEOUT', `a call took longer than ${timeout} ms`, {
    node,
    hint: 'Give the operator a longer `timeout`, or `retry`.',
  })
}

import type { CallCounts, CallHost, CallStep, Moment, StepPlace } from '../../operators/calls.ts'
import type { Clock } from '../../platform/clock.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import type { RawInput } from '../../record/raw-input.ts'
import type { Pace } from '../../state/states.ts'
import type { CallOrder } from '../../topology/call-order.ts'
import type { TaskErrors } from '../failures/task-errors.ts'
import type { InputLookup } from '../failures/input-lookup.ts'
import type { CurrentInput } from '../input/current-input.ts'
import type { TaskContexts } from '../node/task-context.ts'

/** What calls need of the thread. */
export interface CallThread {
  /** Returns a number in [0, 1). */
  random(): number
  /** A call has ended. */
  wake(): void
}

/** What an asynchronous step is doing, by the names of its node and store. */
export interface StepStatus {
  readonly node: string
  readonly store: string
  /** Calls that run, or pause between two attempts. */
  readonly inFlight: number
  /** Records that wait: for a call, or for the results of the calls before them. */
  readonly waiting: number
  /** Attempts made by this task. */
  readonly attempts: number
  /** Calls that failed after their last attempt. */
  readonly failures: number
  /** ms since the oldest record in the step came; 0 if there is none. */
  readonly oldest: number
}

/** The asynchronous steps of one task, in the order of the topology. */
export class TaskCalls implements CallHost {
  readonly #contexts: TaskContexts
  readonly #errors: TaskErrors
  readonly #input: CurrentInput
  readonly #inputs: InputLookup
  readonly #order: CallOrder
  readonly #clock: Clock
  readonly #thread: CallThread
  readonly #steps: CallStep[] = []
  readonly #byNode = new Map<string, CallStep>()
  readonly #startOf: (topic: string) => number | undefined

  /** @param startOf the offset of the first record of a topic to process */
  constructor(
    contexts: TaskContexts,
    errors: TaskErrors,
    input: CurrentInput,
    inputs: InputLookup,
    order: CallOrder,
    thread: CallThread,
    startOf: (topic: string) => number | undefined,
  ) {
    this.#contexts = contexts
    this.#errors = errors
    this.#input = input
    this.#inputs = inputs
    this.#order = order
    this.#clock = contexts.clock
    this.#thread = thread
    this.#startOf = startOf
  }

  // ---- for the task

  get isEmpty(): boolean {
    for (const step of this.#steps) if (!step.isEmpty) return false
    return true
  }

  get isRunning(): boolean {
    for (const step of this.#steps) if (step.isRunning) return true
    return false
  }

  /** ms for which a close waits for the calls that run; 0 if none does. */
  get drainTimeout(): number {
    let longest = 0
    for (const step of this.#steps) if (step.isRunning) longest = Math.max(longest, step.drainTimeout)
    return longest
  }

  get nextDue(): number {
    let due = Infinity
    for (const step of this.#steps) due = Math.min(due, step.nextDue)
    return due
  }

  /** True if no record of this source may be taken now: a step is full, or the record would overtake one in a step. */
  holds(source: string): boolean {
    if (this.#steps.length === 0) return false
    for (const step of this.#steps) if (step.isFull) return true
    for (const node of this.#order.waits.get(source) ?? []) if (this.#byNode.get(node)?.isEmpty === false) return true
    return false
  }

  /** Sends on what has ended and may leave, until the pace says stop. Returns how many records it were. */
  drain(pace: Pace | undefined): number {
    if (this.#steps.length === 0) return 0
    return this.#comingBack(() => {
      let left = 0
      for (const step of this.#steps) {
        left += step.drain(pace)
        if (pace?.isOver === true) break
      }
      return left
    })
  }

  /** Whatever record the steps go back to, the task is where it was afterwards. */
  #comingBack<T>(act: () => T): T {
    const { streamTime } = this.#contexts
    try {
      return act()
    } finally {
      this.#contexts.streamTime = streamTime
      this.#input.recalled = undefined
    }
  }

  /** Ends attempts that take too long, and pauses that are over; true if there were any. */
  expire(): boolean {
    if (this.#steps.length === 0) return false
    const now = this.#clock.monotonic()
    let expired = false
    for (const step of this.#steps) if (step.expire(now)) expired = true
    if (expired) this.#thread.wake()
    return expired
  }

  save(): void {
    if (this.#steps.length === 0) return
    this.#comingBack(() => {
      for (const step of this.#steps) step.save()
    })
  }

  get hasLeft(): boolean {
    for (const step of this.#steps) if (step.hasLeft) return true
    return false
  }

  forgetLeft(): void {
    for (const step of this.#steps) step.forgetLeft()
  }

  stop(): void {
    for (const step of this.#steps) step.stop()
  }

  get status(): readonly StepStatus[] {
    const now = this.#clock.monotonic()
    return this.#steps.map(({ node, store, counts }) => ({ node, store, ...shown(counts, now) }))
  }

  // ---- for the steps

  add(step: CallStep): StepPlace {
    this.#steps.push(step)
    this.#byNode.set(step.node, step)
    const { numbered, followed } = this.#order
    return { isNumbered: numbered.has(step.node), isFollowed: followed.has(step.node) }
  }

  now(): number {
    return this.#clock.monotonic()
  }

  random(): number {
    return this.#thread.random()
  }

  wake(): void {
    this.#thread.wake()
  }

  input(): RawInput | undefined {
    return this.#errors.needsInput('onProcessingError') ? this.#input.raw : undefined
  }

  recall({ topic, partition, offset, timestamp, headers, streamTime, input }: Moment, path: string): void {
    this.#contexts.record.set(topic, partition, offset, timestamp, headers, path)
    this.#contexts.streamTime = streamTime
    this.#input.recalled = input
  }

  inputOf(topic: string, partition: number, offset: number): MaybePromise<RawInput | undefined> {
    return this.#errors.needsInput('onProcessingError') ? this.#inputs.find(topic, partition, offset) : undefined
  }

  isAhead(topic: string, offset: number): boolean {
    const start = this.#startOf(topic)
    return start !== undefined && offset >= start
  }

  failed(error: unknown, node: string): void {
    this.#errors.nodeFailed(error, node)
  }
}

function shown({ oldest, ...counts }: CallCounts, now: number): Omit<StepStatus, 'node' | 'store'> {
  return { ...counts, oldest: oldest === Infinity ? 0 : now - oldest }
}

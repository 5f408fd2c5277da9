import type { MaybePromise } from '../platform/maybe-promise.ts'
import type { Headers } from '../record/headers.ts'
import type { RawInput } from '../record/raw-input.ts'
import type { Pace } from '../state/states.ts'

/** A record, and the task's stream time, as of which something is processed later. */
export interface Moment {
  /** The input record's. Null for what a punctuator forwarded; partition and offset are -1 then. */
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly headers: Headers
  readonly streamTime: number
  /** The input record's bytes, if an error handler may need them. */
  readonly input: RawInput | undefined
}

/** What an asynchronous step is doing. */
export interface CallCounts {
  /** Calls that run or pause between two attempts. */
  readonly inFlight: number
  /** Records that wait for a call, for the calls before them, or for a place downstream. */
  readonly waiting: number
  /** Attempts made so far. */
  readonly attempts: number
  /** Calls that failed after their last attempt. */
  readonly failures: number
  /** When the oldest record that is in the step came, by the monotonic clock; Infinity if there is none. */
  readonly oldest: number
}

/** An asynchronous step, as its task drives it. */
export interface CallStep {
  readonly node: string
  readonly store: string
  /** True if the task is to take no more records. */
  readonly isFull: boolean
  readonly isEmpty: boolean
  /** True while an attempt runs. */
  readonly isRunning: boolean
  /** ms for which a close waits for the attempts that run. */
  readonly drainTimeout: number
  /** By the monotonic clock, when `expire` has something to do; Infinity if never. */
  readonly nextDue: number
  readonly counts: CallCounts
  /** Begins calls and sends on what has ended and may leave, until the pace says stop. Returns how many left. */
  drain(pace: Pace | undefined): number
  /** Ends the attempts that take too long, and the pauses that are over; true if there were any. */
  expire(now: number): boolean
  /** Puts what has not left into the store. */
  save(): void
  /** True if the store has what has left. */
  readonly hasLeft: boolean
  /** Takes what has left out of the store. */
  forgetLeft(): void
  /** Begins no further call. */
  stop(): void
}

/** Where a step stands in the topology of its task. */
export interface StepPlace {
  /** True if its records may be emitted by caches and buffers: none belongs to one input record alone. */
  readonly isNumbered: boolean
  /** True if its results may reach another asynchronous step. */
  readonly isFollowed: boolean
}

/** A task, as its asynchronous steps see it. */
export interface CallHost {
  /** The step takes part in the task's turns and commits from now on. */
  add(step: CallStep): StepPlace
  /** The monotonic clock, ms. */
  now(): number
  /** Returns a number in [0, 1). */
  random(): number
  /** A call has ended: `drain` may have something to do. */
  wake(): void
  /** Copies the bytes of the input record that is being processed, if an error handler may need them. */
  input(): RawInput | undefined
  /**
   * Goes back to a record: what is forwarded from now on comes of it.
   *
   * @param path the calls of asynchronous steps that it has passed
   */
  recall(moment: Moment, path: string): void
  /** Reads an input record again, if an error handler may need its bytes. */
  inputOf(topic: string, partition: number, offset: number): MaybePromise<RawInput | undefined>
  /** True if an input record has not been committed: it is read again. */
  isAhead(topic: string, offset: number): boolean
  /** Decides about an error of the record that was recalled. @throws what ends the task */
  failed(error: unknown, node: string): void
}

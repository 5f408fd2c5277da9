import type { JoinSide, OuterJoinState } from '../../state/states.ts'
import type { JoinWindows } from '../../windowing/windows.ts'
import { ObservedTime } from '../observed-time.ts'
import type { OperatorContext } from '../operator.ts'

/** Sends on a record without a partner. It is not held any more when this is called. */
export type EmitUnmatched = (timestamp: number, side: JoinSide, key: unknown, value: unknown) => void

/**
 * The records of a left or outer stream-stream join that have no partner yet, in one task: both sides of the join share
 * them, and the stream time that decides when they come out.
 */
export interface UnmatchedRecords {
  /**
   * Takes note of a record's timestamp, and emits what no partner can come for any more.
   *
   * @param joins false: the record has no key or no value
   */
  arrived(timestamp: number, emit: EmitUnmatched, side: JoinSide, joins: boolean): void
  /** Stream time goes on by `ms` without a record, but not beyond `limit`; true if anything came out. */
  passTime(ms: number, limit: number, emit: EmitUnmatched): boolean
  /** True if a record without a partner is emitted at once: none can come. */
  isClosed(timestamp: number, side: JoinSide): boolean
  hold(timestamp: number, side: JoinSide, key: unknown, value: unknown): void
  matched(timestamp: number, side: JoinSide, key: unknown): void
}

/** Emits a record without a partner as soon as stream time is greater than the end of its window plus grace. */
export class UnmatchedUntilClosed implements UnmatchedRecords {
  /** Both sides have one. */
  readonly #observed: ObservedTime
  readonly #state: OuterJoinState<unknown, unknown, unknown>
  /** ms that stream time must pass a record's timestamp by, for its window to be closed. */
  readonly #leftDelay: number
  readonly #rightDelay: number

  constructor(
    context: OperatorContext,
    timeKey: string,
    windows: JoinWindows,
    state: OuterJoinState<unknown, unknown, unknown>,
  ) {
    this.#observed = new ObservedTime(context, timeKey)
    this.#state = state
    this.#leftDelay = windows.after + windows.grace
    this.#rightDelay = windows.before + windows.grace
  }

  arrived(timestamp: number, emit: EmitUnmatched): void {
    if (timestamp <= this.#observed.time) return
    this.#emitClosed(this.#observed.advance(timestamp), emit)
  }

  passTime(ms: number, limit: number, emit: EmitUnmatched): boolean {
    return this.#observed.pass(ms, limit) && this.#emitClosed(this.#observed.time, emit)
  }

  #emitClosed(streamTime: number, emit: EmitUnmatched): boolean {
    const left = streamTime - this.#leftDelay
    const right = streamTime - this.#rightDelay
    const state = this.#state
    if (state.firstTimestamp('left') >= left && state.firstTimestamp('right') >= right) return false
    state.drain(left, right, emit)
    return true
  }

  isClosed(timestamp: number, side: JoinSide): boolean {
    return timestamp + (side === 'left' ? this.#leftDelay : this.#rightDelay) < this.#observed.time
  }

  hold(timestamp: number, side: JoinSide, key: unknown, value: unknown): void {
    this.#state.add(timestamp, side, key, value)
  }

  matched(timestamp: number, side: JoinSide, key: unknown): void {
    this.#state.remove(timestamp, side, key)
  }
}

import { Change } from '../../record/change.ts'
import type { Headers } from '../../record/headers.ts'
import type { EntryCursor, TimedState } from '../../state/states.ts'
import { Windowed, closingDelay } from '../../windowing/windows.ts'
import { createFold, type Fold } from '../aggregate/folding.ts'
import { ObservedTime } from '../observed-time.ts'
import { SpecOperator } from '../operator.ts'
import { shownValue } from '../shown-value.ts'

export type WindowedName = `${'window' | 'period' | 'sliding' | 'session'}Aggregate`

type Row = EntryCursor<unknown, unknown>

/** What all aggregations in windows have in common: when their results are forwarded, and the emission on close. */
export abstract class WindowedOperator<
  Name extends WindowedName,
  State extends TimedState<unknown>,
  Closed extends Row,
> extends SpecOperator<Name> {
  protected fold!: Fold
  protected state!: State
  protected observed!: ObservedTime
  /** Updates are forwarded at once: they wait neither in a cache nor for the end of their window. */
  protected forwards = true
  protected wantsOld = false
  /** The stored aggregate must survive the user function: it is the old value, or an error may be skipped. */
  protected protects = false
  /** Results on close are read before the record of this turn makes the store forget the windows they are of. */
  protected emitsBefore = false
  /** Kafka Streams emits after the update: what has fallen out of retention by then is never emitted. */
  protected emitsAfter = false
  /** Results of windows that closed up to this time have been emitted; -1: none. */
  #emittedUpTo = -1
  readonly #closingDelay = closingDelay(this.spec.windows)

  /** Forwards what the cache of the store hands on. */
  protected abstract forwardFlushed(sendOldValues: boolean): void

  /** The windows that have closed up to `closeTime` and not up to `emittedUpTo`; undefined if there can be none. */
  protected abstract findClosed(closeTime: number, emittedUpTo: number): Closed | undefined

  protected abstract forwardClosed(closed: Closed, value: unknown, headers: Headers): void

  override init(): void {
    const { store, folding, emitOnClose, sendOldValues } = this.spec
    this.fold = createFold(folding, this.context)
    const state = this.context.state<State>(store)
    this.state = state
    this.observed = new ObservedTime(this.context, this.context.node)
    this.forwards = !emitOnClose && !state.cached
    this.wantsOld = this.forwards && sendOldValues
    this.protects = this.wantsOld || this.context.mayContinue
    if (emitOnClose) {
      // A cache has not handed this turn's record to the store when Kafka Streams reads the results.
      this.emitsBefore = !this.context.compatible || state.cached
      this.emitsAfter = !this.emitsBefore
      this.#emittedUpTo = this.context.savedTime(store) ?? -1
    } else if (state.cached) this.forwardFlushed(sendOldValues)
  }

  override passTime(ms: number, limit: number, headers: Headers): boolean {
    return this.observed.pass(ms, limit) && this.spec.emitOnClose && this.emitClosed(this.observed.time, headers)
  }

  /** Forwards the final results of windows that have closed since the last time, once; true if there were any. */
  protected emitClosed(streamTime: number, headers: Headers): boolean {
    const closeTime = streamTime - this.#closingDelay
    if (closeTime <= this.#emittedUpTo) return false
    const closed = this.findClosed(closeTime, this.#emittedUpTo)
    if (closed === undefined) return false
    let emitted = false
    try {
      while (closed.next()) {
        emitted = true
        this.forwardClosed(closed, shownValue(closed.value, this.state), headers)
      }
    } finally {
      closed.close()
    }
    this.#emittedUpTo = closeTime
    this.context.saveTime(this.spec.store, closeTime)
    return emitted
  }

  protected forward(
    key: unknown,
    start: number,
    end: number,
    newValue: unknown,
    oldValue: unknown,
    timestamp: number,
    headers: Headers,
  ): void {
    this.output.forward(new Windowed(key, start, end), new Change(newValue, oldValue), timestamp, headers)
  }
}

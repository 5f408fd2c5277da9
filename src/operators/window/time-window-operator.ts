import { Change } from '../../record/change.ts'
import type { Headers } from '../../record/headers.ts'
import type { WindowState } from '../../state/states.ts'
import type { Folding } from '../../topology/operator-spec.ts'
import { Windowed } from '../../windowing/windows.ts'
import { createFold } from '../aggregate/folding.ts'
import type { Fold } from '../aggregate/folding.ts'
import { ObservedTime } from '../observed-time.ts'
import { Operator } from '../operator.ts'
import { shownValue } from '../shown-value.ts'

export interface TimeWindowSettings {
  readonly store: string
  readonly folding: Folding
  readonly emitOnClose: boolean
  readonly sendOldValues: boolean
}

/** What tumbling, hopping, unlimited and sliding aggregations have in common: one window's update, and results on close. */
export abstract class TimeWindowOperator extends Operator {
  protected fold!: Fold
  protected state!: WindowState<unknown, unknown>
  protected observed!: ObservedTime
  /** Results on close are read before the record of this turn makes the store forget the windows they are of. */
  protected emitsBefore = false
  /** Kafka Streams emits after the update: what has fallen out of retention by then is never emitted. */
  protected emitsAfter = false
  /** Windows that closed before this time have been emitted; -1: none. */
  protected emittedUpTo = -1
  readonly #settings: TimeWindowSettings
  #forwards = true
  #wantsOld = false
  #protects = false
  #seedIsOld = false
  /** As in `TableStore`. */
  #nullsInRecordTime = false

  constructor(settings: TimeWindowSettings) {
    super()
    this.#settings = settings
  }

  protected abstract endOf(start: number): number

  override init(): void {
    const { store, folding, emitOnClose, sendOldValues } = this.#settings
    this.fold = createFold(folding, this.context)
    const { compatible, mayContinue } = this.context
    const state: WindowState<unknown, unknown> = this.context.state(store)
    this.state = state
    this.observed = new ObservedTime(this.context, this.context.node)
    this.#forwards = !emitOnClose && !state.cached
    this.#wantsOld = this.#forwards && sendOldValues
    this.#protects = this.#wantsOld || mayContinue
    this.#seedIsOld = this.#wantsOld && compatible
    this.#nullsInRecordTime = state.cached && compatible
    if (emitOnClose) {
      // A cache has not told the store of this turn's record when Kafka Streams reads the results.
      this.emitsBefore = !compatible || state.cached
      this.emitsAfter = !this.emitsBefore
      this.emittedUpTo = this.context.savedTime(store) ?? -1
    } else if (state.cached) {
      state.onFlush(
        (key, start, newValue, oldValue, timestamp, headers) =>
          this.output.forward(
            new Windowed(key, start, this.endOf(start)),
            new Change(newValue, oldValue),
            timestamp,
            headers,
          ),
        sendOldValues,
      )
    }
  }

  /** Adds a record to a window that the store has. */
  protected updateWindow(
    key: unknown,
    start: number,
    aggregate: unknown,
    aggregateTime: number,
    value: unknown,
    timestamp: number,
    headers: Headers,
  ): void {
    const live = this.#protects && typeof aggregate === 'object' ? this.state.copy(aggregate) : aggregate
    const result = this.fold.add(live, value, key)
    const isLater = aggregateTime > timestamp && (result !== null || !this.#nullsInRecordTime)
    const time = isLater ? aggregateTime : timestamp
    this.state.put(key, start, result, time)
    if (this.#forwards) this.forwardUpdate(key, start, result, this.#wantsOld ? aggregate : null, time, headers)
  }

  /** Makes a window of `seed` (null: of no records) and this record; `seed` belongs to this window alone. */
  protected createWindow(
    key: unknown,
    start: number,
    seed: unknown,
    value: unknown,
    timestamp: number,
    headers: Headers,
  ): void {
    let old: unknown = null
    if (this.#seedIsOld) old = seed === null ? this.fold.initial() : this.state.copy(seed)
    const result = this.fold.add(seed, value, key)
    this.state.put(key, start, result, timestamp)
    if (this.#forwards) this.forwardUpdate(key, start, result, old, timestamp, headers)
  }

  /** Makes a window of an aggregate that belongs to it alone, without adding a record. */
  protected putWindow(key: unknown, start: number, aggregate: unknown, time: number, headers: Headers): void {
    this.state.put(key, start, aggregate, time)
    if (this.#forwards) this.forwardUpdate(key, start, aggregate, null, time, headers)
  }

  protected forwardUpdate(
    key: unknown,
    start: number,
    newValue: unknown,
    oldValue: unknown,
    timestamp: number,
    headers: Headers,
  ): void {
    this.output.forward(new Windowed(key, start, this.endOf(start)), new Change(newValue, oldValue), timestamp, headers)
  }

  protected get emitsOnClose(): boolean {
    return this.#settings.emitOnClose
  }

  /** Emits the final results of windows that start in [from, to]; true if there were any. Remembers that all before `closeTime` are out. */
  protected emitWindows(from: number, to: number, closeTime: number, headers: Headers): boolean {
    let emitted = false
    const cursor = this.state.fetchAll(from, to, false)
    try {
      while (cursor.next()) {
        emitted = true
        const value = shownValue(cursor.value, this.state)
        this.forwardUpdate(cursor.key, cursor.start, value, null, cursor.timestamp, headers)
      }
    } finally {
      cursor.close()
    }
    this.emittedUpTo = closeTime
    this.context.saveTime(this.#settings.store, closeTime)
    return emitted
  }
}

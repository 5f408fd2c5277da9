import { Change } from '../../record/change.ts'
import type { Headers } from '../../record/headers.ts'
import type { WindowCursor, WindowState } from '../../state/states.ts'
import { Windowed } from '../../windowing/windows.ts'
import { WindowedOperator, type WindowedName } from './windowed-operator.ts'

type State = WindowState<unknown, unknown>
type Cursor = WindowCursor<unknown, unknown>

/** Aggregations in tumbling, hopping, unlimited and sliding windows, which are kept by their start. */
export abstract class TimeWindowOperator<Name extends WindowedName> extends WindowedOperator<Name, State, Cursor> {
  #seedIsOld = false
  /** As in `TableStore`. */
  #nullsInRecordTime = false

  protected abstract endOf(start: number): number

  override init(): void {
    super.init()
    const { compatible } = this.context
    this.#seedIsOld = this.wantsOld && compatible
    this.#nullsInRecordTime = this.state.cached && compatible
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
    const live = this.protects && typeof aggregate === 'object' ? this.state.copy(aggregate) : aggregate
    const result = this.fold.add(live, value, key)
    const isLater = aggregateTime > timestamp && (result !== null || !this.#nullsInRecordTime)
    const time = isLater ? aggregateTime : timestamp
    this.state.put(key, start, result, time)
    if (this.forwards) this.#forwardUpdate(key, start, result, this.wantsOld ? aggregate : null, time, headers)
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
    if (this.forwards) this.#forwardUpdate(key, start, result, old, timestamp, headers)
  }

  /** Makes a window of an aggregate that belongs to it alone, without adding a record. */
  protected putWindow(key: unknown, start: number, aggregate: unknown, time: number, headers: Headers): void {
    this.state.put(key, start, aggregate, time)
    if (this.forwards) this.#forwardUpdate(key, start, aggregate, null, time, headers)
  }

  protected override forwardFlushed(sendOldValues: boolean): void {
    this.state.onFlush(
      (key, start, newValue, oldValue, timestamp, headers) =>
        this.#forwardUpdate(key, start, newValue, oldValue, timestamp, headers),
      sendOldValues,
    )
  }

  protected override forwardClosed({ key, start, timestamp }: Cursor, value: unknown, headers: Headers): void {
    this.#forwardUpdate(key, start, value, null, timestamp, headers)
  }

  #forwardUpdate(
    key: unknown,
    start: number,
    newValue: unknown,
    oldValue: unknown,
    timestamp: number,
    headers: Headers,
  ): void {
    this.output.forward(new Windowed(key, start, this.endOf(start)), new Change(newValue, oldValue), timestamp, headers)
  }
}

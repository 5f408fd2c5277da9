import type { Headers } from '../../record/headers.ts'
import type { PeriodState, SessionCursor } from '../../state/states.ts'
import { isWindowClosed, type WindowBounds } from '../../windowing/windows.ts'
import { WindowedOperator } from './windowed-operator.ts'

type State = PeriodState<unknown, unknown>
type Cursor = SessionCursor<unknown, unknown>

/** Aggregations in calendar and custom windows. Null values take part. Forwards Changes by windowed key. */
export class PeriodAggregate extends WindowedOperator<'periodAggregate', State, Cursor> {
  /** Windows that begin before this time may meet those of an earlier run, which knew other time zone data. */
  #settledFrom = -1

  override init(): void {
    super.init()
    if (this.spec.windows.disjoint) this.#settledFrom = this.state.observedTime
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null) return this.context.drop('null-key')
    const { windows, emitOnClose } = this.spec
    const streamTime = this.observed.advance(timestamp)
    // Results are read before the record of this turn makes the store forget the windows they are of.
    if (emitOnClose) this.emitClosed(streamTime, headers)
    const placed = windows.windowsOf(timestamp)
    for (let i = 0; i < placed.length; i++) this.#add(placed[i]!, streamTime, key, value, timestamp, headers)
  }

  #add(
    bounds: WindowBounds,
    streamTime: number,
    key: unknown,
    value: unknown,
    timestamp: number,
    headers: Headers,
  ): void {
    const { windows } = this.spec
    const state = this.state
    let window = bounds
    let entry = state.get(key, window.start, window.end)
    if (entry === undefined && bounds.start < this.#settledFrom) {
      window = this.#besideOthers(bounds, key, timestamp)
      if (window !== bounds) entry = state.get(key, window.start, window.end)
    }
    const { start, end } = window
    if (isWindowClosed(windows, end, streamTime)) return this.context.drop(this.observed.lateness(windows, end))
    let aggregate: unknown = null
    let old: unknown = null
    let time = timestamp
    if (entry !== undefined) {
      aggregate = entry.value
      if (entry.timestamp > time) time = entry.timestamp
      if (this.wantsOld) old = aggregate
      if (this.protects && typeof aggregate === 'object') aggregate = state.copy(aggregate)
    }
    const result = this.fold.add(aggregate, value, key)
    state.put(key, start, end, result, time)
    if (this.forwards) this.forward(key, start, end, result, old, time, headers)
  }

  /**
   * The bounds of the window that takes a record whose key has no window with the given bounds: those of the window
   * that its key has for this time, else the given ones without what lies in its other windows. Such windows were made
   * under other time zone data, and their bounds stay.
   */
  #besideOthers(bounds: WindowBounds, key: unknown, timestamp: number): WindowBounds {
    let { start, end } = bounds
    const cursor = this.state.findOverlapping(key, start + 1, end - 1, false)
    try {
      while (cursor.next()) {
        if (cursor.end <= timestamp) start = Math.max(start, cursor.end)
        else if (cursor.start > timestamp) end = Math.min(end, cursor.start)
        else return { start: cursor.start, end: cursor.end }
      }
    } finally {
      cursor.close()
    }
    return start === bounds.start && end === bounds.end ? bounds : { start, end }
  }

  protected override forwardFlushed(sendOldValues: boolean): void {
    this.state.onFlush(this.forward.bind(this), sendOldValues)
  }

  protected override findClosed(closeTime: number, emittedUpTo: number): Cursor {
    return this.state.findByEnd(emittedUpTo + 1, closeTime, false)
  }

  protected override forwardClosed({ key, start, end, timestamp }: Cursor, value: unknown, headers: Headers): void {
    this.forward(key, start, end, value, null, timestamp, headers)
  }
}

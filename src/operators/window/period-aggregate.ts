import { Change } from '../../record/change.ts'
import type { Headers } from '../../record/headers.ts'
import type { PeriodState } from '../../state/states.ts'
import type { SpecOf } from '../../topology/operator-spec.ts'
import { Windowed, isWindowClosed } from '../../windowing/windows.ts'
import type { WindowBounds } from '../../windowing/windows.ts'
import { createFold } from '../aggregate/folding.ts'
import type { Fold } from '../aggregate/folding.ts'
import { ObservedTime } from '../observed-time.ts'
import { Operator } from '../operator.ts'
import { shownValue } from '../shown-value.ts'

/** Aggregations in windows of the calendar and of a user's own. Null values take part. Forwards Changes by windowed key. */
export class PeriodAggregate extends Operator {
  readonly #spec: SpecOf<'periodAggregate'>
  #fold!: Fold
  #state!: PeriodState<unknown, unknown>
  #observed!: ObservedTime
  #forwards = true
  #wantsOld = false
  #protects = false
  /** Windows that begin before this time may meet those of an earlier run, which knew other time zone data. */
  #settledFrom = -1
  /** Windows that end at or before this time have been emitted; -1: none. */
  #emittedUpTo = -1

  constructor(spec: SpecOf<'periodAggregate'>) {
    super()
    this.#spec = spec
  }

  override init(): void {
    const { store, folding, emitOnClose, sendOldValues } = this.#spec
    this.#fold = createFold(folding, this.context)
    const state: PeriodState<unknown, unknown> = this.context.state(store)
    this.#state = state
    this.#observed = new ObservedTime(this.context, this.context.node)
    this.#settledFrom = this.#spec.windows.disjoint ? state.observedTime : -1
    this.#forwards = !emitOnClose && !state.cached
    this.#wantsOld = this.#forwards && sendOldValues
    this.#protects = this.#wantsOld || this.context.mayContinue
    if (emitOnClose) this.#emittedUpTo = this.context.savedTime(store) ?? -1
    else if (state.cached) {
      state.onFlush(
        (key, start, end, newValue, oldValue, timestamp, headers) =>
          this.#forward(key, start, end, newValue, oldValue, timestamp, headers),
        sendOldValues,
      )
    }
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null) {
      this.context.drop('null-key')
      return
    }
    const { windows, emitOnClose } = this.#spec
    const streamTime = this.#observed.advance(timestamp)
    // Results are read before the record of this turn makes the store forget the windows they are of.
    if (emitOnClose) this.#emitClosed(streamTime, headers)
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
    const { windows } = this.#spec
    const state = this.#state
    let window = bounds
    let entry = state.get(key, window.start, window.end)
    if (entry === undefined && bounds.start < this.#settledFrom) {
      window = this.#besideOthers(bounds, key, timestamp)
      if (window !== bounds) entry = state.get(key, window.start, window.end)
    }
    const { start, end } = window
    if (isWindowClosed(windows, end, streamTime)) {
      this.context.drop(this.#observed.lateness(windows, end))
      return
    }
    let aggregate: unknown = null
    let old: unknown = null
    let time = timestamp
    if (entry !== undefined) {
      aggregate = entry.value
      if (entry.timestamp > time) time = entry.timestamp
      if (this.#wantsOld) old = aggregate
      if (this.#protects && typeof aggregate === 'object') aggregate = state.copy(aggregate)
    }
    const result = this.#fold.add(aggregate, value, key)
    state.put(key, start, end, result, time)
    if (this.#forwards) this.#forward(key, start, end, result, old, time, headers)
  }

  /**
   * The bounds of the window that takes a record whose key has no window with the given bounds: those of the window that its
   * key has for this time, else the given ones without what lies in its other windows. Such windows were made under other time
   * zone data, and their bounds stay.
   */
  #besideOthers(bounds: WindowBounds, key: unknown, timestamp: number): WindowBounds {
    let { start, end } = bounds
    const cursor = this.#state.findOverlapping(key, start + 1, end - 1, false)
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

  #forward(
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

  override passTime(ms: number, limit: number, headers: Headers): boolean {
    return this.#observed.pass(ms, limit) && this.#spec.emitOnClose && this.#emitClosed(this.#observed.time, headers)
  }

  #emitClosed(streamTime: number, headers: Headers): boolean {
    let emitted = false
    const closeTime = streamTime - this.#spec.windows.grace
    if (closeTime <= this.#emittedUpTo) return false
    const cursor = this.#state.findByEnd(this.#emittedUpTo + 1, closeTime, false)
    try {
      while (cursor.next()) {
        emitted = true
        const value = shownValue(cursor.value, this.#state)
        this.#forward(cursor.key, cursor.start, cursor.end, value, null, cursor.timestamp, headers)
      }
    } finally {
      cursor.close()
    }
    this.#emittedUpTo = closeTime
    this.context.saveTime(this.#spec.store, closeTime)
    return emitted
  }
}

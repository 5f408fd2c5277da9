import type { Headers } from '../../record/headers.ts'
import type { WindowCursor } from '../../state/states.ts'
import { isWindowClosed } from '../../windowing/windows.ts'
import { TimeWindowOperator } from './time-window-operator.ts'

const NONE = -1

/**
 * Aggregation of sliding windows: one window ends at each record and one starts just after each, as far as their
 * contents differ from those of windows that exist. Terms, for a record at t and windows [start, start + difference]:
 * its *left* window ends at t, its *right* window starts at t + 1, the *previous* record is the last one before t.
 */
export class SlidingAggregate extends TimeWindowOperator<'slidingAggregate'> {
  readonly #windows = this.spec.windows
  readonly #difference = this.#windows.difference
  /** Starts of the windows seen in one scan. */
  readonly #starts: number[] = []

  protected override endOf(start: number): number {
    return start + this.#difference
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null || value === null) return this.context.drop(key === null ? 'null-key' : 'null-value')
    const streamTime = this.observed.advance(timestamp)
    if (isWindowClosed(this.#windows, timestamp + this.#difference, streamTime)) return this.#dropLate(timestamp)
    if (timestamp < this.#difference) return this.#addEarly(key, value, timestamp, streamTime, headers)
    if (this.emitsBefore) this.emitClosed(streamTime, headers)
    this.#add(key, value, timestamp, streamTime, headers)
    if (this.emitsAfter) this.emitClosed(streamTime, headers)
  }

  #add(key: unknown, value: unknown, timestamp: number, streamTime: number, headers: Headers): void {
    const difference = this.#difference
    const starts = this.#starts
    starts.length = 0
    let before: unknown = null
    let right: unknown = null
    let rightTime = NONE
    let hasLeft = false
    let hasRight = false
    let previous = NONE

    const cursor = this.state.fetch(key, Math.max(0, timestamp - 2 * difference), timestamp + 1, true)
    try {
      while (cursor.next()) {
        const { start, value: aggregate, timestamp: latest } = cursor
        const end = start + difference
        starts.push(start)
        if (start === timestamp + 1) {
          hasRight = true
        } else if (end > timestamp) {
          if (rightTime === NONE) {
            rightTime = latest
            // Taken before this record is added to the window: it does not belong to its own right window.
            if (!hasRight && latest > timestamp) right = this.state.copy(aggregate)
          }
          this.#addTo(key, start, aggregate, latest, value, timestamp, streamTime, headers)
        } else if (end === timestamp) {
          hasLeft = true
          this.#addTo(key, start, aggregate, latest, value, timestamp, streamTime, headers)
          // The window ended with a record at this very time: all windows that this record needs were made then.
          if (latest >= timestamp) return
          previous = latest
        } else {
          before = aggregate
          previous = latest
          break
        }
      }
    } finally {
      cursor.close()
    }

    if (previous !== NONE && previous + 1 + difference >= timestamp && !starts.includes(previous + 1)) {
      this.#addTo(key, previous + 1, null, NONE, value, timestamp, streamTime, headers)
      // The left window may be that very one. Kafka Streams then makes it twice, and a table grouped from it counts it
      // twice.
      if (previous + 1 === timestamp - difference && !this.context.compatible) hasLeft = true
    }
    if (!hasLeft) {
      const overlaps = previous !== NONE && timestamp - difference <= previous
      const seed = overlaps ? this.state.copy(before) : null
      this.#addTo(key, timestamp - difference, seed, NONE, value, timestamp, streamTime, headers)
    }
    if (!hasRight && rightTime > timestamp) this.putWindow(key, timestamp + 1, right, rightTime, headers)
  }

  /** Records before `difference` share the window [0, difference], since no window starts before 0. */
  #addEarly(key: unknown, value: unknown, timestamp: number, streamTime: number, headers: Headers): void {
    const starts = this.#starts
    starts.length = 0
    let combined: unknown = null
    let combinedTime = NONE
    let right: unknown = null
    let rightTime = NONE
    let hasRight = false
    let previous = NONE

    const cursor = this.state.fetch(key, 0, timestamp + 1, false)
    try {
      while (cursor.next()) {
        const { start, value: aggregate, timestamp: latest } = cursor
        starts.push(start)
        if (start === 0) {
          combined = aggregate
          combinedTime = latest
          if (latest < timestamp) previous = latest
        } else if (start <= timestamp) {
          rightTime = latest
          if (latest > timestamp) right = this.state.copy(aggregate)
          this.#addTo(key, start, aggregate, latest, value, timestamp, streamTime, headers)
        } else {
          hasRight = true
        }
      }
    } finally {
      cursor.close()
    }

    if (rightTime === NONE && combinedTime > timestamp) {
      right = this.state.copy(combined)
      rightTime = combinedTime
    }
    if (!hasRight && rightTime > timestamp) this.putWindow(key, timestamp + 1, right, rightTime, headers)
    if (previous !== NONE && !starts.includes(previous + 1)) {
      this.#addTo(key, previous + 1, null, NONE, value, timestamp, streamTime, headers)
    }
    this.#addTo(key, 0, combined, combinedTime, value, timestamp, streamTime, headers)
  }

  /** Adds the record to a window with this aggregate and latest timestamp; NONE: there is no such window yet. */
  #addTo(
    key: unknown,
    start: number,
    aggregate: unknown,
    latest: number,
    value: unknown,
    timestamp: number,
    streamTime: number,
    headers: Headers,
  ): void {
    if (isWindowClosed(this.#windows, start + this.#difference, streamTime)) this.#dropLate(start)
    else if (latest === NONE) this.createWindow(key, start, aggregate, value, timestamp, headers)
    else this.updateWindow(key, start, aggregate, latest, value, timestamp, headers)
  }

  #dropLate(start: number): void {
    this.context.drop(this.observed.lateness(this.#windows, start + this.#difference))
  }

  protected override findClosed(closeTime: number, emittedUpTo: number): WindowCursor<unknown, unknown> | undefined {
    const to = closeTime - this.#difference - 1
    if (to < 0) return undefined
    const from = emittedUpTo === -1 ? 0 : Math.max(0, emittedUpTo - this.#difference)
    return this.state.fetchAll(from, to, false)
  }
}

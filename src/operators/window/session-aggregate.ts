import { Change } from '../../record/change.ts'
import { NO_HEADERS } from '../../record/headers.ts'
import type { Headers } from '../../record/headers.ts'
import type { SessionState } from '../../state/states.ts'
import type { SpecOf } from '../../topology/operator-spec.ts'
import { Windowed, closingDelay, isWindowClosed } from '../../windowing/windows.ts'
import { createFold } from '../aggregate/folding.ts'
import type { Fold } from '../aggregate/folding.ts'
import { ObservedTime } from '../observed-time.ts'
import { Operator } from '../operator.ts'
import { shownValue } from '../shown-value.ts'
import { settled } from '../user-result.ts'

/** Aggregation of sessions. Null values take part. Forwards Changes by windowed key, stamped with the session's end. */
export class SessionAggregate extends Operator {
  readonly #spec: SpecOf<'sessionAggregate'>
  #fold!: Fold
  #state!: SessionState<unknown, unknown>
  #observed!: ObservedTime
  #forwards = true
  #wantsOld = false
  #protects = false
  #emitsBefore = false
  #emitsAfter = false
  #emittedUpTo = -1
  /** The sessions that the current record touches, in store order. */
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  readonly #aggregates: unknown[] = []

  constructor(spec: SpecOf<'sessionAggregate'>) {
    super()
    this.#spec = spec
  }

  override init(): void {
    const { store, folding, emitOnClose, sendOldValues } = this.#spec
    this.#fold = createFold(folding, this.context)
    const state: SessionState<unknown, unknown> = this.context.state(store)
    this.#state = state
    this.#observed = new ObservedTime(this.context, this.context.node)
    this.#forwards = !emitOnClose && !state.cached
    this.#wantsOld = this.#forwards && sendOldValues
    this.#protects = this.#wantsOld || this.context.mayContinue
    if (emitOnClose) {
      this.#emitsBefore = !this.context.compatible || state.cached
      this.#emitsAfter = !this.#emitsBefore
      this.#emittedUpTo = this.context.savedTime(store) ?? -1
    } else if (state.cached) {
      state.onFlush(
        (key, start, end, newValue, oldValue, timestamp, headers) =>
          this.output.forward(new Windowed(key, start, end), new Change(newValue, oldValue), timestamp, headers),
        sendOldValues,
      )
    }
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null) {
      this.context.drop('null-key')
      return
    }
    const streamTime = this.#observed.advance(timestamp)
    if (this.#emitsBefore) this.#emitClosed(streamTime, headers)
    this.#add(key, value, timestamp, streamTime)
    if (this.#emitsAfter) this.#emitClosed(streamTime, headers)
  }

  #add(key: unknown, value: unknown, timestamp: number, streamTime: number): void {
    const starts = this.#starts
    const ends = this.#ends
    this.#findSessions(key, timestamp)
    let start = timestamp
    let end = timestamp
    for (let i = 0; i < starts.length; i++) {
      if (starts[i]! < start) start = starts[i]!
      if (ends[i]! > end) end = ends[i]!
    }
    if (isWindowClosed(this.#spec.windows, end, streamTime)) {
      this.context.drop(this.#observed.lateness(this.#spec.windows, end))
      return
    }
    // Before the sessions that it takes in are removed: they must stay if a function fails.
    const result = this.#fold.add(this.#merge(key), value, key)
    const changesWindow = start !== timestamp || end !== timestamp
    let old: unknown = null
    for (let i = 0; i < starts.length; i++) {
      const aggregate = this.#wantsOld ? this.#aggregates[i] : null
      if (changesWindow) {
        this.#state.put(key, starts[i]!, ends[i]!, null)
        if (this.#forwards) this.#forward(key, starts[i]!, ends[i]!, null, aggregate)
      } else if (!this.context.compatible) {
        // Kafka Streams says that there was no old value.
        old = aggregate
      }
    }
    this.#state.put(key, start, end, result)
    if (this.#forwards) this.#forward(key, start, end, result, old)
  }

  #findSessions(key: unknown, timestamp: number): void {
    this.#starts.length = 0
    this.#ends.length = 0
    this.#aggregates.length = 0
    const { gap } = this.#spec.windows
    const cursor = this.#state.findSessions(key, timestamp - gap, timestamp + gap, false)
    try {
      while (cursor.next()) {
        this.#starts.push(cursor.start)
        this.#ends.push(cursor.end)
        this.#aggregates.push(cursor.value)
      }
    } finally {
      cursor.close()
    }
  }

  #merge(key: unknown): unknown {
    const aggregates = this.#aggregates
    if (aggregates.length === 0) return null
    let merged = this.#fold.initial()
    for (let i = 0; i < aggregates.length; i++) {
      let other = aggregates[i]
      if (this.#protects && typeof other === 'object') other = this.#state.copy(other)
      // `reduce` has no initial value to merge the first session into.
      merged =
        merged === null && this.#spec.folding.kind === 'reduce'
          ? other
          : (settled(this.#spec.merger(merged, other, key), this.context) ?? null)
    }
    return merged
  }

  #forward(key: unknown, start: number, end: number, newValue: unknown, oldValue: unknown): void {
    this.output.forward(new Windowed(key, start, end), new Change(newValue, oldValue), end, NO_HEADERS)
  }

  override passTime(ms: number, limit: number, headers: Headers): boolean {
    return this.#observed.pass(ms, limit) && this.#spec.emitOnClose && this.#emitClosed(this.#observed.time, headers)
  }

  #emitClosed(streamTime: number, headers: Headers): boolean {
    let emitted = false
    const closeTime = streamTime - closingDelay(this.#spec.windows)
    if (closeTime <= this.#emittedUpTo) return false
    const from = Math.max(0, this.#emittedUpTo)
    if (closeTime - 1 < from) return false
    const cursor = this.#state.findByEnd(from, closeTime - 1, this.context.compatible)
    try {
      while (cursor.next()) {
        emitted = true
        this.output.forward(
          new Windowed(cursor.key, cursor.start, cursor.end),
          new Change(shownValue(cursor.value, this.#state), null),
          cursor.end,
          headers,
        )
      }
    } finally {
      cursor.close()
    }
    this.#emittedUpTo = closeTime
    this.context.saveTime(this.#spec.store, closeTime)
    return emitted
  }
}

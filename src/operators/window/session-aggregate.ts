import { NO_HEADERS, type Headers } from '../../record/headers.ts'
import type { SessionCursor, SessionState } from '../../state/states.ts'
import { isWindowClosed } from '../../windowing/windows.ts'
import { WindowedOperator } from './windowed-operator.ts'
import { settled } from '../user-result.ts'

type State = SessionState<unknown, unknown>
type Cursor = SessionCursor<unknown, unknown>

/** Aggregation of sessions. Null values take part. Forwards Changes by windowed key, stamped with the session's end. */
export class SessionAggregate extends WindowedOperator<'sessionAggregate', State, Cursor> {
  /** The sessions that the current record touches, in store order. */
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  readonly #aggregates: unknown[] = []

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null) return this.context.drop('null-key')
    const streamTime = this.observed.advance(timestamp)
    if (this.emitsBefore) this.emitClosed(streamTime, headers)
    this.#add(key, value, timestamp, streamTime)
    if (this.emitsAfter) this.emitClosed(streamTime, headers)
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
    if (isWindowClosed(this.spec.windows, end, streamTime)) {
      this.context.drop(this.observed.lateness(this.spec.windows, end))
      return
    }
    // Before the sessions that it takes in are removed: they must stay if a function fails.
    const result = this.fold.add(this.#merge(key), value, key)
    const changesWindow = start !== timestamp || end !== timestamp
    let old: unknown = null
    for (let i = 0; i < starts.length; i++) {
      const aggregate = this.wantsOld ? this.#aggregates[i] : null
      if (changesWindow) {
        this.state.put(key, starts[i]!, ends[i]!, null)
        if (this.forwards) this.forward(key, starts[i]!, ends[i]!, null, aggregate, ends[i]!, NO_HEADERS)
      } else if (!this.context.compatible) {
        // Kafka Streams says that there was no old value.
        old = aggregate
      }
    }
    this.state.put(key, start, end, result)
    if (this.forwards) this.forward(key, start, end, result, old, end, NO_HEADERS)
  }

  #findSessions(key: unknown, timestamp: number): void {
    this.#starts.length = 0
    this.#ends.length = 0
    this.#aggregates.length = 0
    const { gap } = this.spec.windows
    const cursor = this.state.findSessions(key, timestamp - gap, timestamp + gap, false)
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
    let merged = this.fold.initial()
    for (let i = 0; i < aggregates.length; i++) {
      let other = aggregates[i]
      if (this.protects && typeof other === 'object') other = this.state.copy(other)
      // `reduce` has no initial value to merge the first session into.
      merged =
        merged === null && this.spec.folding.kind === 'reduce'
          ? other
          : (settled(this.spec.merger(merged, other, key), this.context) ?? null)
    }
    return merged
  }

  protected override forwardFlushed(sendOldValues: boolean): void {
    this.state.onFlush(this.forward.bind(this), sendOldValues)
  }

  protected override findClosed(closeTime: number, emittedUpTo: number): Cursor | undefined {
    const from = Math.max(0, emittedUpTo)
    return closeTime > from ? this.state.findByEnd(from, closeTime - 1, this.context.compatible) : undefined
  }

  protected override forwardClosed({ key, start, end }: Cursor, value: unknown, headers: Headers): void {
    this.forward(key, start, end, value, null, end, headers)
  }
}

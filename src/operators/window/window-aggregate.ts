import type { Headers } from '../../record/headers.ts'
import type { SpecOf } from '../../topology/operator-spec.ts'
import { UNLIMITED_END, firstWindowStart, isWindowClosed } from '../../windowing/windows.ts'
import type { FixedWindows, UnlimitedWindows } from '../../windowing/windows.ts'
import { TimeWindowOperator } from './time-window-operator.ts'

/** Aggregations of tumbling, hopping and unlimited windows. Null values take part. Forwards Changes by windowed key. */
export class WindowAggregate extends TimeWindowOperator {
  readonly #windows: FixedWindows | UnlimitedWindows

  constructor(spec: SpecOf<'windowAggregate'>) {
    super(spec)
    this.#windows = spec.windows
  }

  protected override endOf(start: number): number {
    return this.#windows.kind === 'unlimited' ? UNLIMITED_END : start + this.#windows.size
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null) {
      this.context.drop('null-key')
      return
    }
    const windows = this.#windows
    const streamTime = this.observed.advance(timestamp)
    if (windows.kind === 'unlimited') {
      if (timestamp >= windows.start) this.#addTo(windows.start, key, value, timestamp, headers)
      return
    }
    if (this.emitsBefore) this.#emitClosed(windows, streamTime, headers)
    for (let start = firstWindowStart(windows, timestamp); start <= timestamp; start += windows.advance) {
      const end = start + windows.size
      if (isWindowClosed(windows, end, streamTime)) this.context.drop(this.observed.lateness(windows, end))
      else this.#addTo(start, key, value, timestamp, headers)
    }
    if (this.emitsAfter) this.#emitClosed(windows, streamTime, headers)
  }

  override passTime(ms: number, limit: number, headers: Headers): boolean {
    const windows = this.#windows
    if (!this.observed.pass(ms, limit) || windows.kind === 'unlimited' || !this.emitsOnClose) return false
    return this.#emitClosed(windows, this.observed.time, headers)
  }

  #addTo(start: number, key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const entry = this.state.get(key, start)
    if (entry === undefined) this.createWindow(key, start, null, value, timestamp, headers)
    else this.updateWindow(key, start, entry.value, entry.timestamp, value, timestamp, headers)
  }

  #emitClosed(windows: FixedWindows, streamTime: number, headers: Headers): boolean {
    const { size, advance, grace } = windows
    const closeTime = streamTime - grace
    const to = closeTime - size
    if (to < 0 || closeTime <= this.emittedUpTo) return false
    const from = this.emittedUpTo === -1 ? 0 : Math.max(0, this.emittedUpTo - size) + 1
    const lastStart = to - (to % advance)
    return lastStart >= from && this.emitWindows(from, to, closeTime, headers)
  }
}

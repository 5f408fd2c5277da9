import type { Headers } from '../../record/headers.ts'
import { UNLIMITED_END, firstWindowStart, isWindowClosed } from '../../windowing/windows.ts'
import type { WindowCursor } from '../../state/states.ts'
import { TimeWindowOperator } from './time-window-operator.ts'

/** Aggregations of tumbling, hopping and unlimited windows. Null values take part. Forwards Changes by windowed key. */
export class WindowAggregate extends TimeWindowOperator<'windowAggregate'> {
  protected override endOf(start: number): number {
    const { windows } = this.spec
    return windows.kind === 'unlimited' ? UNLIMITED_END : start + windows.size
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null) return this.context.drop('null-key')
    const { windows } = this.spec
    const streamTime = this.observed.advance(timestamp)
    if (windows.kind === 'unlimited') {
      if (timestamp >= windows.start) this.#addTo(windows.start, key, value, timestamp, headers)
      return
    }
    if (this.emitsBefore) this.emitClosed(streamTime, headers)
    for (let start = firstWindowStart(windows, timestamp); start <= timestamp; start += windows.advance) {
      const end = start + windows.size
      if (isWindowClosed(windows, end, streamTime)) this.context.drop(this.observed.lateness(windows, end))
      else this.#addTo(start, key, value, timestamp, headers)
    }
    if (this.emitsAfter) this.emitClosed(streamTime, headers)
  }

  #addTo(start: number, key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const entry = this.state.get(key, start)
    if (entry === undefined) this.createWindow(key, start, null, value, timestamp, headers)
    else this.updateWindow(key, start, entry.value, entry.timestamp, value, timestamp, headers)
  }

  protected override findClosed(closeTime: number, emittedUpTo: number): WindowCursor<unknown, unknown> | undefined {
    const { windows } = this.spec
    if (windows.kind === 'unlimited') return undefined
    const { size, advance } = windows
    const to = closeTime - size
    if (to < 0) return undefined
    const from = emittedUpTo === -1 ? 0 : Math.max(0, emittedUpTo - size) + 1
    const lastStart = to - (to % advance)
    return lastStart >= from ? this.state.fetchAll(from, to, false) : undefined
  }
}

import type { Headers } from '../../record/headers.ts'
import type { WindowState } from '../../state/states.ts'
import { defaultRetention, minimumRetention } from '../../windowing/windows.ts'
import { SpecOperator } from '../operator.ts'
import { shownValue } from '../shown-value.ts'
import { settled } from '../user-result.ts'

/**
 * A stream joined with itself over one store: gives what two sides would give, in the same order. `joinWindow` before
 * it keeps the record afterwards.
 */
export class StreamSelfJoin extends SpecOperator<'streamSelfJoin'> {
  readonly #windows = this.spec.windows
  readonly #joiner = this.spec.joiner
  /** A record older than stream time by more is not kept any more, and does not meet itself. */
  #keptFor = 0
  #state!: WindowState<unknown, unknown>
  #streamTime = -1

  override init(): void {
    this.#state = this.context.state(this.spec.store)
    this.#streamTime = this.#state.observedTime
    this.#keptFor = this.context.compatible ? minimumRetention(this.#windows) - 2 : defaultRetention(this.#windows)
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null || value === null) return this.context.drop(key === null ? 'null-key' : 'null-value')
    if (timestamp > this.#streamTime) this.#streamTime = timestamp
    const { before, after } = this.#windows
    const isInItsWindow = (before >= 0 && after >= 0) || this.context.compatible
    let meetsItself = isInItsWindow && timestamp >= this.#streamTime - this.#keptFor

    const asLeft = this.#state.fetch(key, timestamp - before, this.#end(timestamp + after), false)
    try {
      while (asLeft.next()) {
        this.#forward(key, value, shownValue(asLeft.value, this.#state), Math.max(timestamp, asLeft.start), headers)
      }
    } finally {
      asLeft.close()
    }

    const asRight = this.#state.fetch(key, timestamp - after, this.#end(timestamp + before), false)
    try {
      while (asRight.next()) {
        if (meetsItself && asRight.start > timestamp) {
          meetsItself = false
          this.#forward(key, value, value, timestamp, headers)
        }
        this.#forward(key, shownValue(asRight.value, this.#state), value, Math.max(timestamp, asRight.start), headers)
      }
    } finally {
      asRight.close()
    }
    if (meetsItself) this.#forward(key, value, value, timestamp, headers)
  }

  /** Kafka Streams looks at time 0 for a window that ends before it. */
  #end(end: number): number {
    return end < 0 && this.context.compatible ? 0 : end
  }

  #forward(key: unknown, left: unknown, right: unknown, timestamp: number, headers: Headers): void {
    this.output.forward(key, settled(this.#joiner(left, right, key), this.context) ?? null, timestamp, headers)
  }
}

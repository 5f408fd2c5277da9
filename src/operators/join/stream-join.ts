import { NO_HEADERS, type Headers } from '../../record/headers.ts'
import type { WindowState } from '../../state/states.ts'
import { SpecOperator } from '../operator.ts'
import { shownValue } from '../shown-value.ts'
import { sharedUnmatched } from './shared-unmatched.ts'
import type { EmitUnmatched, UnmatchedRecords } from './unmatched-records.ts'
import { settled } from '../user-result.ts'

/**
 * One side of a stream-stream join: joins a record with those of the other side that lie in its window. Left and outer
 * joins hold unmatched records back until their windows have closed.
 */
export class StreamJoin extends SpecOperator<'streamJoin'> {
  readonly #joiner = this.spec.joiner
  readonly #side = this.spec.side
  readonly #isLeft = this.#side === 'left'
  /** Records of this side come out unmatched. */
  readonly #outer = this.spec.join === 'outer' || (this.spec.join === 'left' && this.#isLeft)
  readonly #otherSide = this.#isLeft ? 'right' : 'left'
  readonly #before = this.#isLeft ? this.spec.windows.before : this.spec.windows.after
  readonly #after = this.#isLeft ? this.spec.windows.after : this.spec.windows.before
  #other!: WindowState<unknown, unknown>
  #unmatched: UnmatchedRecords | null = null
  /** Those of the record being processed: unmatched records that it lets out carry them. */
  #headers: Headers = NO_HEADERS

  override init(): void {
    const { otherStore, outerStore, timeKey, windows } = this.spec
    this.#other = this.context.state(otherStore)
    if (outerStore !== null)
      this.#unmatched = sharedUnmatched(this.context, timeKey, windows, this.context.state(outerStore))
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const unmatched = this.#unmatched
    if (unmatched === null) return this.#take(key, value, timestamp, headers)
    this.#headers = headers
    try {
      unmatched.arrived(timestamp, this.#emitUnmatched, this.#side, key !== null && value !== null)
    } finally {
      // An error is that of a record held back: this one is joined nevertheless.
      this.#take(key, value, timestamp, headers)
    }
  }

  /** Both sides have one stream time: it goes on with the left one. */
  override passTime(ms: number, limit: number, headers: Headers): boolean {
    if (!this.#isLeft || this.#unmatched === null) return false
    this.#headers = headers
    return this.#unmatched.passTime(ms, limit, this.#emitUnmatched)
  }

  #take(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key !== null && value !== null) this.#joinOther(key, value, timestamp, headers)
    else if (value !== null && this.#outer) this.output.forward(key, this.#join(value, null, key), timestamp, headers)
    else this.context.drop(key === null ? 'null-key' : 'null-value')
  }

  #joinOther(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const unmatched = this.#unmatched
    let matched = false
    const end = timestamp + this.#after
    // Kafka Streams looks at time 0 for a window that ends before it.
    const to = end < 0 && this.context.compatible ? 0 : end
    const cursor = this.#other.fetch(key, timestamp - this.#before, to, false)
    try {
      while (cursor.next()) {
        matched = true
        const otherTime = cursor.start
        const result = this.#join(value, shownValue(cursor.value, this.#other), key)
        unmatched?.matched(otherTime, this.#otherSide, key)
        const time = otherTime > timestamp ? otherTime : timestamp
        this.output.forward(key, result, time, headers)
      }
    } finally {
      cursor.close()
    }
    if (matched || !this.#outer) return
    if (unmatched === null || unmatched.isClosed(timestamp, this.#side))
      this.output.forward(key, this.#join(value, null, key), timestamp, headers)
    else unmatched.hold(timestamp, this.#side, key, value)
  }

  readonly #emitUnmatched: EmitUnmatched = (timestamp, side, key, value) => {
    const result = side === 'left' ? this.#joiner(value, null, key) : this.#joiner(null, value, key)
    this.output.forward(key, settled(result, this.context) ?? null, timestamp, this.#headers)
  }

  #join(value: unknown, other: unknown, key: unknown): unknown {
    const result = this.#isLeft ? this.#joiner(value, other, key) : this.#joiner(other, value, key)
    return settled(result, this.context) ?? null
  }
}

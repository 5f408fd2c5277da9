import { Headers } from '../record/headers.ts'
import type { JoinSide, OuterJoinState, WindowState } from '../state/states.ts'
import type { Joiner, SpecOf } from '../topology/operator-spec.ts'
import { Operator } from './operator.ts'
import { sharedJoinTime } from './shared-join-time.ts'
import type { SharedJoinTime } from './shared-join-time.ts'

/**
 * One side of a stream-stream join: joins a record with those of the other side that lie in its window. Left and outer joins
 * hold unmatched records back until their windows have closed.
 */
export class StreamJoin extends Operator {
  readonly #spec: SpecOf<'streamJoin'>
  readonly #joiner: Joiner
  readonly #isLeft: boolean
  /** Records of this side come out unmatched. */
  readonly #outer: boolean
  readonly #otherSide: JoinSide
  readonly #before: number
  readonly #after: number
  #other!: WindowState<unknown, unknown>
  #unmatched: OuterJoinState<unknown, unknown, unknown> | null = null
  #time: SharedJoinTime | null = null
  #leftOpen = false
  #rightOpen = false
  #trigger = new Headers()

  constructor(spec: SpecOf<'streamJoin'>) {
    super()
    const { join, side, windows } = spec
    this.#spec = spec
    this.#joiner = spec.joiner
    this.#isLeft = side === 'left'
    this.#outer = join === 'outer' || (join === 'left' && this.#isLeft)
    this.#otherSide = this.#isLeft ? 'right' : 'left'
    this.#before = this.#isLeft ? windows.before : windows.after
    this.#after = this.#isLeft ? windows.after : windows.before
  }

  override init(): void {
    const { otherStore, outerStore, timeKey } = this.#spec
    this.#other = this.context.state(otherStore)
    if (outerStore === null) return
    this.#unmatched = this.context.state(outerStore)
    this.#time = sharedJoinTime(this.context, timeKey, this.#unmatched)
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    this.#time?.advance(timestamp)
    if (key === null || value === null) {
      this.#withoutKeyOrValue(key, value, timestamp, headers)
      return
    }
    if (this.#time?.streamTime === timestamp) this.#emitUnmatched(headers)

    const to = Math.max(0, timestamp + this.#after)
    let matched = false
    const cursor = this.#other.fetch(key, Math.max(0, timestamp - this.#before), to, false)
    try {
      while (cursor.next()) {
        matched = true
        const otherTime = cursor.start
        if (this.#unmatched !== null) this.#unmatched.remove(otherTime, this.#otherSide, key)
        const time = otherTime > timestamp ? otherTime : timestamp
        this.output.forward(key, this.#join(value, cursor.value, key), time, headers)
      }
    } finally {
      cursor.close()
    }
    if (!matched && this.#outer) this.#keepUnmatched(key, value, timestamp, to, headers)
  }

  #withoutKeyOrValue(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (value !== null && this.#outer) this.output.forward(key, this.#join(value, null, key), timestamp, headers)
    else this.context.drop(key === null ? 'null-key' : 'null-value')
  }

  #keepUnmatched(key: unknown, value: unknown, timestamp: number, windowEnd: number, headers: Headers): void {
    if (this.#unmatched === null || this.#time === null || windowEnd < this.#time.streamTime) {
      this.output.forward(key, this.#join(value, null, key), timestamp, headers)
      return
    }
    if (timestamp < this.#time.minTime) {
      this.#time.minTime = timestamp
      this.#time.keepMinTime()
    }
    this.#unmatched.add(timestamp, this.#spec.side, key, value)
  }

  #emitUnmatched(headers: Headers): void {
    const time = this.#time
    if (time === null || this.#unmatched === null) return
    if (time.minTime + this.#after + this.#spec.windows.grace >= time.streamTime) return
    time.minTime = Number.POSITIVE_INFINITY
    this.#leftOpen = false
    this.#rightOpen = false
    this.#trigger = headers
    this.#unmatched.drain(this.#visit)
    time.keepMinTime()
  }

  readonly #visit = (timestamp: number, side: JoinSide, key: unknown, value: unknown): 'remove' | 'keep' | 'stop' => {
    const time = this.#time
    if (time === null) return 'stop'
    time.minTime = timestamp
    if (this.#leftOpen && this.#rightOpen) return 'stop'
    const { before, after, grace } = this.#spec.windows
    const isLeft = side === 'left'
    if (timestamp + (isLeft ? after : before) + grace >= time.streamTime) {
      if (isLeft) this.#leftOpen = true
      else this.#rightOpen = true
      return 'keep'
    }
    const result = isLeft ? this.#joiner(value, null, key) : this.#joiner(null, value, key)
    this.output.forward(key, result ?? null, timestamp, this.#trigger)
    return 'remove'
  }

  #join(value: unknown, other: unknown, key: unknown): unknown {
    return (this.#isLeft ? this.#joiner(value, other, key) : this.#joiner(other, value, key)) ?? null
  }
}

import type { JoinSide, OuterJoinState } from '../../state/states.ts'
import type { JoinWindows } from '../../windowing/windows.ts'
import type { EmitUnmatched, UnmatchedRecords } from './unmatched-records.ts'

/**
 * When Kafka Streams 4.3 emits records without a partner: at once if the window has ended, though grace runs; else with
 * a record that is the newest and can be joined, once its stream time has passed the last record looked at by its own
 * window.
 */
export class UnmatchedAsKafkaStreams implements UnmatchedRecords {
  readonly #windows: JoinWindows
  readonly #state: OuterJoinState<unknown, unknown, unknown>
  #streamTime = -1
  /** The last record looked at, which need not be the oldest one held; Infinity: none. */
  #lookedAt: number

  constructor(windows: JoinWindows, state: OuterJoinState<unknown, unknown, unknown>) {
    this.#windows = windows
    this.#state = state
    this.#lookedAt = Math.min(state.firstTimestamp('left'), state.firstTimestamp('right'))
  }

  arrived(timestamp: number, emit: EmitUnmatched, side: JoinSide, joins: boolean): void {
    if (timestamp > this.#streamTime) this.#streamTime = timestamp
    if (!joins || timestamp < this.#streamTime) return
    const { before, after, grace } = this.#windows
    const window = side === 'left' ? after : before
    if (this.#lookedAt + window + grace >= timestamp) return
    this.#lookedAt = Infinity
    this.#state.drain(timestamp - after - grace, timestamp - before - grace, (at, of, key, value) => {
      this.#lookedAt = at
      emit(at, of, key, value)
    })
    this.#lookOn()
  }

  /** Kafka Streams' stream time goes by records alone. */
  passTime(): boolean {
    return false
  }

  isClosed(timestamp: number, side: JoinSide): boolean {
    const { before, after } = this.#windows
    return Math.max(0, timestamp + (side === 'left' ? after : before)) < this.#streamTime
  }

  hold(timestamp: number, side: JoinSide, key: unknown, value: unknown): void {
    if (timestamp < this.#lookedAt) this.#lookedAt = timestamp
    this.#state.add(timestamp, side, key, value)
  }

  matched(timestamp: number, side: JoinSide, key: unknown): void {
    this.#state.remove(timestamp, side, key)
  }

  /** Looks at what is left, up to the first record after one of each side. */
  #lookOn(): void {
    let sawLeft = false
    let sawRight = false
    this.#state.visit((timestamp, side) => {
      // What was emitted may be newer than the first records that are left.
      if (this.#lookedAt === Infinity || timestamp > this.#lookedAt) this.#lookedAt = timestamp
      if (sawLeft && sawRight) return false
      if (side === 'left') sawLeft = true
      else sawRight = true
      return true
    })
  }
}

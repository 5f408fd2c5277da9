import type { TimerHandle } from '../../../platform/clock.ts'
import type { ClusterOptions } from '../../cluster/connection-options.ts'
import { backoff } from '../../cluster/retry.ts'

/** Time in ms for which members send more heartbeats because tasks move, to see sooner that they have arrived. */
const eagerPeriod = 30_000

export interface HeartbeatIntervals {
  /** Time in ms between two heartbeats. */
  readonly heartbeatInterval: number
  /** Time in ms between two heartbeats while tasks move. */
  readonly eagerInterval: number
}

/** Sends heartbeats when they are due, one at a time. */
export class Heartbeats {
  readonly #options: ClusterOptions
  readonly #intervals: HeartbeatIntervals
  readonly #beat: () => Promise<void>
  #isRunning = false
  #eagerSince = -Infinity
  #failures = 0
  #timer: TimerHandle | undefined
  #beating: Promise<void> | undefined

  /** @param beat must not reject */
  constructor(options: ClusterOptions, intervals: HeartbeatIntervals, beat: () => Promise<void>) {
    this.#options = options
    this.#intervals = intervals
    this.#beat = beat
  }

  start(): void {
    this.#isRunning = true
    this.#schedule()
  }

  stop(): void {
    this.#isRunning = false
    this.#timer?.cancel()
  }

  get isUnderWay(): boolean {
    return this.#beating !== undefined
  }

  /** Resolves when the heartbeat under way, or else one that is sent now, has been answered or has failed. */
  async beatNow(): Promise<void> {
    if (!this.#isRunning) return
    this.#timer?.cancel()
    this.#beating ??= this.#beatOnce()
    await this.#beating
  }

  /** Sends more heartbeats for a while, because tasks are on their way. */
  hurry(): void {
    this.#eagerSince = this.#options.clock.monotonic()
    this.#schedule()
  }

  /** Notes a failed heartbeat: it is repeated with pauses that grow. */
  failed(): void {
    this.#failures++
  }

  succeeded(): void {
    this.#failures = 0
  }

  async #beatOnce(): Promise<void> {
    // Code that runs in the first step of a heartbeat must see it under way.
    await undefined
    try {
      await this.#beat()
    } finally {
      this.#beating = undefined
      this.#schedule()
    }
  }

  #schedule(): void {
    this.#timer?.cancel()
    if (!this.#isRunning || this.#beating !== undefined) return
    this.#timer = this.#options.clock.schedule(this.#delay(), () => void this.beatNow())
  }

  #delay(): number {
    if (this.#failures > 0) return backoff(this.#options, this.#failures - 1)
    const { heartbeatInterval, eagerInterval } = this.#intervals
    const isEager = this.#options.clock.monotonic() - this.#eagerSince < eagerPeriod
    return isEager ? Math.min(eagerInterval, heartbeatInterval) : heartbeatInterval
  }
}

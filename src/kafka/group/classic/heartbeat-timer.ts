import type { TimerHandle } from '../../../platform/clock.ts'
import type { ClusterOptions } from '../../cluster/connection-options.ts'
import { backoff } from '../../cluster/retry.ts'

/** While tasks are on their way from one member to another, everybody asks more often whether they have arrived, for a while. */
const eagerInterval = 200
const eagerPeriod = 30_000

/** When heartbeats are due, one at a time. */
export class HeartbeatTimer {
  readonly #options: ClusterOptions
  readonly #beat: () => Promise<void>
  #isRunning = false
  #eagerSince = -Infinity
  #failures = 0
  #timer: TimerHandle | undefined
  #beating: Promise<void> | undefined

  /** @param beat must not reject */
  constructor(options: ClusterOptions, beat: () => Promise<void>) {
    this.#options = options
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

  /** Resolves when a heartbeat is answered: the one under way, or one that is due now. */
  beatNow(): Promise<void> {
    this.#timer?.cancel()
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = undefined
      this.#schedule()
    })
    return this.#beating
  }

  hurry(): void {
    this.#eagerSince = this.#options.clock.monotonic()
    this.#schedule()
  }

  /** Failed heartbeats are repeated with pauses that grow. */
  failed(): void {
    this.#failures++
  }

  succeeded(): void {
    this.#failures = 0
  }

  #schedule(): void {
    this.#timer?.cancel()
    if (!this.#isRunning || this.#beating !== undefined) return
    this.#timer = this.#options.clock.schedule(this.#delay(), () => void this.beatNow())
  }

  #delay(): number {
    if (this.#failures > 0) return backoff(this.#options, this.#failures - 1)
    const { clock, heartbeatInterval } = this.#options
    const isEager = clock.monotonic() - this.#eagerSince < eagerPeriod
    return isEager ? Math.min(eagerInterval, heartbeatInterval) : heartbeatInterval
  }
}

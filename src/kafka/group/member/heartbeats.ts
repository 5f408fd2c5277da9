import type { TimerHandle } from '../../../platform/clock.ts'
import type { ClusterOptions } from '../../cluster/connection-options.ts'
import { backoff } from '../../cluster/retry.ts'
import type { MemberProtocol } from './member-protocol.ts'

/** While tasks move from one member to another, all members ask more often whether they have arrived, for a while. */
const eagerPeriod = 30_000

/** When heartbeats are due, one at a time. */
export class Heartbeats {
  readonly #options: ClusterOptions
  readonly #protocol: MemberProtocol
  readonly #beat: () => Promise<void>
  #isRunning = false
  #eagerSince = -Infinity
  #failures = 0
  #timer: TimerHandle | undefined
  #beating: Promise<void> | undefined

  /** @param beat must not reject */
  constructor(options: ClusterOptions, protocol: MemberProtocol, beat: () => Promise<void>) {
    this.#options = options
    this.#protocol = protocol
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

  /** Resolves when a heartbeat is answered or has failed: the one under way, or one that is due now. */
  async beatNow(): Promise<void> {
    if (!this.#isRunning) return
    this.#timer?.cancel()
    this.#beating ??= this.#beatOnce()
    await this.#beating
  }

  /** Tasks are on their way. */
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

  async #beatOnce(): Promise<void> {
    // What a heartbeat does at once must find it under way.
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
    const { heartbeatInterval, eagerInterval } = this.#protocol
    const isEager = this.#options.clock.monotonic() - this.#eagerSince < eagerPeriod
    return isEager ? Math.min(eagerInterval, heartbeatInterval) : heartbeatInterval
  }
}

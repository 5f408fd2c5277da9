import { healthOf, type Health } from '../health/health.ts'
import { HealthWatch, OBSERVE_EVERY, type WatchedThread } from '../health/health-watch.ts'
import type { AppSnapshot, RestoreSnapshot } from '../health/snapshot.ts'
import type { Clock, TimerHandle } from '../platform/clock.ts'
import type { StreamsState } from './streams-status.ts'
import type { ThreadHandle } from './thread/thread-handle.ts'

/** What the monitor asks of its application. */
export interface Monitored {
  readonly state: StreamsState
  readonly threads: readonly ThreadHandle[]
}

/** Observes the threads of one application as long as it runs, and tells how they are. */
export class HealthMonitor {
  readonly #clock: Clock
  readonly #readyLag: number
  readonly #application: () => Monitored
  readonly #watch: HealthWatch
  #timer: TimerHandle | undefined
  /** True after `drain()`: the application will be closed soon. */
  draining = false

  constructor(clock: Clock, readyLag: number, application: () => Monitored) {
    this.#clock = clock
    this.#readyLag = readyLag
    this.#application = application
    this.#watch = new HealthWatch(clock.monotonic())
    this.#schedule()
  }

  health(): Health {
    return healthOf(this.#snapshot())
  }

  /** Returns the stores that are being restored, and how fast. */
  restores(): readonly RestoreSnapshot[] {
    return this.#snapshot().threads.flatMap(({ restores }) => restores)
  }

  #snapshot(): AppSnapshot {
    const { state } = this.#application()
    const threads = this.#observe()
    return this.#watch.snapshot(threads, { state, draining: this.draining, readyLag: this.#readyLag })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #observe(): readonly WatchedThread[] {
    const threads = this.#application().threads.map((thread) => {
      return { name: thread.name, state: thread.state, vitals: thread.vitals() }
    })
    this.#watch.observe(this.#clock.monotonic(), threads)
    return threads
  }

  #schedule(): void {
    this.#timer = this.#clock.schedule(OBSERVE_EVERY, () => {
      this.#observe()
      this.#schedule()
    })
  }
}

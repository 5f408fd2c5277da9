import type { Clock, TimerHandle } from '../../platform/clock.ts'
import type { Logger } from '../../application/application.ts'
import type { StateHome } from './state-home.ts'

/** Most ms between two rounds. */
const INTERVAL = 60_000

/**
 * Deletes the directories of tasks that no thread of this process has had for a while: they went to other instances. A
 * task that comes back within the delay finds its state, and restores only what is new.
 */
export class DirectoryCleaner {
  readonly #home: StateHome
  readonly #delay: number
  readonly #clock: Clock
  readonly #logger: Logger
  /** Since when no thread has had each task; for directories found at the start, since then. */
  readonly #since = new Map<string, number>()
  readonly #stopListening: () => void
  #timer: TimerHandle | undefined
  #stopped = false

  /** @param delay ms */
  constructor(home: StateHome, delay: number, clock: Clock, logger: Logger) {
    this.#home = home
    this.#delay = delay
    this.#clock = clock
    this.#logger = logger
    this.#stopListening = home.onRelease((task) => this.#since.set(task, clock.monotonic()))
    for (const task of home.unheld()) this.#since.set(task, clock.monotonic())
    this.#schedule()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#stopListening()
  }

  #schedule(): void {
    if (this.#stopped) return
    this.#timer = this.#clock.schedule(Math.min(INTERVAL, this.#delay), () => void this.#run())
  }

  async #run(): Promise<void> {
    try {
      for (const task of this.#home.unheld()) await this.#consider(task)
    } catch (error) {
      this.#logger.warn({ err: error }, 'directories of tasks that are elsewhere could not be deleted')
    }
    this.#schedule()
  }

  async #consider(task: string): Promise<void> {
    const now = this.#clock.monotonic()
    const since = this.#since.get(task) ?? now
    this.#since.set(task, since)
    if (now - since < this.#delay || this.#home.isHeld(task)) return
    await this.#home.destroy(task)
    this.#since.delete(task)
    this.#logger.info({ task, unused: now - since }, 'deleted the state of a task that is elsewhere')
  }
}

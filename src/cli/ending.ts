import { systemClock, type TimerHandle } from '../platform/clock.ts'

/** Why a run is to end. */
export type EndReason = 'interrupted' | 'terminated' | 'time is up' | 'left by the process that started it'

/**
 * When and how a run is to end. SIGINT, the end of `--for`, and that of a parent with a channel: close. SIGTERM: drain,
 * then close. A second SIGTERM, or one after SIGINT: close at once. The next signal of a kind that has been used up
 * ends the process, as without a handler.
 */
export class Ending {
  readonly #due = Promise.withResolvers<EndReason>()
  readonly #drained = Promise.withResolvers<void>()
  readonly #urgent = Promise.withResolvers<void>()
  readonly #timer: TimerHandle | undefined
  #isDue = false

  /** @param duration ms to run; without it, the run ends by a signal */
  constructor(duration: number | undefined) {
    this.#timer = duration === undefined ? undefined : systemClock.schedule(duration, () => this.#end('time is up'))
    process.once('SIGINT', this.#onInterrupt).on('SIGTERM', this.#onTerminate).once('disconnect', this.#onLeft)
    // A listener of the channel to a parent keeps the process alive.
    process.channel?.unref()
  }

  /** Resolves when the run is to end. */
  get due(): Promise<EndReason> {
    return this.#due.promise
  }

  /** Resolves when a drain is no longer wanted. */
  get drained(): Promise<void> {
    return this.#drained.promise
  }

  /** Resolves when the run is to end at once. */
  get urgent(): Promise<void> {
    return this.#urgent.promise
  }

  readonly #onInterrupt = (): void => {
    this.#drained.resolve()
    this.#end('interrupted')
  }

  readonly #onTerminate = (): void => {
    if (this.#isDue) {
      process.off('SIGTERM', this.#onTerminate)
      this.#drained.resolve()
      this.#urgent.resolve()
    }
    this.#end('terminated')
  }

  readonly #onLeft = (): void => this.#end('left by the process that started it')

  #end(reason: EndReason): void {
    this.#isDue = true
    this.#due.resolve(reason)
  }

  stop(): void {
    this.#timer?.cancel()
    process.off('SIGINT', this.#onInterrupt).off('SIGTERM', this.#onTerminate).off('disconnect', this.#onLeft)
  }
}

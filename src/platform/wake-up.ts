import type { Clock } from './clock.ts'

/** Lets a loop sleep until something happens or a time is over. A signal given before a sleep ends it at once. */
export class WakeUp {
  readonly #clock: Clock
  #signalled = false
  #resolve: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  signal(): void {
    this.#signalled = true
    this.#resolve?.()
  }

  async wait(ms: number): Promise<void> {
    if (!this.#signalled) {
      const sleep = new Promise<void>((resolve) => (this.#resolve = resolve))
      const timer = this.#clock.schedule(ms, () => this.#resolve?.())
      await sleep
      timer.cancel()
      this.#resolve = undefined
    }
    this.#signalled = false
  }
}

import type { Clock, TimerHandle } from './clock.ts'

/** A clock that stands still until it is moved: for the test driver and for simulations. */
export class ManualClock implements Clock {
  #now: number
  #timers: { due: number; callback: () => void }[] = []

  constructor(now = 0) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  schedule(delayMs: number, callback: () => void): TimerHandle {
    const timer = { due: this.#now + delayMs, callback }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) }
  }

  /** Moves time on in one step; timers that fall due are called in the order of their times. */
  advance(ms: number): void {
    this.#now += ms
    const due = this.#timers.filter((timer) => timer.due <= this.#now).sort((a, b) => a.due - b.due)
    this.#timers = this.#timers.filter((timer) => timer.due > this.#now)
    for (const timer of due) timer.callback()
  }
}

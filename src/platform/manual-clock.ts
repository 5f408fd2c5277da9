import type { Clock, TimerHandle } from './clock.ts'

/** A clock that stands still until it is moved: for the test driver and for simulations. */
export class ManualClock implements Clock {
  #date: number
  #monotonic = 0
  #timers: { due: number; callback: () => void }[] = []

  /** @param now the date, ms since the epoch */
  constructor(now = 0) {
    this.#date = now
  }

  now(): number {
    return this.#date
  }

  monotonic(): number {
    return this.#monotonic
  }

  schedule(delayMs: number, callback: () => void): TimerHandle {
    const timer = { due: this.#monotonic + delayMs, callback }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) }
  }

  /** Moves time on in one step. Calls timers that fall due in the order of their times. */
  advance(ms: number): void {
    this.#date += ms
    this.#monotonic += ms
    const due = this.#timers.filter((timer) => timer.due <= this.#monotonic).sort((a, b) => a.due - b.due)
    this.#timers = this.#timers.filter((timer) => timer.due > this.#monotonic)
    for (const timer of due) timer.callback()
  }

  /** Sets the date forward by this many ms, or back if negative. No time passes. */
  setDate(by: number): void {
    this.#date += by
  }
}

/** Wall-clock time and timers, so that a test or a simulation decides what time it is. Milliseconds throughout. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `callback` once after `delayMs`; the handle cancels it. Timers never keep the process alive by themselves. */
  schedule(delayMs: number, callback: () => void): TimerHandle
}

export interface TimerHandle {
  cancel(): void
}

/** Wall-clock time of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

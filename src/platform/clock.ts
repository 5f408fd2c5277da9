/**
 * The time and timers, so that a test or a simulation decides both. Milliseconds throughout.
 *
 * Its two readings must not be compared with each other. The date (`now`) is for what leaves the process or is shown to
 * users: timestamps of records, the timestamp of wall-clock punctuation, checkpoints. It may be set back or forward at
 * any moment. Everything that is waited for or measured (intervals, deadlines, timeouts, pauses between attempts) goes
 * by `monotonic`.
 */
export interface Clock {
  /** Returns the date: milliseconds since the epoch. */
  now(): number
  /** Returns whole milliseconds since a fixed moment. Never goes back, even if the date does. */
  monotonic(): number
  /**
   * Calls `callback` once after `delayMs` of monotonic time, however long that is (Infinity: never); the handle cancels
   * it. Timers never keep the process alive by themselves.
   */
  schedule(delayMs: number, callback: () => void): TimerHandle
}

export interface TimerHandle {
  cancel(): void
}

/** The longest delay (ms) of a Node.js timer: a timer with a longer one would fire at once. */
export const LONGEST_TIMER = 2 ** 31 - 1

/** Date and monotonic time of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic,
  schedule(delayMs, callback) {
    if (delayMs > LONGEST_TIMER) return scheduleFar(monotonic() + delayMs, callback)
    // Node.js would cut a fraction off, and the callback would run too early.
    const timer = setTimeout(callback, Math.ceil(delayMs))
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/** Rounds down, so that a timer for the rest of a delay never ends too early. */
function monotonic(): number {
  return Math.floor(performance.now())
}

/** Returns ms since a fixed moment with all digits: for what is shorter than a millisecond. */
export function preciseTime(): number {
  return performance.now()
}

function scheduleFar(due: number, callback: () => void): TimerHandle {
  const next = (): TimerHandle => {
    const left = due - monotonic()
    if (left <= LONGEST_TIMER) return systemClock.schedule(left, callback)
    return systemClock.schedule(LONGEST_TIMER, () => (timer = next()))
  }
  let timer = next()
  return { cancel: () => timer.cancel() }
}

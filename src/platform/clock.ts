/**
 * What time it is and timers, so that a test or a simulation decides both. Milliseconds throughout.
 *
 * There are two readings, and they are not to be compared with each other. The date (`now`) is for what leaves the process or is told to
 * users: timestamps of records, the stamp of wall-clock punctuation, checkpoints. It may be set back or forward at any moment. Everything
 * that is waited for or measured (intervals, deadlines, timeouts, pauses between attempts) goes by `monotonic`.
 */
export interface Clock {
  /** The date: milliseconds since the epoch. */
  now(): number
  /** Whole milliseconds since some moment, the same for the life of the clock. Never goes back, whatever is done to the date. */
  monotonic(): number
  /**
   * Calls `callback` once after `delayMs` of monotonic time, however long that is (Infinity: never); the handle cancels it. Timers never keep
   * the process alive by themselves.
   */
  schedule(delayMs: number, callback: () => void): TimerHandle
}

export interface TimerHandle {
  cancel(): void
}

/** The longest delay (ms) that timers of Node.js take: a longer one would end at once. */
export const LONGEST_TIMER = 2 ** 31 - 1

/** Date and monotonic time of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic,
  schedule(delayMs, callback) {
    if (delayMs > LONGEST_TIMER) return scheduleFar(monotonic() + delayMs, callback)
    // A fraction would be cut, and the callback would come before its time.
    const timer = setTimeout(callback, Math.ceil(delayMs))
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/** Rounded down, so that a timer for what is left of a time never ends before it. */
function monotonic(): number {
  return Math.floor(performance.now())
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

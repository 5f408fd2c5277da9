import { MillraceError } from '../errors/millrace-error.ts'
import { systemClock } from '../platform/clock.ts'

/** ms until a message first says what the command waits for, and between two such messages after that. */
const SAY_AFTER = 1000
const SAY_EVERY = 5000

export interface Waiting {
  /** ms to wait in all. */
  readonly timeout: number
  /** ms that have passed already. */
  readonly passed: number
  /** Returns what the command waits for now. */
  readonly what: () => string
  readonly say: (what: string) => void
}

/**
 * Waits for the end of an application, says what it waits for, and gives up in the end: a broker, for instance, may
 * never answer.
 *
 * @throws MR_CLOSE_TIMEOUT; what the promise rejects with
 */
export async function withinPatience<T>(ending: Promise<T>, { timeout, passed, what, say }: Waiting): Promise<T> {
  const expired = Promise.withResolvers<never>()
  const last = systemClock.schedule(Math.max(0, timeout - passed), () =>
    expired.reject(
      new MillraceError(
        'MR_CLOSE_TIMEOUT',
        `the application did not end within ${timeout} ms: it waits for ${what()}`,
        {
          hint:
            'Use --close-timeout to wait longer. Nothing is lost: records that have not been committed are processed ' +
            'again.',
        },
      ),
    ),
  )
  let next = systemClock.schedule(SAY_AFTER, function repeat() {
    say(what())
    next = systemClock.schedule(SAY_EVERY, repeat)
  })
  // Timers of the clock do not keep the process alive, but it must not end while it waits.
  const alive = setInterval(() => {}, SAY_EVERY)
  try {
    return await Promise.race([ending, expired.promise])
  } finally {
    clearInterval(alive)
    last.cancel()
    next.cancel()
  }
}

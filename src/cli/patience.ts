import { MillraceError } from '../errors/millrace-error.ts'
import { systemClock } from '../platform/clock.ts'

/** ms after which it is said for the first time what is waited for, and between two times after that. */
const SAY_AFTER = 1000
const SAY_EVERY = 5000

export interface Waiting {
  /** ms for which an end is waited for in all. */
  readonly timeout: number
  /** ms of them that have passed. */
  readonly passed: number
  /** What is waited for, as of now. */
  readonly what: () => string
  readonly say: (what: string) => void
}

/**
 * Waits for the end of an application, aloud, and not for ever: what is needed for it, a broker for one, may never answer.
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
          hint: 'Nothing is lost: what has not been committed is processed again; --close-timeout says how long to wait.',
        },
      ),
    ),
  )
  let next = systemClock.schedule(SAY_AFTER, function tell() {
    say(what())
    next = systemClock.schedule(SAY_EVERY, tell)
  })
  // Timers of the clock keep no process alive; one that waits must not end early.
  const alive = setInterval(() => {}, SAY_EVERY)
  try {
    return await Promise.race([ending, expired.promise])
  } finally {
    clearInterval(alive)
    last.cancel()
    next.cancel()
  }
}

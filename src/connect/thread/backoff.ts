import type { Clock } from '../../platform/clock.ts'
import type { RetryPolicy } from '../definition/connector.ts'

/** Attempts at one thing that fails: how long to pause before the next one, and when to give up. */
export class Backoff {
  readonly #policy: RetryPolicy
  readonly #clock: Clock
  #failures = 0
  #since = 0

  constructor(policy: RetryPolicy, clock: Clock) {
    this.#policy = policy
    this.#clock = clock
  }

  get isFailing(): boolean {
    return this.#failures > 0
  }

  succeeded(): void {
    this.#failures = 0
  }

  /** Counts a failure and returns the pause (ms) before the next attempt. @throws the error, if there is none */
  failed(error: unknown): number {
    const { backoff, maxBackoff, timeout, retryOn } = this.#policy
    const now = this.#clock.monotonic()
    if (this.#failures === 0) this.#since = now
    if (!retryOn(error) || now - this.#since > timeout) throw error
    return Math.min(maxBackoff, backoff * 2 ** Math.min(this.#failures++, 30))
  }
}

/** Resolves after a time, or at once when the signal aborts. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = (): void => {
    timer.cancel()
    signal.removeEventListener('abort', end)
    resolve()
  }
  const timer = clock.schedule(ms, end)
  signal.addEventListener('abort', end)
  return promise
}

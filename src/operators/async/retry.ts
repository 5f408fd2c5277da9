import type { CallPolicy } from '../../topology/operator-spec.ts'
import type { OperatorContext } from '../operator.ts'
import { settled } from '../user-result.ts'

/**
 * Returns true if there is to be another attempt after so many, of which the last failed.
 *
 * @throws MR_PROMISE for an asynchronous `retryOn`; what it throws
 */
export function isWorthRetrying(
  policy: CallPolicy,
  attempts: number,
  error: unknown,
  context: OperatorContext,
): boolean {
  if (attempts >= policy.attempts) return false
  return policy.retryOn === undefined || settled(policy.retryOn(error), context)
}

/**
 * Returns the pause (ms) before the next attempt. Full jitter: a service that failed is not called by all at once when
 * it is there again.
 *
 * @param random in [0, 1)
 */
export function pauseAfter({ backoff, maxBackoff }: CallPolicy, attempts: number, random: number): number {
  return Math.ceil(random * Math.min(maxBackoff, backoff * 2 ** (attempts - 1)))
}

import { ignoreRejection, isThenable } from '../platform/thenable.ts'
import type { Settings, UncaughtErrorDecision } from './application.ts'

/** Returns what the application does about an error that ends a thread. A handler that fails shuts the client down. */
export function decideOn(error: unknown, { onUncaughtError, logger }: Settings): UncaughtErrorDecision {
  if (typeof onUncaughtError !== 'function') return onUncaughtError
  try {
    const decision = onUncaughtError(error)
    if (!isThenable(decision)) return decision
    ignoreRejection(decision)
    logger.error({}, 'onUncaughtError returned a promise; the client is shut down')
    return 'shutdownClient'
  } catch (cause) {
    logger.error({ err: cause }, 'onUncaughtError threw; the client is shut down')
    return 'shutdownClient'
  }
}

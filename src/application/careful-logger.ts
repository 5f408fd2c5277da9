import { isPromise } from '../platform/maybe-promise.ts'
import type { Logger } from './application.ts'

/** A logger whose failures stay its own: neither what it throws nor a promise of its that rejects ends the application. */
export function carefulLogger(logger: Logger): Logger {
  const careful =
    (level: keyof Logger) =>
    (fields: object, message: string): void => {
      try {
        const result: unknown = logger[level](fields, message)
        if (isPromise(result)) result.then(undefined, () => {})
      } catch {
        // Whom could it be told?
      }
    }
  return { debug: careful('debug'), info: careful('info'), warn: careful('warn'), error: careful('error') }
}

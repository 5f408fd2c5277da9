import { isPromise } from '../platform/maybe-promise.ts'
import type { Logger } from './application.ts'

/** Wraps a logger so that neither an error that it throws nor a promise of it that rejects ends the application. */
export function carefulLogger(logger: Logger): Logger {
  const careful =
    (level: keyof Logger) =>
    (fields: object, message: string): void => {
      try {
        const result: unknown = logger[level](fields, message)
        if (isPromise(result)) result.then(undefined, () => {})
      } catch {
        // There is nowhere left to report it.
      }
    }
  return { debug: careful('debug'), info: careful('info'), warn: careful('warn'), error: careful('error') }
}

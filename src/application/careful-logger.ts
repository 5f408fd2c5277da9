import { carefully } from '../platform/thenable.ts'
import type { Logger } from './application.ts'

/** Wraps a logger so that neither an error that it throws nor a promise of it that rejects ends the application. */
export function carefulLogger(logger: Logger): Logger {
  const careful =
    (level: keyof Logger) =>
    (fields: object, message: string): void =>
      // There is nowhere left to report an error of the logger.
      carefully(
        () => logger[level](fields, message),
        () => {},
      )
  return { debug: careful('debug'), info: careful('info'), warn: careful('warn'), error: careful('error') }
}

/** Wraps a listener so that an error that it throws, or a promise of it that rejects, is logged and nothing more. */
export function carefulListener<Told extends unknown[]>(
  listener: string,
  notify: ((...told: Told) => unknown) | undefined,
  logger: Logger,
): ((...told: Told) => void) | undefined {
  if (notify === undefined) return undefined
  const failed = (err: unknown): void => logger.error({ listener, err }, 'a listener failed')
  return (...told) => carefully(() => notify(...told), failed)
}

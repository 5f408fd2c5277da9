import { oneOf, readOptions, type TableOf } from '../options/options.ts'
import type { Logger } from './application.ts'
import { isLogged, LOG_FORMATS, LOG_LEVELS, logLine, type LogFormat, type LogLevel } from './log-line.ts'

/** Options of `stderrLogger`. */
export interface StderrLoggerOptions {
  /** The least level that is written; `warn` if not given. */
  readonly level?: LogLevel
  /** `text` if not given, or `json`: one object a line, for what collects logs. */
  readonly format?: LogFormat
}

/** The options of `stderrLogger`. */
export const STDERR_LOGGER = {
  level: oneOf(LOG_LEVELS, { default: 'warn', description: 'the least level that is written' }),
  format: oneOf(LOG_FORMATS, { default: 'text', description: 'one line of text a message, or one object of JSON' }),
} satisfies TableOf<StderrLoggerOptions>

/** A logger whose level may be changed while the application runs. */
export interface LeveledLogger extends Logger {
  /** The least level that is written. */
  level: LogLevel
}

/**
 * Makes a logger that writes a line a message to standard error. Without options it is what an application has that is
 * given no logger: warnings and errors.
 *
 * @throws MR_CONFIG for an option that is unknown or impossible
 * @example
 * ```ts
 * const logger = stderrLogger({ level: 'info', format: 'json' })
 * defineApp({ id: 'totals', build, logger })
 * process.on('SIGUSR2', () => { logger.level = logger.level === 'debug' ? 'info' : 'debug' })
 * ```
 */
export function stderrLogger(options: StderrLoggerOptions = {}): LeveledLogger {
  const { level, format } = readOptions(STDERR_LOGGER, options, 'stderrLogger()')
  const writing = (at: LogLevel) => (fields: object, message: string) => {
    // The console ignores a stream that is closed or full: only lines are lost by that.
    if (isLogged(at, logger.level)) console.error(logLine(at, fields, message, format))
  }
  const logger: LeveledLogger = {
    level,
    debug: writing('debug'),
    info: writing('info'),
    warn: writing('warn'),
    error: writing('error'),
  }
  return logger
}

/** A mark that is the same in every copy of Millrace that a process loads. */
const DEFAULT = Symbol.for('millrace.default-logger')

/** The logger of an application that is given none. */
export const defaultLogger: Logger = Object.assign(stderrLogger(), { [DEFAULT]: true })

/** True for the logger of an application that was given none: `millrace run` logs for it. */
export function isDefaultLogger(logger: Logger): boolean {
  return DEFAULT in logger
}

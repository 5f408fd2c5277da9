import type { LeveledLogger } from '../application/stderr-logger.ts'
import { isLogged, logLine, type LogFormat, type LogLevel } from '../application/log-line.ts'
import type { Terminal } from './terminal.ts'

/**
 * Prints the application's messages, each as a line of text or JSON.
 *
 * Lines about an error are held back until the second `tick` or the next `flush`, because the error may be about to end
 * the run: then it is printed once, in full, instead of at each place that it passes.
 */
export class ConsoleLogger implements LeveledLogger {
  readonly #terminal: Terminal
  readonly #format: LogFormat
  level: LogLevel
  #held: { readonly error: unknown; readonly line: string }[] = []
  /** How many of them were held back at the last tick. */
  #ripe = 0

  constructor(terminal: Terminal, format: LogFormat, level: LogLevel = 'info') {
    this.#terminal = terminal
    this.#format = format
    this.level = level
  }

  debug(fields: object, message: string): void {
    this.#log('debug', fields, message)
  }

  info(fields: object, message: string): void {
    this.#log('info', fields, message)
  }

  warn(fields: object, message: string): void {
    this.#log('warn', fields, message)
  }

  error(fields: object, message: string): void {
    this.#log('error', fields, message)
  }

  /** Prints the lines that were held back at the last tick already. */
  tick(): void {
    const ripe = this.#held.splice(0, this.#ripe)
    for (const { line } of ripe) this.#terminal.line(line)
    this.#ripe = this.#held.length
  }

  /** Prints the lines that were held back, except those about `failure`. */
  flush(failure?: unknown): void {
    const held = this.#held
    this.#held = []
    this.#ripe = 0
    for (const { error, line } of held) if (error !== failure) this.#terminal.line(line)
  }

  #log(level: LogLevel, fields: object, message: string): void {
    if (!isLogged(level, this.level)) return
    const line = logLine(level, fields, message, this.#format)
    if ('err' in fields) this.#held.push({ error: fields.err, line })
    else this.#terminal.line(line)
  }
}

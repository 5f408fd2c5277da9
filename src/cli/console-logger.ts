import { isError, messageOf } from '../errors/millrace-error.ts'
import type { Logger } from '../application/application.ts'
import type { LogFormat } from './cli-error.ts'
import type { Terminal } from './terminal.ts'

type Level = 'info' | 'warn' | 'error'

/**
 * Prints the application's messages, each as a line of text or JSON. Debug messages are not shown.
 *
 * Lines about an error are held back until the second `tick` or the next `flush`, because the error may be about to end
 * the run: then it is printed once, in full, instead of at each place that it passes.
 */
export class ConsoleLogger implements Logger {
  readonly #terminal: Terminal
  readonly #format: LogFormat
  #held: { readonly error: unknown; readonly line: string }[] = []
  /** How many of them were held back at the last tick. */
  #ripe = 0

  constructor(terminal: Terminal, format: LogFormat) {
    this.#terminal = terminal
    this.#format = format
  }

  debug(): void {}

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

  #log(level: Level, fields: object, message: string): void {
    const line = this.#lineOf(level, fields, message)
    if ('err' in fields) this.#held.push({ error: fields.err, line })
    else this.#terminal.line(line)
  }

  #lineOf(level: Level, fields: object, message: string): string {
    if (this.#format === 'json') {
      return JSON.stringify({ level, time: new Date().toISOString(), message, ...plain(fields) })
    }
    const details = Object.entries(plain(fields)).map(([name, value]) => ` ${name}=${shown(value)}`)
    return `${level === 'info' ? '' : `${level}: `}${message}${details.join('')}`
  }
}

/** Replaces errors, which JSON cannot hold, by their messages. */
function plain(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]: [string, unknown]) => [
        name,
        name === 'err' || name === 'cause' || isError(value) ? messageOf(value) : value,
      ]),
  )
}

function shown(value: unknown): string {
  return typeof value === 'string' && !/\s/.test(value) ? value : JSON.stringify(value)
}

import type { LogFormat } from '../application/log-line.ts'
import { printable } from './text.ts'

/** Prints what a command says beside its records, on standard error. */
export function note(message: string, format: LogFormat): void {
  const line =
    format === 'text' ? printable(message) : JSON.stringify({ level: 'info', time: new Date().toISOString(), message })
  console.error(line)
}

/** Returns a number of things: `1 record`, `12,000 records`. */
export function countOf(count: number, thing: string): string {
  return `${count.toLocaleString('en-US')} ${thing}${count === 1 ? '' : 's'}`
}

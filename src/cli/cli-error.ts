import type { LogFormat } from '../application/log-line.ts'
import { messageOf, propertyOf } from '../errors/millrace-error.ts'

/** Formats an error for the terminal: what, where and what to do, or all of it as one line of JSON. */
export function formatError(error: unknown, format: LogFormat): string {
  const code = fieldOf(error, 'code') ?? 'MR_UNEXPECTED'
  const hint = fieldOf(error, 'hint')
  const message = messageOf(error)
  const causes = causesOf(error)
  if (format === 'json') {
    return JSON.stringify({ level: 'error', time: new Date().toISOString(), code, message, hint, causes })
  }
  const lines = [`error ${code}: ${message}`]
  for (const cause of causes) lines.push(`  because: ${cause}`)
  if (hint !== undefined) lines.push(`  hint: ${hint}`)
  const stack = propertyOf(error, 'stack')
  if (code === 'MR_UNEXPECTED' && typeof stack === 'string') lines.push(stack)
  return lines.join('\n')
}

/** Reads a field of a Millrace error, known by name, not by class: an application may have its own copy of Millrace. */
function fieldOf(error: unknown, field: 'code' | 'hint'): string | undefined {
  if (propertyOf(error, 'name') !== 'MillraceError') return undefined
  const value = propertyOf(error, field)
  return typeof value === 'string' ? value : undefined
}

/** Returns the messages of an error's causes, nearest first, without those that an outer message repeats. */
function causesOf(error: unknown): string[] {
  const causes: string[] = []
  let shown = messageOf(error)
  let cause = propertyOf(error, 'cause')
  while (cause !== undefined && causes.length < 5) {
    // Errors of OpenSSL end with a line break.
    const message = messageOf(cause).trim()
    if (!shown.includes(message)) causes.push(message)
    shown += message
    cause = propertyOf(cause, 'cause')
  }
  return causes
}

import { messageOf, propertyOf } from '../errors/millrace-error.ts'

export type LogFormat = 'text' | 'json'

/** One error as the terminal shows it: what, where and what to do, or all of it as one line of JSON. */
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

/** By name, not by class: the error may come from a copy of the library that the application brought along. */
function fieldOf(error: unknown, field: 'code' | 'hint'): string | undefined {
  if (propertyOf(error, 'name') !== 'MillraceError') return undefined
  const value = propertyOf(error, field)
  return typeof value === 'string' ? value : undefined
}

/** The messages behind an error, nearest first, without those that an outer message repeats. */
function causesOf(error: unknown): string[] {
  const causes: string[] = []
  let told = messageOf(error)
  let cause = propertyOf(error, 'cause')
  while (cause !== undefined && causes.length < 5) {
    const message = messageOf(cause)
    if (!told.includes(message)) causes.push(message)
    told += message
    cause = propertyOf(cause, 'cause')
  }
  return causes
}

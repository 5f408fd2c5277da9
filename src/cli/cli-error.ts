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
  if (code === 'MR_UNEXPECTED' && error instanceof Error && error.stack !== undefined) lines.push(error.stack)
  return lines.join('\n')
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** By name, not by class: the error may come from a copy of the library that the application brought along. */
function fieldOf(error: unknown, field: 'code' | 'hint'): string | undefined {
  if (!(error instanceof Error) || error.name !== 'MillraceError' || !(field in error)) return undefined
  const value: unknown = Reflect.get(error, field)
  return typeof value === 'string' ? value : undefined
}

/** The messages behind an error, nearest first, without those that an outer message repeats. */
function causesOf(error: unknown): string[] {
  const causes: string[] = []
  let told = messageOf(error)
  let cause = error instanceof Error ? error.cause : undefined
  while (cause !== undefined && causes.length < 5) {
    const message = messageOf(cause)
    if (!told.includes(message)) causes.push(message)
    told += message
    cause = cause instanceof Error ? cause.cause : undefined
  }
  return causes
}

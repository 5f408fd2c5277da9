import { isError, isMillraceError, messageOf } from '../errors/millrace-error.ts'

/** Levels of messages, from the most to the least detailed. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const

/** A level of messages: those of the level and of the levels after it are written. */
export type LogLevel = (typeof LOG_LEVELS)[number]
export const LOG_FORMATS = ['text', 'json'] as const

/** The form of a message: a line of text with its fields, or a JSON object on one line. */
export type LogFormat = (typeof LOG_FORMATS)[number]

/** True if a logger at `least` writes a message of `level`. */
export function isLogged(level: LogLevel, least: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least)
}

/**
 * Makes the line of a message: text with its fields, or JSON with `level`, `time`, `message` and the fields. An error
 * among the fields is written by its message. Those of Millrace add their `code` and the place as fields of their own.
 */
export function logLine(level: LogLevel, fields: object, message: string, format: LogFormat): string {
  if (format === 'json') {
    return JSON.stringify({ level, time: new Date().toISOString(), message, ...plain(fields, true) })
  }
  const details = Object.entries(plain(fields, false)).map(([name, value]) => ` ${name}=${shown(value)}`)
  return `${level === 'info' ? '' : `${level}: `}${message}${details.join('')}`
}

/** Replaces errors, which JSON cannot hold, by their messages. */
function plain(fields: object, placed: boolean): Record<string, unknown> {
  const all: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    all[name] = name === 'err' || name === 'cause' || isError(value) ? messageOf(value) : value
  }
  const err: unknown = 'err' in fields ? fields.err : undefined
  if (!placed || !isMillraceError(err)) return all
  const { code, node, task, store, topic, partition, offset, traceId, hint } = err
  // What the line says itself is nearer to what happened.
  return { code, node, task, store, topic, partition, offset, trace_id: traceId, hint, ...all }
}

function shown(value: unknown): string {
  return typeof value === 'string' && !/\s/.test(value) ? value : JSON.stringify(value)
}

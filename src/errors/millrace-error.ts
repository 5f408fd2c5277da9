import { inspect } from 'node:util'

/** The place in the application and in its input where an error happened. Every part that is known is set. */
export interface ErrorPlace {
  readonly node?: string | undefined
  readonly task?: string | undefined
  readonly store?: string | undefined
  readonly topic?: string | undefined
  readonly partition?: number | undefined
  readonly offset?: number | undefined
  /** The trace that the record belongs to, 32 hex digits, if its header `traceparent` names one (W3C). */
  readonly traceId?: string | undefined
}

export interface MillraceErrorOptions extends ErrorPlace {
  /** What the user can do about it: whole sentences, each with a capital letter and a period. */
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/**
 * An error that Millrace raises itself. `code` is stable (`MR_…`) and meant for programs; `message` names the place,
 * `hint` says what to do.
 *
 * @example
 * ```ts
 * try { await streams.closed } catch (error) {
 *   if (error instanceof MillraceError && error.code === 'MR_DESERIALIZE') console.error(error.topic, error.offset)
 * }
 * ```
 */
export class MillraceError extends Error implements ErrorPlace {
  override readonly name = 'MillraceError'
  readonly code: string
  readonly hint: string | undefined
  readonly node: string | undefined
  readonly task: string | undefined
  readonly store: string | undefined
  readonly topic: string | undefined
  readonly partition: number | undefined
  readonly offset: number | undefined
  readonly traceId: string | undefined

  constructor(code: string, message: string, options: MillraceErrorOptions = {}) {
    super(message + describePlace(options), options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.node = options.node
    this.task = options.task
    this.store = options.store
    this.topic = options.topic
    this.partition = options.partition
    this.offset = options.offset
    this.traceId = options.traceId
  }
}

/** Copies an error, and adds what was not known where it was thrown: parts of its place, or a better hint. */
export function withPlace(error: MillraceError, place: ErrorPlace & Pick<MillraceErrorOptions, 'hint'>): MillraceError {
  const text = error.message.slice(0, error.message.length - describePlace(error).length)
  const placed = copied(error, text, place)
  const shown = textsWithValues.get(error)
  return shown === undefined ? placed : hidingValues(placed, shown)
}

/** The texts of errors for those who may see keys and values of records, without the place. */
const textsWithValues = new WeakMap<Error, string>()

/**
 * Gives an error the text that shows the key or the value of a record. The message itself must not show them: it ends
 * up in the logs of programs that process what is nobody else's business.
 */
export function hidingValues<E extends Error>(error: E, text: string): E {
  textsWithValues.set(error, text)
  return error
}

/** Returns the message of any thrown value, with keys and values of records. */
export function messageWithValues(thrown: unknown): string {
  const text = isError(thrown) ? textsWithValues.get(thrown) : undefined
  if (text === undefined) return messageOf(thrown)
  return isMillraceError(thrown) ? text + describePlace(thrown) : text
}

/** Returns an error whose message shows the key or the value that it is about: the error itself if it hides none. */
export function showingValues(error: MillraceError): MillraceError {
  const text = textsWithValues.get(error)
  return text === undefined ? error : copied(error, text, {})
}

function copied(error: MillraceError, text: string, other: MillraceErrorOptions): MillraceError {
  const { code, node, task, store, topic, partition, offset, traceId, hint, cause } = error
  const place = { node, task, store, topic, partition, offset, traceId }
  const copy = new MillraceError(code, text, { ...place, hint, cause, ...other })
  const frames = error.stack?.slice(error.stack.indexOf('\n    at ')) ?? ''
  Object.defineProperty(copy, 'stack', { value: `${copy.name}: ${copy.message}${frames}` })
  return copy
}

/** True for an error that Millrace raised itself. Takes any thrown value, even one that throws when it is read. */
export function isMillraceError(thrown: unknown): thrown is MillraceError {
  return isInstance(thrown, MillraceError)
}

/** True for an error. Takes any thrown value, as `isMillraceError` does. */
export function isError(thrown: unknown): thrown is Error {
  return isInstance(thrown, Error)
}

/** Returns the message of any thrown value, even of an object without prototype or one that throws when it is read. */
export function messageOf(thrown: unknown): string {
  return firstOf(
    () => (isError(thrown) && typeof thrown.message === 'string' ? thrown.message : undefined),
    () => (typeof thrown === 'string' ? thrown : inspect(thrown, { depth: 1, breakLength: Infinity })),
  )
}

/** One property of a thrown value; undefined if it is no error or cannot be read. */
export function propertyOf(thrown: unknown, property: 'name' | 'stack' | 'cause' | 'code' | 'hint'): unknown {
  try {
    return isError(thrown) ? Reflect.get(thrown, property) : undefined
  } catch {
    return undefined
  }
}

function isInstance<T>(thrown: unknown, type: abstract new (...args: never) => T): thrown is T {
  try {
    return thrown instanceof type
  } catch {
    return false
  }
}

function firstOf(...ways: readonly (() => string | undefined)[]): string {
  for (const way of ways) {
    try {
      const said = way()
      if (said !== undefined) return said
    } catch {
      // The next way may work.
    }
  }
  return 'something that cannot be shown'
}

function describePlace(place: ErrorPlace): string {
  const parts: string[] = []
  if (place.node !== undefined) parts.push(`node=${place.node}`)
  if (place.task !== undefined) parts.push(`task=${place.task}`)
  if (place.store !== undefined) parts.push(`store=${place.store}`)
  if (place.topic !== undefined) parts.push(`topic=${place.topic}`)
  if (place.partition !== undefined) parts.push(`partition=${place.partition}`)
  if (place.offset !== undefined) parts.push(`offset=${place.offset}`)
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

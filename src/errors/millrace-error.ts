import { inspect } from 'node:util'
import { Trace } from './trace.ts'

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
  /** @internal The calls that the stack shows. Default: those that led here */
  readonly trace?: Pick<Trace, 'frames'> | undefined
}

/**
 * An error that Millrace raises itself. `code` is stable (`MR_…`) and meant for programs; `message` names the place,
 * `hint` says what to do. `stack` has the code, and begins with the first call that is not Millrace's own.
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
  declare readonly hint: string | undefined
  declare readonly node: string | undefined
  declare readonly task: string | undefined
  declare readonly store: string | undefined
  declare readonly topic: string | undefined
  declare readonly partition: number | undefined
  declare readonly offset: number | undefined
  declare readonly traceId: string | undefined

  constructor(code: string, message: string, options: MillraceErrorOptions = {}) {
    const limit = Error.stackTraceLimit
    // The trace below takes the place of the stack.
    Error.stackTraceLimit = 0
    super(message + describePlace(options), options.cause === undefined ? undefined : { cause: options.cause })
    Error.stackTraceLimit = limit
    this.code = code
    // What is not known is no property: Node and test runners print all there are.
    for (const part of SHOWN) {
      if (options[part] !== undefined) Object.defineProperty(this, part, { ...VISIBLE, value: options[part] })
    }
    const trace = options.trace ?? new Trace(MillraceError)
    const define = (property: PropertyDescriptor): void => void Object.defineProperty(this, 'stack', property)
    define({
      configurable: true,
      get: () => headOf(this) + trace.frames,
      set: (value: unknown) => define({ configurable: true, writable: true, value }),
    })
  }

  /**
   * Returns what `JSON.stringify` shows. Its message has code and hint, so that test runners that show no more of an
   * error, as vitest does, show them.
   */
  toJSON(): object {
    const hint = this.hint === undefined ? '' : `\n${this.hint}`
    const { message, code, cause } = this
    return { ...this, message: `[${code}] ${message}${hint}`, ...(cause === undefined ? {} : { cause }) }
  }
}

const SHOWN = ['hint', 'node', 'task', 'store', 'topic', 'partition', 'offset', 'traceId'] as const
const VISIBLE: PropertyDescriptor = { configurable: true, enumerable: true, writable: true }

/** Returns the first line of an error's stack, in the form that Node gives its own errors with codes. */
function headOf({ name, code, message }: MillraceError): string {
  return `${name} [${code}]: ${message}`
}

/** Returns the calls that the stack of an error shows. */
function framesOf(error: MillraceError): string {
  const { stack } = error
  const head = headOf(error)
  return stack?.startsWith(head) === true ? stack.slice(head.length) : ''
}

/**
 * Copies an error that the build of the topology throws for an operator: the copy names the user's call of the DSL, and
 * its stack is that of the call. By the time of the build, that call has returned.
 */
export function declaredAt(error: MillraceError, trace: Trace): MillraceError {
  const { call } = trace
  if (call === undefined) return error
  return copied(error, `${call}: ${textOf(error)}`, { trace })
}

/** Copies an error, and adds what was not known where it was thrown: parts of its place, or a better hint. */
export function withPlace(error: MillraceError, place: ErrorPlace & Pick<MillraceErrorOptions, 'hint'>): MillraceError {
  const placed = copied(error, textOf(error), place)
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
  // Not before somebody looks: most errors of records are counted and dropped.
  const trace = {
    get frames() {
      return framesOf(error)
    },
  }
  return new MillraceError(code, text, { ...place, hint, cause, trace, ...other })
}

/** Returns the message of an error without its place. */
function textOf(error: MillraceError): string {
  return error.message.slice(0, error.message.length - describePlace(error).length)
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

import { MillraceError, messageOf, type ErrorPlace } from '../../errors/millrace-error.ts'
import { isPlainData } from '../../platform/plain-data.ts'

/** A value on its way to another thread. A clone of an error would lose its class, its code and its place. */
export type SentValue = { readonly value: unknown } | { readonly error: SentError }

interface SentError {
  readonly id: number
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly cause: SentValue | undefined
  /** Errors of an AggregateError. */
  readonly errors: readonly SentValue[] | undefined
  /** Code, hint and place of a MillraceError. `message` has the place already. */
  readonly millrace: (ErrorPlace & { readonly code: string; readonly hint: string | undefined }) | undefined
  /** Other properties of its own that can be sent. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** Depth below which causes of causes are left out: they may form a ring. */
const MOST_CAUSES = 10
/** Received errors that are recognized when they come again. */
const REMEMBERED = 64

/** Makes values ready to be sent. An error that is sent twice is one error on the other side, too. */
export class ValueSender {
  readonly #ids = new WeakMap<Error, number>()
  #lastId = 0

  send(value: unknown, depth = 0): SentValue {
    try {
      if (value instanceof Error) return { error: this.#error(value, depth) }
      if (isPlainData(value)) return { value }
    } catch {
      // A value that throws when it is read is sent as text.
    }
    return { value: messageOf(value) }
  }

  #error(error: Error, depth: number): SentError {
    const id = this.#ids.get(error) ?? ++this.#lastId
    this.#ids.set(error, id)
    const { name, message, stack, cause } = error
    const isDeep = depth >= MOST_CAUSES
    const errors = 'errors' in error && Array.isArray(error.errors) && !isDeep ? error.errors : undefined
    return {
      id,
      name,
      message,
      stack,
      cause: cause === undefined || isDeep ? undefined : this.send(cause, depth + 1),
      errors: errors?.map((each: unknown) => this.send(each, depth + 1)),
      millrace: error instanceof MillraceError ? placeOf(error) : undefined,
      fields: Object.fromEntries(
        Object.entries(error).filter(([field, value]) => !NOT_FIELDS.has(field) && isPlainData(value)),
      ),
    }
  }
}

const NOT_FIELDS: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause', 'errors'])

function placeOf(error: MillraceError): SentError['millrace'] {
  const { code, hint, node, task, store, topic, partition, offset, traceId } = error
  return { code, hint, node, task, store, topic, partition, offset, traceId }
}

/** Restores the values that a `ValueSender` sent. */
export class ValueReceiver {
  readonly #known = new Map<number, Error>()

  receive(sent: SentValue): unknown {
    return 'error' in sent ? this.#error(sent.error) : sent.value
  }

  #error(sent: SentError): Error {
    const known = this.#known.get(sent.id)
    if (known !== undefined) return known
    const { name, message, stack, millrace } = sent
    const cause = sent.cause === undefined ? undefined : this.receive(sent.cause)
    const options = cause === undefined ? undefined : { cause }
    const error =
      millrace === undefined
        ? sent.errors === undefined
          ? new Error(message, options)
          : new AggregateError(
              sent.errors.map((each) => this.receive(each)),
              message,
              options,
            )
        : new MillraceError(millrace.code, '', { ...millrace, cause })
    Object.assign(error, sent.fields)
    if (error.name !== name) define(error, 'name', name)
    define(error, 'message', message)
    define(error, 'stack', stack)
    this.#known.set(sent.id, error)
    const [oldest] = this.#known.keys()
    if (this.#known.size > REMEMBERED && oldest !== undefined) this.#known.delete(oldest)
    return error
  }
}

/** Defines a property as errors have it: not enumerable. */
function define(error: Error, property: string, value: string | undefined): void {
  Object.defineProperty(error, property, { value, writable: true, configurable: true, enumerable: false })
}

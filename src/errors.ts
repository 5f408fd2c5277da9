/** Where in the application and in its input an error belongs; every part that is known is set. */
export interface ErrorPlace {
  readonly node?: string | undefined
  readonly task?: string | undefined
  readonly store?: string | undefined
  readonly topic?: string | undefined
  readonly partition?: number | undefined
  readonly offset?: number | undefined
}

export interface MillraceErrorOptions extends ErrorPlace {
  /** One sentence that tells the user what to do about it. */
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/**
 * Every error that Millrace raises itself. `code` is stable (`MR_…`) and meant for programs; `message` names the place,
 * `hint` tells what to do.
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
  }
}

/** The same error with more of its place, and another hint: where it was thrown not everything was known. */
export function withPlace(error: MillraceError, place: ErrorPlace & Pick<MillraceErrorOptions, 'hint'>): MillraceError {
  const { code, message, node, task, store, topic, partition, offset, hint, cause } = error
  const text = message.slice(0, message.length - describePlace(error).length)
  return new MillraceError(code, text, { node, task, store, topic, partition, offset, hint, cause, ...place })
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

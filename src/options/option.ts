import { MillraceError, type ErrorPlace } from '../errors/millrace-error.ts'
import { isAsyncFunction } from '../platform/thenable.ts'

/*
 * How to add an option to a function with a table of options (`DEFINE_APP`, `KAFKA`, `EMBEDDED_LOG`, `STREAMS_START`,
 * …):
 *
 * 1. Add the property, with its docstring, to the function's public type (`AppConfig`, `KafkaOptions`, …).
 * 2. Add an entry of the same name to the function's table, in the same room: `satisfies TableOf<KafkaOptions>` does
 *    not compile otherwise. Make the entry with one of the kinds in `kinds.ts`:
 *
 *      maxRequestSize: byteSize({
 *        default: 1_048_576,
 *        least: 1,
 *        description: 'largest request that is sent',
 *        kafka: 'max.request.size',
 *      }),
 *
 * 3. Use the values that `readOptions(table, given, 'kafka()')` returns: checked, in ms or bytes, with defaults filled
 *    in.
 * 4. Run `npx vitest run test/docs/configuration.test.ts -u`: it writes the row into the documentation.
 */

/** The description of an option. */
export interface About<T> {
  /** The value if the option is not given, in the units in which the option is read: ms, bytes. */
  readonly default?: T
  /** True: the option must be given. */
  readonly required?: true
  /** What it does, as Markdown for the documentation. */
  readonly description: string
  /** The default as the documentation shows it, if `default` alone does not say it. */
  readonly defaultText?: string
  /** Kafka's or Kafka Streams' name for it, which errors recognize and correct. A prefix ends with a dot. */
  readonly kafka?: string | readonly string[]
  /** Names of other clients for it, recognized likewise. */
  readonly alsoCalled?: readonly string[]
  /** Code of the error for an impossible value; MR_CONFIG if not given. */
  readonly code?: string
  /** True: errors do not show the value. */
  readonly secret?: true
}

/** One row of a table of options. */
export interface Option<T> extends About<T> {
  /** The values that may be given, as the documentation shows them. */
  readonly type: string
  /**
   * Converts a given value to the value that is used.
   * @throws the error that `place.refuse` makes
   */
  read(value: unknown, place: Place): T
}

/** The description of an option that always has a value. */
export type AlwaysSet<T> = About<T> & ({ readonly default: T } | { readonly required: true })

/** A table of options by name. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>

/** Holds a table to the options type of the public API: the same names, no more, no fewer. */
export type TableOf<Options, Row = Option<unknown>> = { readonly [Name in keyof Options]-?: Row }

/** The place where a value was given, for the error that refuses it. */
export class Place {
  readonly #owner: string
  readonly #name: string
  readonly #about: About<unknown>
  readonly #where: ErrorPlace
  readonly #shown: string | undefined

  /**
   * @param owner the function that was given the options: `kafka()`
   * @param where other parts of the place: the operator's name
   * @param shown the place as errors name it, for options that no function was given: `MILLRACE_THREADS`
   */
  constructor(owner: string, name: string, about: About<unknown>, where: ErrorPlace = {}, shown?: string) {
    this.#owner = owner
    this.#name = name
    this.#about = about
    this.#where = where
    this.#shown = shown
  }

  /** Returns the place of a member: `sasl.mechanism`, `brokers[1]`. */
  inner(suffix: string, about: About<unknown> = this.#about): Place {
    const code = about.code ?? this.code
    const shown = this.#shown === undefined ? undefined : this.#shown + suffix
    return new Place(this.#owner, this.#name + suffix, { ...about, code }, this.#where, shown)
  }

  /** The place as errors name it: `the option sasl.mechanism of kafka()`. */
  get text(): string {
    if (this.#shown !== undefined) return this.#shown
    return this.#name === '' ? `the options of ${this.#owner}` : `the option ${this.#name} of ${this.#owner}`
  }

  get name(): string {
    return this.#name
  }

  get owner(): string {
    return this.#owner
  }

  get code(): string {
    return this.#about.code ?? 'MR_CONFIG'
  }

  /** @param hint says what may be given: `Give a function.` */
  refuse(value: unknown, hint: string, cause?: unknown): MillraceError {
    const shown = this.#about.secret === true ? kindOf(value) : show(value)
    return this.error(`${this.text} ${this.#name === '' ? 'are' : 'is'} ${shown}`, hint, cause)
  }

  missing(hint: string): MillraceError {
    return this.error(`${this.text} is missing`, hint)
  }

  error(message: string, hint: string, cause?: unknown): MillraceError {
    return new MillraceError(this.code, message, { ...this.#where, hint, cause })
  }
}

/** Shows a value in an error: never the contents of an object, which may be secret. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value)
  if (typeof value === 'bigint') return `${value}n`
  return typeof value === 'number' || typeof value === 'boolean' || value === undefined ? String(value) : kindOf(value)
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' || typeof value === 'undefined') return value === undefined ? 'undefined' : 'an object'
  if (isAsyncFunction(value)) return 'an async function'
  return value === '' ? 'empty' : `a ${typeof value}`
}

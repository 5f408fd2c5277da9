import type { StandardSchemaV1 } from '@standard-schema/spec'
import { hidingValues, MillraceError } from '../errors/millrace-error.ts'
import { asBuffer } from './byte-view.ts'
import { oneOf, readOptions, type TableOf } from '../options/options.ts'
import { readInner, returningPlainValues } from './call-serde.ts'
import {
  exactJson,
  INTEGERS,
  internalJson,
  isReadAsBigint,
  parseInternalJson,
  parseJson,
  type JsonIntegers,
} from './json-integers.ts'
import { copyOfJson, jsonText, type BigintForm } from './json-text.ts'
import type { Serde } from './serde.ts'
import { cloneOfPlainJson } from './plain-json.ts'

/** Options of `json()`. */
export interface JsonOptions {
  /**
   * How to read an integer from 2^53 on whose digits a `number` does not keep (it keeps those of 2^53 and 10^18), and
   * any other number that large:
   *
   * - `'refuse'`: the record cannot be read; MR_DESERIALIZE has the path, and `onDeserializationError` decides;
   * - `'bigint'`: as a bigint. Other integers are numbers: `BigInt(value)` takes both. Bigints are written with all
   *   their digits, and come back from stores and internal topics as bigints, whatever their size;
   * - `'string'`: as its text, which is written as a text;
   * - `'round'`: as the nearest number, like `JSON.parse`.
   *
   * @default 'refuse'
   */
  readonly integers?: JsonIntegers
}

/** The options of `json`. */
export const JSON_OPTIONS = {
  integers: oneOf(INTEGERS, {
    default: 'refuse',
    description: 'how to read integers from 2^53 on whose digits a `number` does not keep',
    alsoCalled: ['bigint', 'bigints', 'bigInt', 'numbers'],
  }),
} satisfies TableOf<JsonOptions>

/**
 * Returns a serde for JSON text that is trusted: `T` is the type of the data, and nothing checks it.
 *
 * A topic takes any value that can be written: an object with a `toJSON`, such as a `Date`, is written as its result,
 * and a field that is undefined is left out. A value of which JSON would lose something (NaN, a Map or Set, undefined
 * in an array, a function) is an error with its path. A store takes only values that come back the same: no `Date`,
 * class instance or bigint either.
 *
 * JSON has integers that a `number` does not hold: 9007199254740993 would be read as 9007199254740992. Such integers
 * are refused, unless the option `integers` says how to read them.
 *
 * @throws `SyntaxError` for bytes that are not JSON; MR_NUMBER_RANGE for an integer that is refused;
 * MR_SERDE_ROUND_TRIP for a value of which something would be lost; `TypeError` for values without JSON (undefined,
 * functions, bigint, circular objects); MR_CONFIG for options that do not exist
 * @example
 * ```ts
 * type Total = { count: number; cents: number }
 * const totals = topic('totals', { key: string(), value: json<Total>() })
 * ```
 */
export function json<T>(options?: JsonOptions): Serde<T>
/**
 * Returns a serde for JSON text that is validated on reading by any Standard Schema (zod, valibot, arktype …); the type
 * is the schema's output. A schema may transform the data, since it is applied only on reading from source topics:
 * stores and internal topics hold its output as plain JSON. Writing does not validate.
 *
 * @throws MR_SCHEMA for data the schema refuses, naming the paths; MR_SCHEMA_ASYNC for a schema that returns a promise;
 * otherwise as `json()` without a schema
 * @example
 * ```ts
 * const Payment = z.object({ from: z.string(), to: z.string(), cents: z.int() })
 * const payments = topic('payments', { key: string(), value: json(Payment) })
 * ```
 */
export function json<S extends StandardSchemaV1>(
  schema: S,
  options?: JsonOptions,
): Serde<StandardSchemaV1.InferOutput<S>>
export function json(first?: StandardSchemaV1 | JsonOptions, second?: JsonOptions): Serde<unknown> {
  const schema = isSchema(first) ? first : undefined
  const { integers } = readOptions(JSON_OPTIONS, schema === undefined ? first : second, 'json()')
  const plain = formats[integers]
  return schema === undefined ? plain : withSchema(schema, plain)
}

/** The serdes of the whole program, one for each way to read integers: merged streams compare their serdes. */
const formats = {
  refuse: plainJson('refuse'),
  string: plainJson('string'),
  round: plainJson('round'),
  bigint: bigintJson(),
}

function plainJson(integers: JsonIntegers): Serde<unknown> {
  const serde = serdeOf((text) => parseJson(text, integers), undefined)
  return returningPlainValues({
    ...serde,
    // One function less between the bytes and the value than in `serdeOf`: every record of a topic passes here.
    read: (buffer, start, end) => parseJson(buffer.toString('utf8', start, end), integers),
  })
}

function bigintJson(): Serde<unknown> {
  const read = (text: string): unknown => parseJson(text, 'bigint')
  return {
    ...serdeOf(read, { read, write: exactJson, keeps: isReadAsBigint }),
    internal: serdeOf(parseInternalJson, { read: parseInternalJson, write: internalJson, keeps: () => true }),
  }
}

function serdeOf(parse: (text: string) => unknown, bigints: BigintForm | undefined): Serde<unknown> {
  const copy = (value: unknown): unknown => copyOfJson(value, bigints)
  return {
    name: 'json',
    serialize: (value) => Buffer.from(jsonText(value, bigints), 'utf8'),
    deserialize: (bytes) => parse(asBuffer(bytes).toString('utf8')),
    read: (buffer, start, end) => parse(buffer.toString('utf8', start, end)),
    write(value, buffer, offset) {
      const text = jsonText(value, bigints)
      const room = buffer.length - offset
      // `Buffer.write` truncates silently, so it may only be called when everything fits.
      if (text.length * 3 > room && Buffer.byteLength(text, 'utf8') > room) return -1
      return offset + buffer.write(text, offset, 'utf8')
    },
    copy,
    clone: (value) => cloneOfPlainJson(value, copy),
  }
}

function withSchema(schema: StandardSchemaV1, plain: Serde<unknown>): Serde<unknown> {
  const standard = schema['~standard']
  return {
    ...plain,
    deserialize: (bytes) => validate(standard, plain.deserialize(bytes)),
    read: (buffer, start, end) => validate(standard, readInner(plain, buffer, start, end)),
    internal: plain.internal ?? plain,
  }
}

function isSchema(given: unknown): given is StandardSchemaV1 {
  return (typeof given === 'object' || typeof given === 'function') && given !== null && '~standard' in given
}

function validate(standard: StandardSchemaV1.Props, value: unknown): unknown {
  const result = standard.validate(value)
  if (result instanceof Promise) {
    // Nobody awaits the promise: its rejection must not end the process.
    result.catch(() => undefined)
    throw new MillraceError('MR_SCHEMA_ASYNC', `json: the ${standard.vendor} schema validates asynchronously`, {
      hint:
        'Keep to synchronous checks in the schema: records are read synchronously. ' +
        'Make the other checks before the records are written.',
    })
  }
  if (result.issues === undefined) return result.value
  const { issues } = result
  const textOf = (said: (issue: StandardSchemaV1.Issue) => string): string => {
    const shown = issues.slice(0, 5).map((issue) => `${pathOf(issue)}: ${said(issue)}`)
    const more = issues.length > 5 ? `; and ${issues.length - 5} more` : ''
    return `json: the data does not fit the schema: ${shown.join('; ')}${more}`
  }
  const hidden = textOf((issue) => (repeatsValue(issue, value) ? 'it does not fit' : issue.message))
  const error = new MillraceError('MR_SCHEMA', hidden, {
    hint: 'Correct the producer or the schema, or choose what to do with such records by onDeserializationError.',
  })
  throw hidingValues(
    error,
    textOf(({ message }) => message),
  )
}

/** Some libraries say what they got instead. */
function repeatsValue(issue: StandardSchemaV1.Issue, data: unknown): boolean {
  let value = data
  for (const segment of issue.path ?? []) {
    if (typeof value !== 'object' || value === null) return false
    value = Reflect.get(value, typeof segment === 'object' ? segment.key : segment)
  }
  return (typeof value === 'string' || typeof value === 'number') && issue.message.includes(String(value))
}

function pathOf(issue: StandardSchemaV1.Issue): string {
  let text = '$'
  for (const segment of issue.path ?? []) {
    const key = typeof segment === 'object' ? segment.key : segment
    text += typeof key === 'number' ? `[${key}]` : `.${String(key)}`
  }
  return text
}

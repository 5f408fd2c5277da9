import type { StandardSchemaV1 } from '@standard-schema/spec'
import { MillraceError } from '../errors/millrace-error.ts'
import { asBuffer } from './byte-view.ts'
import { oneOf, readOptions, type TableOf } from '../options/options.ts'
import { readInner } from './call-serde.ts'
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

/** How `json()` reads and writes. */
export interface JsonOptions {
  /**
   * What to make of an integer from 2^53 on whose digits a `number` does not keep (2^53 and 10^18 it does), and of any other number as
   * large:
   *
   * - `'refuse'`: the record cannot be read; MR_DESERIALIZE has the path, and `onDeserializationError` decides;
   * - `'bigint'`: a bigint. Other integers are numbers: `BigInt(value)` takes both. Bigints are written with all their digits, and come
   *   back from stores and internal topics as bigints, whatever their size;
   * - `'string'`: its text, which is written as a text;
   * - `'round'`: the nearest number, as `JSON.parse` gives it.
   *
   * @default 'refuse'
   */
  readonly integers?: JsonIntegers
}

/** The options of `json`. */
export const JSON_OPTIONS = {
  integers: oneOf(INTEGERS, {
    default: 'refuse',
    description: 'what to make of integers from 2^53 on whose digits a `number` does not keep',
    alsoCalled: ['bigint', 'bigints', 'bigInt', 'numbers'],
  }),
} satisfies TableOf<JsonOptions>

/**
 * JSON text, trusted: `T` says what the data is and nothing checks it.
 *
 * A topic takes what can be written: objects with a `toJSON`, such as a `Date`, as it says, and no field for one that is undefined. What
 * JSON would lose (NaN, a Map or Set, undefined in an array, a function) is an error with its path. A store takes only what comes back as
 * it is: no `Date`, class instance or bigint either.
 *
 * JSON has integers that a `number` does not hold: 9007199254740993 would be read as 9007199254740992. They are refused; the option
 * `integers` says what else to make of them.
 *
 * @throws `SyntaxError` for bytes that are not JSON; MR_NUMBER_RANGE for an integer that is refused; MR_SERDE_ROUND_TRIP for a value of
 * which something would be lost; `TypeError` for values without JSON (undefined, functions, bigint, circular objects); MR_CONFIG for
 * options that do not exist
 * @example
 * ```ts
 * type Total = { count: number; cents: number }
 * const totals = topic('totals', { key: string(), value: json<Total>() })
 * ```
 */
export function json<T>(options?: JsonOptions): Serde<T>
/**
 * JSON text, validated on reading by any Standard Schema (zod, valibot, arktype …); the type is the schema's output. A schema
 * may transform, as it does on reading from source topics only: stores and internal topics hold its output as plain JSON.
 * Writing does not validate.
 *
 * @throws MR_SCHEMA for data the schema refuses, naming the paths; MR_SCHEMA_ASYNC for a schema that answers a promise;
 * else as `json()` without a schema
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

/** Of the whole program there is one for each way with integers: merged streams ask whether their serdes are the same. */
const formats = {
  refuse: plainJson('refuse'),
  string: plainJson('string'),
  round: plainJson('round'),
  bigint: bigintJson(),
}

function plainJson(integers: JsonIntegers): Serde<unknown> {
  return serdeOf((text) => parseJson(text, integers), undefined)
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
      // `Buffer.write` truncates without a word, so that it may only be asked when everything fits.
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
    // Nobody will await it: a rejection must not end the process.
    result.catch(() => undefined)
    throw new MillraceError('MR_SCHEMA_ASYNC', `json: the ${standard.vendor} schema validates asynchronously`, {
      hint: 'records are read synchronously; keep to synchronous checks in the schema, and do the others in an async step',
    })
  }
  if (result.issues === undefined) return result.value
  const issues = result.issues.map((issue) => `${pathOf(issue)}: ${issue.message}`)
  const shown = issues.slice(0, 5).join('; ') + (issues.length > 5 ? `; and ${issues.length - 5} more` : '')
  throw new MillraceError('MR_SCHEMA', `json: the data does not fit the schema: ${shown}`, {
    hint: 'correct the producer or the schema, or choose what to do with such records by onDeserializationError',
  })
}

function pathOf(issue: StandardSchemaV1.Issue): string {
  let text = '$'
  for (const segment of issue.path ?? []) {
    const key = typeof segment === 'object' ? segment.key : segment
    text += typeof key === 'number' ? `[${key}]` : `.${String(key)}`
  }
  return text
}

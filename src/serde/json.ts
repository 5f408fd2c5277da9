import type { StandardSchemaV1 } from '@standard-schema/spec'
import { MillraceError } from '../errors.ts'
import { asBuffer } from './byte-view.ts'
import { jsonText, survivesJson } from './json-text.ts'
import type { Serde } from './serde.ts'

/**
 * JSON text, trusted: `T` says what the data is and nothing checks it.
 *
 * A topic takes what can be written: objects with a `toJSON`, such as a `Date`, as it says, and no field for one that is undefined. What
 * JSON would lose (NaN, a Map or Set, undefined in an array, a function) is an error with its path. A store takes only what comes back as
 * it is: no `Date`, class instance or bigint either.
 *
 * @throws `SyntaxError` for bytes that are not JSON; MR_SERDE_ROUND_TRIP for a value of which something would be lost;
 * `TypeError` for values without JSON (undefined, functions, bigint, circular objects)
 * @example
 * ```ts
 * type Total = { count: number; cents: number }
 * const totals = topic('totals', { key: string(), value: json<Total>() })
 * ```
 */
export function json<T>(): Serde<T>
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
export function json<S extends StandardSchemaV1>(schema: S): Serde<StandardSchemaV1.InferOutput<S>>
export function json(schema?: StandardSchemaV1): Serde<unknown> {
  return schema === undefined ? plainJson : withSchema(schema)
}

const plainJson: Serde<unknown> = {
  name: 'json',
  serialize: (value) => Buffer.from(jsonText(value), 'utf8'),
  deserialize: (bytes) => parse(asBuffer(bytes), 0, bytes.length),
  read: parse,
  write: writeJson,
  survives: survivesJson,
}

function withSchema(schema: StandardSchemaV1): Serde<unknown> {
  const standard = schema['~standard']
  return {
    name: 'json',
    serialize: plainJson.serialize,
    deserialize: (bytes) => validate(standard, parse(asBuffer(bytes), 0, bytes.length)),
    read: (buffer, start, end) => validate(standard, parse(buffer, start, end)),
    write: writeJson,
    internal: plainJson,
  }
}

function parse(buffer: Buffer, start: number, end: number): unknown {
  const value: unknown = JSON.parse(buffer.toString('utf8', start, end))
  return value
}

function writeJson(value: unknown, buffer: Buffer, offset: number): number {
  const text = jsonText(value)
  const room = buffer.length - offset
  // `Buffer.write` truncates without a word, so that it may only be asked when everything fits.
  if (text.length * 3 > room && Buffer.byteLength(text, 'utf8') > room) return -1
  return offset + buffer.write(text, offset, 'utf8')
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

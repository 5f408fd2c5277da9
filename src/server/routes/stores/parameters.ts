import { z } from '@hono/zod-openapi'
import { readOptions } from '../../../options/options.ts'
import { QUERY } from '../../../query/query-options.ts'
import type { CheckedQuery } from '../../../query/store-queries.ts'
import { PAGED } from '../../http/list.ts'
import { flag, timeout } from '../../http/parameters.ts'
import { badRequest } from '../../http/problem.ts'
import type { Parameters } from '../../http/route.ts'

/* Parameters of queries. Each is text in the URL; the document says what it means. */

const wholeNumber = z
  .string()
  .regex(/^\d{1,9}$/, 'a whole number, not negative, of 9 digits at most')
  .transform(Number)
  .openapi({ type: 'integer', minimum: 0, maximum: 999_999_999 })

const DATE = String.raw`\d{4}-(?:0\d|1[0-2])-[0-3]\d`
const TIME_OF_DAY = String.raw`T[0-2]\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-][0-2]\d:[0-5]\d)`

const time = z
  .string()
  .regex(
    new RegExp(String.raw`^(?:-?\d{1,15}|${DATE}(?:${TIME_OF_DAY})?)$`),
    'ms since the epoch, or a date as in 2030-01-31 or 2030-01-31T12:00:00Z',
  )
  .transform((text, context) => {
    const ms = /^-?\d+$/.test(text) ? Number(text) : Date.parse(text)
    if (Number.isNaN(ms)) context.addIssue({ code: 'custom', message: 'there is no such date' })
    return ms
  })

const Position = z.record(z.string(), z.record(z.string().regex(/^\d{1,10}$/), z.number().int().nonnegative()))

const position = z.string().transform((text, context) => {
  const read = readPosition(text)
  if (read !== undefined) return read
  context.addIssue({ code: 'custom', message: 'give what the header Millrace-Position had' })
  return z.NEVER
})

/** Returns a position that was written as base64url of JSON; undefined: it is none. */
export function readPosition(text: string): z.output<typeof Position> | undefined {
  try {
    return Position.parse(JSON.parse(Buffer.from(text, 'base64url').toString()))
  } catch {
    return undefined
  }
}

/** Parameters of every query. */
export const QUERIED = {
  consistency: z
    .enum(['committed', 'latest'])
    .optional()
    .describe('what the last commit left, or what has changed since, too; by default as the guarantee of the app'),
  role: z.enum(['active', 'any']).optional().describe('any: a standby may answer, too'),
  maxLag: wholeNumber.optional().describe('offsets that a standby may be behind; 0 by default'),
  at: position.optional().describe('what the answer must have in it: Millrace-Position of an earlier answer'),
  partition: wholeNumber.optional().describe('the partition that is asked; by default that of the key, or all'),
  timeout,
}

const KEY_FORM = {
  keyAs: z
    .enum(['text', 'json', 'base64', 'hex'])
    .optional()
    .describe(
      'the form of keys: text (the default where keys are strings or UUIDs), JSON (the default elsewhere), or their ' +
        'serialized bytes',
    ),
}

/** Parameters of queries about keys. */
export const KEYED = { ...QUERIED, ...KEY_FORM }

/** Parameters of lists. */
export const LISTED = {
  reverse: flag.optional().describe('descending order'),
  ...PAGED,
}

export const TIMES = {
  from: time.optional().describe('ms since the epoch, or a date (ISO 8601); included'),
  to: time.optional().describe('ms since the epoch, or a date (ISO 8601); included'),
}

export const AS_OF = { asOf: time.optional().describe('the version that was valid then: ms, or a date (ISO 8601)') }

/** The parameter of a list that may be about one key. */
export const ONE = {
  key: z.string().optional().describe('one key: the answer is that of the path with the key; for those with / or %'),
}

export const STORE = { store: z.string().describe('the name of a store: GET /v1/stores has all') }

export const STORE_AND_KEY = {
  ...STORE,
  key: z.string().describe('in the form of `keyAs`; keys with / or %, `.`, `..` and empty ones by ?key='),
}

/** What a request gave, checked. */
export type ValuesOf<Table extends Parameters> = { readonly [Name in keyof Table]: z.output<Table[Name]> }

export type KeyedQuery = ValuesOf<typeof KEYED>
export type TimesQuery = KeyedQuery & ValuesOf<typeof LISTED> & ValuesOf<typeof TIMES>

/** Refuses parameters that have no meaning beside another one. @throws MR_SERVER_REQUEST */
export function refuseBeside(query: object, names: readonly string[], other: string): void {
  const given = names.find((name) => Reflect.get(query, name) !== undefined)
  if (given !== undefined) throw badRequest(`the parameters ${given} and ${other} do not go together`, 'Give one.')
}

/** Returns the options of a query. */
export function queryOf(given: Partial<ValuesOf<typeof QUERIED>>, signal?: AbortSignal): CheckedQuery {
  const { consistency, role, maxLag, at, partition, timeout } = given
  return readOptions(QUERY, { consistency, role, maxLag, at, partition, timeout, signal }, 'the query')
}

import { STATUS_CODES } from 'node:http'
import { z } from '@hono/zod-openapi'
import type { Logger } from '../../application/application.ts'
import { isMillraceError, MillraceError } from '../../errors/millrace-error.ts'

/** The statuses of the errors that a client sees. Any other error is logged, and the client sees MR_SERVER_FAILED. */
const STATUS: Readonly<Record<string, number>> = {
  MR_SERVER_REQUEST: 400,
  MR_SERVER_UNAUTHORIZED: 401,
  MR_SERVER_HOST: 403,
  MR_SERVER_OPEN: 403,
  MR_SERVER_ORIGIN: 403,
  MR_SERVER_ROLE: 403,
  MR_SERVER_ROUTE: 404,
  MR_SERVER_METHOD: 405,
  MR_SERVER_SLOW: 408,
  MR_SERVER_TOPIC: 403,
  MR_SERVER_BODY: 413,
  MR_SERVER_MEDIA_TYPE: 415,
  MR_OFFSET_OUT_OF_RANGE: 416,
  MR_SERVER_EXPECT: 417,
  MR_SERVER_RECORD: 422,
  MR_SERVER_HEADERS: 431,
  MR_SERVER_FAILED: 500,
  MR_CLOSED: 503,
  MR_DEAD_LETTER_PATCH: 400,
  MR_DEAD_LETTER_UNKNOWN: 404,
  MR_TOPIC_INVALID: 400,
  MR_TOPIC_UNKNOWN: 404,
  MR_PARTITION_UNKNOWN: 404,
  MR_DEAD_LETTER_REPLAYED: 409,
  MR_FENCED: 409,
  MR_DEAD_LETTER_INVALID: 422,
  MR_DEAD_LETTER_ORIGIN: 422,
  MR_PRODUCE: 422,
  MR_COMMIT: 503,
  MR_LOG_FAILED: 503,
  MR_LOG_UNREACHABLE: 503,
  MR_QUERY_KEY: 400,
  MR_QUERY_KEY_ABSENT: 404,
  MR_QUERY_PARTITION: 404,
  MR_STORE_UNKNOWN: 404,
  MR_QUERY_KIND: 409,
  MR_QUERY_BEHIND: 412,
  MR_QUERY_STALE: 412,
  MR_QUERY_POSITION: 422,
  MR_QUERY_LIMIT: 429,
  MR_STATE_DESERIALIZE: 500,
  MR_STORE_MIGRATE: 500,
  MR_QUERY_PEER: 502,
  MR_QUERY_PEER_AUTH: 502,
  MR_QUERY_COMMITTING: 503,
  MR_QUERY_MOVED: 503,
  MR_QUERY_NOT_OWNER: 503,
  MR_QUERY_PEER_VERSION: 503,
  MR_QUERY_REBALANCING: 503,
  MR_QUERY_RESTORING: 503,
  MR_QUERY_SLOW_READER: 503,
  MR_STATE_CLOSED: 503,
  MR_STORE_VERSION: 503,
  MR_QUERY_TIMEOUT: 504,
}

/** An error as HTTP shows it (RFC 9457), with the parts of a `MillraceError`. */
export const Problem = z
  .object({
    title: z.string().describe('what the status means'),
    status: z.number().int().describe('the status of the response'),
    code: z.string().describe('a stable name for programs'),
    detail: z.string().describe('what is wrong'),
    hint: z.string().optional().describe('what to do'),
    node: z.string().optional(),
    task: z.string().optional(),
    store: z.string().optional(),
    topic: z.string().optional(),
    partition: z.number().int().optional(),
    offset: z.number().int().optional(),
  })
  .openapi('Problem')

export const PROBLEM_TYPE = 'application/problem+json'

/** A problem before it is a response. */
export interface ShownProblem {
  readonly status: number
  readonly text: string
}

/** Returns what a client is shown of an error that a client may see. */
export function shownProblem(error: MillraceError): ShownProblem {
  const problem = problemData(error)
  return { status: problem.status, text: `${JSON.stringify(problem)}\n` }
}

/** Returns what a client is shown of any thrown value, for a part of a response. */
export function problemPart(thrown: unknown, logger: Logger): z.input<typeof Problem> {
  return problemData(visible(thrown, logger))
}

/** Makes the response that a problem is. It may say more than others. */
export function problemResponse(problem: z.input<typeof Problem>): Response {
  const { status } = problem
  const headers = new Headers({ 'content-type': PROBLEM_TYPE })
  // What another try may change: a task that moves, too many scans.
  if (status === 429 || status === 503) headers.set('retry-after', '1')
  if (status === 401) headers.set('www-authenticate', 'Bearer realm="millrace"')
  return new Response(`${JSON.stringify(problem)}\n`, { status, headers })
}

function problemData(error: MillraceError): z.input<typeof Problem> {
  const { code, message, hint, node, task, store, topic, partition, offset } = error
  const status = STATUS[code] ?? 500
  const title = STATUS_CODES[status] ?? 'Error'
  return { title, status, code, detail: message, hint, node, task, store, topic, partition, offset }
}

/** Makes the response to any thrown value. Nothing of an error that is not meant for clients is shown to them. */
export function problemOf(thrown: unknown, logger: Logger): Response {
  return problemResponse(problemPart(thrown, logger))
}

function visible(thrown: unknown, logger: Logger): MillraceError {
  if (isMillraceError(thrown) && STATUS[thrown.code] !== undefined) return thrown
  logger.error({ code: 'MR_SERVER_FAILED', err: thrown }, 'a request failed')
  return new MillraceError('MR_SERVER_FAILED', 'the request failed', { hint: 'See the log of the application.' })
}

export function badRequest(message: string, hint = 'See GET /openapi.json for what may be given.'): MillraceError {
  return new MillraceError('MR_SERVER_REQUEST', message, { hint })
}

/** @param types those that the body may have */
export function wrongMediaType(types: readonly string[]): MillraceError {
  const [only = ''] = types
  const isJson = types.length === 1 && only === 'application/json'
  return new MillraceError(
    'MR_SERVER_MEDIA_TYPE',
    isJson ? 'the body is not said to be JSON' : 'the body is not said to be of a type that the route takes',
    { hint: `Send the header Content-Type: ${types.join(', or ')}.` },
  )
}

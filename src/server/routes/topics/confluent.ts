import { z } from '@hono/zod-openapi'
import type { Logger } from '../../../application/application.ts'
import { MillraceError } from '../../../errors/millrace-error.ts'
import { problemPart, problemResponse } from '../../http/problem.ts'
import type { Failures } from '../../http/route.ts'

/* What the routes in the shapes of Confluent's REST Proxy share. */

/** Error codes of the REST Proxy. Any other error has its status. */
const CODES: Readonly<Record<string, number>> = {
  MR_SERVER_UNAUTHORIZED: 40101,
  MR_SERVER_HOST: 40301,
  MR_SERVER_OPEN: 40301,
  MR_SERVER_ORIGIN: 40301,
  MR_SERVER_ROLE: 40301,
  MR_SERVER_TOPIC: 40301,
  MR_TOPIC_UNKNOWN: 40401,
  MR_PARTITION_UNKNOWN: 40402,
  MR_SERVER_RECORD: 42207,
  MR_PRODUCE: 50002,
  MR_LOG_FAILED: 50003,
  MR_LOG_UNREACHABLE: 50003,
}

/** Requests of schemas that no registry has: keys and values without one. */
export const KEY_SCHEMA_MISSING = 42201
export const VALUE_SCHEMA_MISSING = 42202

const ConfluentError = z
  .object({ error_code: z.number().int().describe('the status, or the status and two digits'), message: z.string() })
  .openapi('ConfluentError')

/** Shows errors as the REST Proxy does. @param type of the body */
export function confluentFailures(type: string, logger: Logger): Failures {
  return {
    answer: { description: 'what is wrong', content: { [type]: ConfluentError } },
    respond(thrown) {
      const problem = problemPart(thrown, logger)
      // An instance of the REST Proxy is not asked again for what it cannot write: the client sees that at each record.
      const { headers, status } = problemResponse(problem)
      headers.set('content-type', type)
      const { code, detail, hint } = problem
      const message = hint === undefined ? detail : `${detail}. ${hint}`
      return new Response(JSON.stringify({ error_code: codeOf(thrown, code, status), message }), { status, headers })
    },
  }
}

/** Returns the error code of a record that was not written. */
export function recordCodeOf({ code }: MillraceError): number {
  return CODES[code] ?? 50002
}

/** An error with a code of the REST Proxy. */
export class ConfluentCode extends MillraceError {
  readonly errorCode: number

  constructor(errorCode: number, message: string, hint: string) {
    super('MR_SERVER_RECORD', message, { hint })
    this.errorCode = errorCode
  }
}

function codeOf(thrown: unknown, code: string, status: number): number {
  return thrown instanceof ConfluentCode ? thrown.errorCode : (CODES[code] ?? status)
}

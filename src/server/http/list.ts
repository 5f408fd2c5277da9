import { setImmediate } from 'node:timers/promises'
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { accepts } from 'hono/accepts'
import type { Logger } from '../../application/application.ts'
import { JSON_TYPE, NDJSON_TYPE } from './media-types.ts'
import { Problem, problemPart } from './problem.ts'
import type { Reply } from './reply.ts'
import { respond, type Answer } from './route.ts'

/** Rows of a page, if the request does not say. */
const PAGE_ROWS = 100
const MOST_ROWS = 10_000
/** Stored bytes of a page of JSON: values may be large. */
const PAGE_BYTES = 1024 * 1024
/** Characters of NDJSON that are made at a time. */
const CHUNK = 32 * 1024

/** Rows after which other work of the thread has its turn. */
const ROWS_A_TURN = 256

/** Parameters of lists that come page by page. */
export const PAGED = {
  limit: z
    .string()
    .regex(/^(?:[1-9]\d{0,3}|10000)$/, `from 1 to ${MOST_ROWS}`)
    .transform(Number)
    .optional()
    .openapi({ type: 'integer', minimum: 1, maximum: MOST_ROWS })
    .describe(`the greatest number of rows; ${PAGE_ROWS} by default, for NDJSON all`),
  cursor: z.string().optional().describe('`next` of the page before; the other parameters are given again'),
}

const next = z.string().nullable().describe('the cursor of the next page; null: there is none')

const Page = z.looseObject({ rows: z.array(z.unknown()), next })

/** What the last line of a list has. */
const END = {
  end: z.boolean().describe('true: these are all rows; false: the problem ended the list'),
  rows: z.number().int().nonnegative(),
  next: next.optional(),
  problem: Problem.optional(),
}

/**
 * Returns the schema of the last line of a list.
 *
 * @param about what lists say of themselves besides
 */
export function endOfList(about: z.ZodRawShape): z.ZodObject {
  return z.object({ ...END, ...about }).describe('the last line; without it the response was cut')
}

/** What lists of one kind are, for the document. */
export interface ListSchemas {
  readonly row: z.ZodType
  readonly end: z.ZodType
  /** What pages say of themselves besides. */
  readonly about: z.ZodRawShape
}

/** Returns what a route that lists rows answers. @param one what it answers where one key is asked for */
export function answerOfList({ row, end, about }: ListSchemas, one?: z.ZodType): Answer {
  const page = z.object({ rows: z.array(row), next, ...about })
  return {
    description: `a page of rows; with Accept: ${NDJSON_TYPE} all rows, each on a line, and a last line that says so`,
    content: { [JSON_TYPE]: one === undefined ? page : z.union([page, one]), [NDJSON_TYPE]: z.union([row, end]) },
  }
}

/** A list that can end anywhere, and go on there with another request. */
export interface List<Row> {
  rows(): AsyncGenerator<Row, void>
  /** Returns a row for JSON. */
  show(row: Row): object
  /** Returns the bytes of a row where it is stored. */
  sizeOf(row: Row): number
  /** Returns the cursor by which the list goes on behind `last`, with the row `following`. */
  cursor(last: Row, following: Row): string
  /** Returns what the response says of the rows that were shown. */
  about(): object
  readonly limit: number | undefined
  /** Ends the rows. */
  readonly abort: AbortController
  readonly logger: Logger
}

/** Responds with a page of rows, or with all of them line by line, as the client accepts. */
export function listResponse<Row>(context: Context, list: List<Row>): Promise<Reply | Response> {
  const type = accepts(context, {
    header: 'Accept',
    supports: [JSON_TYPE, NDJSON_TYPE],
    default: JSON_TYPE,
  })
  return type === NDJSON_TYPE ? streamed(context, list) : page(list)
}

async function page<Row>(list: List<Row>): Promise<Reply> {
  const { limit = PAGE_ROWS } = list
  const rows: object[] = []
  let bytes = 0
  let last: Row | undefined
  for await (const row of list.rows()) {
    if (last !== undefined && (rows.length === limit || bytes >= PAGE_BYTES)) {
      return respond(Page, { rows, next: list.cursor(last, row), ...list.about() })
    }
    rows.push(list.show(row))
    bytes += list.sizeOf(row)
    last = row
    if (rows.length % ROWS_A_TURN === 0) await setImmediate()
  }
  return respond(Page, { rows, next: null, ...list.about() })
}

/** What goes wrong before the first chunk is a problem with a status, as elsewhere. */
async function streamed<Row>(context: Context, list: List<Row>): Promise<Response> {
  const { abort, logger } = list
  const lines = new Lines(list)
  const chunks = lines.chunks()
  const end = async (): Promise<void> => {
    // Rows may be waited for.
    abort.abort()
    await chunks.return(undefined)
  }
  let first: IteratorResult<string, void> | undefined = await chunks.next()
  if (context.req.raw.method === 'HEAD') await end()
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = first ?? (await chunks.next())
        first = undefined
        if (done === true) controller.close()
        else controller.enqueue(encoder.encode(value))
      } catch (error) {
        if (abort.signal.aborted) return
        controller.enqueue(encoder.encode(lines.failed(problemPart(error, logger))))
        controller.close()
      }
    },
    cancel: end,
  })
  return new Response(body, { headers: { 'content-type': NDJSON_TYPE } })
}

/** Rows as lines of JSON. */
class Lines<Row> {
  readonly #list: List<Row>
  #rows = 0

  constructor(list: List<Row>) {
    this.#list = list
  }

  /** All lines, some of them at a time. */
  async *chunks(): AsyncGenerator<string, void> {
    const list = this.#list
    const { limit = Infinity } = list
    let text = ''
    let isFirst = true
    let last: Row | undefined
    try {
      for await (const row of list.rows()) {
        if (this.#rows === limit && last !== undefined) {
          yield text + this.#end(list.cursor(last, row))
          return
        }
        text += lineOf(list.show(row))
        this.#rows++
        last = row
        if (this.#rows % ROWS_A_TURN === 0) await setImmediate()
        if (text.length < CHUNK) continue
        yield text
        isFirst = false
        text = ''
      }
    } catch (error) {
      if (!isFirst) yield text
      throw error
    }
    yield text + this.#end(null)
  }

  #end(next: string | null): string {
    return lineOf({ end: true, rows: this.#rows, ...this.#list.about(), next })
  }

  /** Returns the last line of a list that a problem ended. */
  failed(problem: z.input<typeof Problem>): string {
    return lineOf({ end: false, rows: this.#rows, ...this.#list.about(), problem })
  }
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`
}

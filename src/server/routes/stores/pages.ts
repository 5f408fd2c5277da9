import { setImmediate } from 'node:timers/promises'
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { accepts } from 'hono/accepts'
import type { Logger } from '../../../application/application.ts'
import type { FoundRow } from '../../../query/store-queries.ts'
import { Problem, problemPart } from '../../http/problem.ts'
import { respond, type Answer } from '../../http/route.ts'
import type { Listing } from './listing.ts'
import { PAGE_ROWS } from './parameters.ts'
import { SeenSources, Sources } from './rows.ts'

const NDJSON = 'application/x-ndjson'
/** Stored bytes of a page of JSON: values may be large. */
const PAGE_BYTES = 1024 * 1024
/** Characters of NDJSON that are made at a time. */
const CHUNK = 32 * 1024

/** Rows after which other work of the thread has its turn. */
const ROWS_A_TURN = 256

const next = z.string().nullable().describe('the cursor of the next page; null: there is none')

const End = z
  .object({
    end: z.boolean().describe('true: these are all rows; false: the problem ended the list'),
    rows: z.number().int().nonnegative(),
    partitions: Sources,
    next: next.optional(),
    problem: Problem.optional(),
  })
  .describe('the last line; without it the response was cut')
  .openapi('End')

/** Returns what a route that lists rows answers. @param one what it answers where one key is asked for */
export function listAnswer(row: z.ZodType, one?: z.ZodType): Answer {
  const page = pageOf(row)
  return {
    description: `a page of rows; with Accept: ${NDJSON} all rows, each on a line, and a last line that says so`,
    content: { 'application/json': one === undefined ? page : z.union([page, one]), [NDJSON]: z.union([row, End]) },
  }
}

function pageOf<Row extends z.ZodType>(row: Row) {
  return z.object({ rows: z.array(row), next, partitions: Sources })
}

const AnyPage = pageOf(z.unknown())

/** What is listed, and how a row is shown. */
export interface Shown {
  readonly listing: Listing
  readonly show: (row: FoundRow) => object
  readonly limit: number | undefined
  /** Ends the scan. */
  readonly abort: AbortController
  readonly logger: Logger
}

/** Responds with a page of rows, or with all of them line by line, as the client accepts. */
export function listed(context: Context, shown: Shown): Promise<Response> {
  const type = accepts(context, {
    header: 'Accept',
    supports: ['application/json', NDJSON],
    default: 'application/json',
  })
  return type === NDJSON ? streamed(context, shown) : page(shown)
}

async function page({ listing, show, limit = PAGE_ROWS }: Shown): Promise<Response> {
  const rows: object[] = []
  const sources = new SeenSources()
  let bytes = 0
  let last: FoundRow | undefined
  for await (const found of inTurns(listing.rows())) {
    if (last !== undefined && (rows.length === limit || bytes >= PAGE_BYTES)) {
      return respond(AnyPage, { rows, next: listing.behind(last), partitions: sources.show() })
    }
    sources.see(found)
    rows.push(show(found))
    bytes += found.row.key.length + found.row.value.length
    last = found
  }
  return respond(AnyPage, { rows, next: null, partitions: sources.show() })
}

/** What goes wrong before the first chunk is a problem with a status, as elsewhere. */
async function streamed(context: Context, shown: Shown): Promise<Response> {
  const { abort, logger } = shown
  const lines = new Lines(shown)
  const chunks = lines.chunks()
  const end = async (): Promise<void> => {
    // The scan may be waiting for rows.
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
  return new Response(body, { headers: { 'content-type': NDJSON } })
}

async function* inTurns(rows: AsyncIterable<FoundRow>): AsyncGenerator<FoundRow> {
  let left = ROWS_A_TURN
  for await (const row of rows) {
    yield row
    left--
    if (left > 0) continue
    await setImmediate()
    left = ROWS_A_TURN
  }
}

/** Rows as lines of JSON. */
class Lines {
  readonly #shown: Shown
  readonly #sources = new SeenSources()
  #rows = 0

  constructor(shown: Shown) {
    this.#shown = shown
  }

  /** All lines, some of them at a time. */
  async *chunks(): AsyncGenerator<string, void> {
    const { listing, show, limit = Infinity } = this.#shown
    let text = ''
    let isFirst = true
    let last: FoundRow | undefined
    try {
      for await (const found of inTurns(listing.rows())) {
        if (this.#rows === limit && last !== undefined) {
          yield text + this.#end(listing.behind(last))
          return
        }
        text += lineOf(show(found))
        this.#sources.see(found)
        this.#rows++
        last = found
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
    return lineOf({ end: true, rows: this.#rows, partitions: this.#sources.show(), next })
  }

  /** Returns the last line of a list that a problem ended. */
  failed(problem: z.input<typeof Problem>): string {
    return lineOf({ end: false, rows: this.#rows, partitions: this.#sources.show(), problem })
  }
}

function lineOf(value: z.input<typeof End> | object): string {
  return `${JSON.stringify(value)}\n`
}

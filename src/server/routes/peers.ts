import { z } from '@hono/zod-openapi'
import type { Opened } from '../../query/ask.ts'
import { encodeFailure, encodePage, PEER_PATH, PEER_TYPE } from '../../query/remote/wire.ts'
import type { RowRequest } from '../../query/row-request.ts'
import { problemPart } from '../http/problem.ts'
import { Reply } from '../http/reply.ts'
import { route, type Family } from '../http/route.ts'

const bytes = z.base64().transform((text) => Buffer.from(text, 'base64'))
const time = z.number().int()
const reverse = z.boolean()

const query = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('get'), key: bytes }),
  z.strictObject({ op: z.literal('keys'), keys: z.array(bytes) }),
  z.strictObject({ op: z.literal('range'), from: bytes.optional(), to: bytes.optional(), reverse }),
  z.strictObject({ op: z.literal('prefix'), prefix: bytes, reverse }),
  z.strictObject({
    op: z.literal('windows'),
    key: bytes.optional(),
    from: time,
    to: time,
    reverse,
    after: z.strictObject({ key: bytes, start: time, end: time }).optional(),
  }),
  z.strictObject({ op: z.literal('versions'), key: bytes, from: time, to: time, reverse }),
  z.strictObject({
    op: z.literal('watch'),
    key: bytes.optional(),
    prefix: bytes.optional(),
    from: time.optional(),
    to: time.optional(),
  }),
])

const body = z.strictObject({
  application: z.string(),
  format: z.string(),
  request: z.strictObject({
    store: z.string(),
    partition: z.number().int().nonnegative(),
    query,
    consistency: z.enum(['committed', 'latest']),
    role: z.enum(['active', 'any']),
    maxLag: z.number().int().nonnegative(),
    at: z.record(z.string(), z.record(z.string(), z.number().int())).optional(),
  }),
})

/** Bytes of a request: all keys that a request to this server may have, as base64. */
const MOST_BODY = 16 * 1024 * 1024

/** What instances of one application ask each other. It is no part of the API, and not in its document. */
export const peers: Family = ({ streams, watches }) => [
  route({
    method: 'post',
    path: PEER_PATH,
    needs: 'peer',
    hidden: true,
    summary: 'Rows of this instance, for another one',
    body,
    mostBody: MOST_BODY,
    answers: { 200: { description: 'frames', content: { [PEER_TYPE]: z.unknown() } } },
    async answer({ body: { application, format, request } }) {
      const opened = await streams.peers.door.open(application, format, request as RowRequest)
      const first = encodePage(opened.page)
      const headers = { 'content-type': PEER_TYPE }
      if (opened.page.more === undefined) return new Reply(200, headers, first)
      const logger = streams.app.settings.logger
      const problemText = (error: unknown): string => JSON.stringify(problemPart(error, logger))
      if (request.query.op !== 'watch') return new Response(framesOf(opened, first, problemText), { headers })
      // The asker opens it again, wherever the task is then.
      const release = watches.beforeClose(() => opened.scans.cancel(opened.page.more as number))
      return new Response(framesOf(opened, first, problemText, release), {
        headers: { ...headers, connection: 'close' },
      })
    },
  }),
]

/** The pages of a scan, each read when the asker takes it. @param ended is called when there are no more */
function framesOf(
  { page, scans }: Opened,
  first: Buffer,
  problemText: (error: unknown) => string,
  ended = (): void => {},
): ReadableStream {
  let frame: Buffer | undefined = first
  let more = page.more
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (frame !== undefined) {
          controller.enqueue(frame)
          frame = undefined
          return
        }
        try {
          const next = await scans.next(more as number)
          more = next.more
          controller.enqueue(encodePage(next))
        } catch (error) {
          more = undefined
          controller.enqueue(encodeFailure(problemText(error)))
        }
        if (more !== undefined) return
        ended()
        controller.close()
      },
      cancel() {
        ended()
        if (more !== undefined) scans.cancel(more)
      },
    },
    { highWaterMark: 0 },
  )
}

import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { Logger } from '../../application/application.ts'
import { problemPart } from './problem.ts'

/** An event of a stream, as browsers' `EventSource` reads them. */
export interface ServerEvent {
  readonly event: string
  /** What a client that comes again sends as `Last-Event-ID`. */
  readonly id: string
  /** What JSON is made of, or JSON. */
  readonly data: object | string
}

export interface EventStreamOptions {
  readonly logger: Logger
  /** ms between two comments that show that the connection is alive. */
  readonly ping: number
  /** Called when nobody reads any more, and at the end. It must end the events. */
  readonly end: () => void
}

/**
 * Responds with events as they come, as fast as the client takes them. What goes wrong before the first one is thrown;
 * later it is the last event, `problem`.
 */
export async function eventStream(
  context: Context,
  events: AsyncGenerator<ServerEvent, void>,
  { logger, ping, end }: EventStreamOptions,
): Promise<Response> {
  const first = await events.next().catch((error: unknown) => {
    end()
    throw error
  })
  if (context.req.raw.method === 'HEAD') {
    end()
    await events.return().catch(() => {})
    return new Response(null, { headers: { 'content-type': 'text/event-stream' } })
  }
  // Proxies would hold events back to send many at once.
  context.header('X-Accel-Buffering', 'no')
  const response = streamSSE(context, async (stream) => {
    let isLeft = false
    stream.onAbort(() => {
      isLeft = true
      end()
    })
    let isWriting = false
    const timer = setInterval(() => {
      // Nothing shows more life than an event that waits to be taken.
      if (!isWriting) void stream.write(': ping\n\n')
    }, ping)
    const write = async (event: string, id: string | undefined, data: object | string): Promise<void> => {
      isWriting = true
      const text = typeof data === 'string' ? data : JSON.stringify(data)
      await stream.writeSSE({ event, ...(id === undefined ? {} : { id }), data: text })
      isWriting = false
    }
    try {
      for (let next = first; next.done !== true && !isLeft; next = await events.next()) {
        const { event, id, data } = next.value
        await write(event, id, data)
      }
    } catch (error) {
      if (!isLeft) await write('problem', undefined, problemPart(error, logger))
    } finally {
      clearInterval(timer)
      end()
      await events.return().catch(() => {})
    }
  })
  // A server that closes would wait for the next request of the connection.
  response.headers.set('connection', 'close')
  return response
}

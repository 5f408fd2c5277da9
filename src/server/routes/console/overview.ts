import { z } from '@hono/zod-openapi'
import { eventStream, type ServerEvent } from '../../http/event-stream.ts'
import { route, type Route, type Served } from '../../http/route.ts'
import type { Lookout } from './lookout.ts'

/** ms between two signs of life. An event each second is one. */
const PING = 15_000

/**
 * What all instances are and do, each second, for the console. It has the shape that the console of the same version
 * reads, and is no part of the API.
 */
export function overview({ streams, watches }: Served, lookout: Lookout): Route {
  return route({
    method: 'get',
    path: '/console/overview',
    needs: 'read',
    hidden: true,
    summary: 'What all instances are and do, as Server-Sent Events',
    answers: { 200: { description: 'an event `overview` each second', content: { 'text/event-stream': z.string() } } },
    answer({ context }) {
      const abort = watches.begin()
      return eventStream(context, eventsOf(lookout, abort.signal), {
        logger: streams.app.settings.logger,
        ping: PING,
        end: () => watches.end(abort),
      })
    },
  })
}

async function* eventsOf(lookout: Lookout, signal: AbortSignal): AsyncGenerator<ServerEvent, void> {
  for await (const overview of lookout.follow(signal)) {
    yield { event: 'overview', id: String(overview.at), data: overview }
  }
}

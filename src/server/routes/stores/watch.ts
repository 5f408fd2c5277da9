import { z } from '@hono/zod-openapi'
import type { CheckedQuery, Watched } from '../../../query/store-queries.ts'
import { timesOf } from '../../../query/times.ts'
import { addPosition, type FoundEvent } from '../../../query/watch.ts'
import { eventStream, type ServerEvent } from '../../http/event-stream.ts'
import { badRequest } from '../../http/problem.ts'
import { route, type Route, type Served } from '../../http/route.ts'
import { asked, listsOf, type Asked } from './asked.ts'
import { KEYED, queryOf, readPosition, refuseBeside, STORE, TIMES, type ValuesOf } from './parameters.ts'
import { shownPartition } from './rows.ts'

/** ms between two signs of life. */
const PING = 15_000

const WATCHED = {
  key: z.string().optional().describe('one key; without it and `prefix`, all keys'),
  prefix: z.string().optional().describe('what serialized keys begin with; text is taken as UTF-8. Not of windows'),
  ...TIMES,
}

/** The rows of a store as they change. */
export function watch(served: Served, ping = PING): Route {
  const { streams, watches } = served
  const { logger } = streams.app.settings
  return route({
    method: 'get',
    path: '/v1/stores/{store}/watch',
    needs: 'read',
    summary: 'The rows of a store that there are, and then those that change, as Server-Sent Events',
    parameters: STORE,
    query: { ...KEYED, ...WATCHED },
    answers: {
      200: {
        description:
          'events: `begin` (the rows of a partition follow), `value` (a row), `current` (these were all), ' +
          '`change` (a row that has changed, or `deleted`), `expired` (windows and sessions that end before ' +
          '`endBefore` are gone), `problem` (the last event). `id` is the position, for Last-Event-ID',
        content: { 'text/event-stream': z.string() },
      },
    },
    async answer({ path, query, context }) {
      const of = asked(served, path.store, ['entries', 'windows', 'sessions'], query.keyAs)
      const watched = watchedOf(of, query)
      const at = lastPosition(context.req.header('last-event-id'))
      const options = queryOf(at === undefined ? query : { ...query, at })
      const abort = watches.begin()
      const { signal } = abort
      const events = eventsOf(of, watched, { ...options, signal })
      return eventStream(context, events, { logger, ping, end: () => watches.end(abort) })
    },
  })
}

/** @throws MR_SERVER_REQUEST, MR_QUERY_KEY */
function watchedOf({ store, keys }: Asked, query: ValuesOf<typeof WATCHED>): Watched {
  const { key: text, prefix, from, to } = query
  const key = text === undefined ? undefined : keys.read(text)
  if (!listsOf(store).includes('entries')) {
    if (prefix === undefined) return { key, times: timesOf(from, to) }
    throw badRequest('windows and sessions are not watched by prefix', 'Give a key, or bounds of time: from and to.')
  }
  if (from !== undefined || to !== undefined)
    throw badRequest('the rows of this store have no bounds of time', 'Give a key or a prefix, or neither.')
  if (key !== undefined) refuseBeside(query, ['prefix'], 'key')
  return { key, prefix: prefix === undefined ? undefined : keys.readPrefix(prefix) }
}

/** @throws MR_SERVER_REQUEST */
function lastPosition(id: string | undefined): CheckedQuery['at'] {
  if (id === undefined || id === '') return undefined
  const position = readPosition(id)
  if (position !== undefined) return position
  throw badRequest('the header Last-Event-ID is no position', 'Send the id of an event of this route, or none.')
}

async function* eventsOf(
  { store, keys, rows }: Asked,
  watched: Watched,
  options: CheckedQuery,
): AsyncGenerator<ServerEvent, void> {
  let position = options.at ?? {}
  for await (const found of store.watch(watched, options)) {
    const { event, source } = found
    position = addPosition(position, source.position)
    const id = Buffer.from(JSON.stringify(position)).toString('base64url')
    yield { event: event.kind, id, data: dataOf(found) }
  }

  function dataOf({ event, source }: FoundEvent): object {
    const partition = shownPartition(source)
    if (event.kind === 'begin' || event.kind === 'current') return { partition }
    if (event.kind === 'expired') return { partition, endBefore: event.before }
    const { key, value, timestamp, start, end } = event
    const bounds = watched.times === undefined ? {} : { start, end }
    if (value === undefined) return { key: keys.show(key), deleted: true, partition, ...bounds }
    return { ...rows.row({ row: { key, value, timestamp, start, end }, source }), ...bounds }
  }
}

import type { Context } from 'hono'
import { timesOf } from '../../../query/times.ts'
import type { Reply } from '../../http/reply.ts'
import { route, type Route, type Served } from '../../http/route.ts'
import { asked } from './asked.ts'
import { Listing } from './listing.ts'
import { listAnswer, listed } from './pages.ts'
import { KEYED, LISTED, ONE, queryOf, STORE, STORE_AND_KEY, TIMES, type TimesQuery } from './parameters.ts'
import { WindowRow } from './rows.ts'

/** Windows, or sessions: of all keys, or of one. @param bounds what `from` and `to` mean */
export function timed(served: Served, list: 'windows' | 'sessions', bounds: string): readonly Route[] {
  const { logger } = served.streams.app.settings
  const all = (
    context: Context,
    name: string,
    text: string | undefined,
    query: TimesQuery,
  ): Promise<Reply | Response> => {
    const { store, keys, rows } = asked(served, name, list, query.keyAs)
    const { from, to, reverse = false, cursor, limit } = query
    const key = text === undefined ? undefined : keys.read(text)
    const abort = new AbortController()
    const options = queryOf(query, abort.signal)
    const of = key === undefined ? {} : { key: key.bytes }
    const scan = { op: 'windows', ...of, ...timesOf(from, to), reverse } as const
    const listing = new Listing({ store, list, key, scan, options, cursor })
    return listed(context, { listing, show: (row) => rows.window(row), limit, abort, logger })
  }
  return [
    route({
      method: 'get',
      path: `/v1/stores/{store}/${list}`,
      needs: 'read',
      summary: `The ${list} that ${bounds}: partition by partition, in each by key`,
      parameters: STORE,
      query: { ...KEYED, ...ONE, ...LISTED, ...TIMES },
      answers: { 200: listAnswer(WindowRow) },
      answer: ({ path, query, context }) => all(context, path.store, query.key, query),
    }),
    route({
      method: 'get',
      path: `/v1/stores/{store}/${list}/{key}`,
      needs: 'read',
      summary: `The ${list} of a key that ${bounds}, by time`,
      parameters: STORE_AND_KEY,
      query: { ...KEYED, ...LISTED, ...TIMES },
      answers: { 200: listAnswer(WindowRow) },
      answer: ({ path, query, context }) => all(context, path.store, path.key, query),
    }),
  ]
}

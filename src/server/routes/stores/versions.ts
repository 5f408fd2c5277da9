import type { Context } from 'hono'
import { timesOf } from '../../../query/times.ts'
import type { Reply } from '../../http/reply.ts'
import { route, type Route, type Served } from '../../http/route.ts'
import { answered, rowAnswers } from './answers.ts'
import { asked } from './asked.ts'
import { Listing } from './listing.ts'
import { listAnswer, listed } from './pages.ts'
import {
  AS_OF,
  KEYED,
  LISTED,
  ONE,
  queryOf,
  refuseBeside,
  STORE,
  STORE_AND_KEY,
  TIMES,
  type TimesQuery,
  type ValuesOf,
} from './parameters.ts'
import { Version, VersionRow } from './rows.ts'
import { badRequest } from '../../http/problem.ts'

type VersionsQuery = TimesQuery & ValuesOf<typeof AS_OF>

const LIST = { ...LISTED, ...TIMES }

/** The versions of a key. */
export function versions(served: Served): readonly Route[] {
  const { logger } = served.streams.app.settings
  const ofKey = async (
    context: Context,
    name: string,
    text: string,
    query: VersionsQuery,
  ): Promise<Reply | Response> => {
    const { store, keys, rows } = asked(served, name, 'versions', query.keyAs)
    const { from, to, asOf, reverse = false, cursor, limit } = query
    const key = keys.read(text)
    if (asOf !== undefined) {
      refuseBeside(query, Object.keys(LIST), 'asOf')
      const then = { op: 'versions', key: key.bytes, ...timesOf(asOf, asOf), reverse: false } as const
      const found = await store.first(key, () => then, queryOf(query))
      return answered(context, found, { store: name, logger, show: (row) => rows.version(row) })
    }
    const abort = new AbortController()
    const options = queryOf(query, abort.signal)
    const scan = { op: 'versions', key: key.bytes, ...timesOf(from, to), reverse } as const
    const listing = new Listing({ store, list: 'versions', key, scan, options, cursor })
    return listed(context, { listing, show: (row) => rows.versionRow(row), limit, abort, logger })
  }
  const answers = { ...rowAnswers(Version), 200: listAnswer(VersionRow, Version) }
  return [
    route({
      method: 'get',
      path: '/v1/stores/{store}/versions',
      needs: 'read',
      summary: 'The versions of a key, which is given as ?key=',
      parameters: STORE,
      query: { ...KEYED, ...ONE, ...LIST, ...AS_OF },
      answers,
      answer({ path, query, context }) {
        if (query.key === undefined) throw badRequest('the parameter key is missing', 'Versions are those of one key.')
        return ofKey(context, path.store, query.key, query)
      },
    }),
    route({
      method: 'get',
      path: '/v1/stores/{store}/versions/{key}',
      needs: 'read',
      summary: 'The version of a key at some time, or those that were valid at some time within these bounds',
      parameters: STORE_AND_KEY,
      query: { ...KEYED, ...LIST, ...AS_OF },
      answers,
      answer: ({ path, query, context }) => ofKey(context, path.store, path.key, query),
    }),
  ]
}

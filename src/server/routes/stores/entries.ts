import type { Context } from 'hono'
import type { Reply } from '../../http/reply.ts'
import { route, type Route, type Served } from '../../http/route.ts'
import { z } from '@hono/zod-openapi'
import { answered, rowAnswers } from './answers.ts'
import { asked, type Asked } from './asked.ts'
import { Listing } from './listing.ts'
import { listAnswer, listed } from './pages.ts'
import {
  KEYED,
  LISTED,
  ONE,
  queryOf,
  refuseBeside,
  STORE,
  STORE_AND_KEY,
  type KeyedQuery,
  type ValuesOf,
} from './parameters.ts'
import { Entry, EntryRow } from './rows.ts'

const RANGE = {
  from: z.string().optional().describe('the first key, included; keys are in the order of their serialized bytes'),
  to: z.string().optional().describe('the last key, included'),
  prefix: z.string().optional().describe('what serialized keys begin with; text is taken as UTF-8'),
  reverse: LISTED.reverse,
}

/** Rows by key, of key-value stores and of the latest versions. */
export function entries(served: Served): readonly Route[] {
  const { logger } = served.streams.app.settings
  const one = async (context: Context, name: string, text: string, query: KeyedQuery): Promise<Reply | Response> => {
    const { store, keys, rows } = asked(served, name, 'entries', query.keyAs)
    const found = await store.first(keys.read(text), (bytes) => ({ op: 'get', key: bytes }), queryOf(query))
    return answered(context, found, { store: name, logger, show: (row) => rows.entry(row) })
  }
  return [
    route({
      method: 'get',
      path: '/v1/stores/{store}/entries',
      needs: 'read',
      summary: 'The rows of a store by key: all, from one key to another, or with a prefix',
      parameters: STORE,
      query: { ...KEYED, ...ONE, ...RANGE, ...LISTED },
      answers: { ...rowAnswers(Entry), 200: listAnswer(EntryRow, Entry) },
      answer({ path, query, context }) {
        if (query.key !== undefined) {
          refuseBeside(query, [...Object.keys(RANGE), ...Object.keys(LISTED)], 'key')
          return one(context, path.store, query.key, query)
        }
        const { store, keys, rows } = asked(served, path.store, 'entries', query.keyAs)
        const { cursor, limit } = query
        const abort = new AbortController()
        const options = queryOf(query, abort.signal)
        const scan = scanOf(query, keys)
        const listing = new Listing({ store, list: 'entries', key: undefined, scan, options, cursor })
        return listed(context, { listing, show: (row) => rows.row(row), limit, abort, logger })
      },
    }),
    route({
      method: 'get',
      path: '/v1/stores/{store}/entries/{key}',
      needs: 'read',
      summary: 'The row of a key',
      parameters: STORE_AND_KEY,
      query: KEYED,
      answers: rowAnswers(Entry),
      answer: ({ path, query, context }) => one(context, path.store, path.key, query),
    }),
  ]
}

function scanOf(query: ValuesOf<typeof RANGE>, keys: Asked['keys']) {
  const { from, to, prefix, reverse = false } = query
  if (prefix !== undefined) {
    refuseBeside(query, ['from', 'to'], 'prefix')
    return { op: 'prefix', prefix: keys.readPrefix(prefix), reverse } as const
  }
  return {
    op: 'range',
    ...(from === undefined ? {} : { from: keys.read(from).bytes }),
    ...(to === undefined ? {} : { to: keys.read(to).bytes }),
    reverse,
  } as const
}

import { z } from '@hono/zod-openapi'
import { Problem, problemPart } from '../../http/problem.ts'
import { jsonAnswer, respond, route, type Route, type Served } from '../../http/route.ts'
import type { FoundKey } from '../../../query/store-queries.ts'
import { absent } from './answers.ts'
import { asked, type Asked } from './asked.ts'
import { KEYED, queryOf, STORE } from './parameters.ts'
import { Entry } from './rows.ts'

const MOST_KEYS = 1000

const Outcome = z
  .union([z.object({ key: z.unknown(), entry: Entry }), z.object({ key: z.unknown(), problem: Problem })])
  .openapi('Outcome')

const Outcomes = z
  .object({ outcomes: z.array(Outcome).describe('one for each key, in their order') })
  .openapi('Outcomes')

/** The rows of many keys. */
export function many(served: Served): Route {
  const { logger } = served.streams.app.settings
  return route({
    method: 'post',
    path: '/v1/stores/{store}/query',
    needs: 'read',
    summary: 'The rows of many keys, each with an outcome of its own',
    parameters: STORE,
    query: KEYED,
    body: z.strictObject({
      keys: z.array(z.unknown()).max(MOST_KEYS).describe('in the form of `keyAs`: strings, or values of JSON'),
    }),
    answers: { 200: jsonAnswer('the rows that there are', Outcomes) },
    async answer({ path, query, body }) {
      const store = asked(served, path.store, 'entries', query.keyAs)
      const keys = body.keys.map((key) => () => store.keys.readJson(key))
      const found = await store.store.firstOfEach(keys, queryOf(query))
      const outcomes = found.map((each, index) => {
        const key = body.keys[index]
        try {
          return { key, entry: entryOf(store, each) }
        } catch (error) {
          return { key, problem: problemPart(error, logger) }
        }
      })
      return respond(Outcomes, { outcomes })
    },
  })
}

function entryOf({ store, rows }: Asked, found: PromiseSettledResult<FoundKey>): z.input<typeof Entry> {
  if (found.status === 'rejected') throw found.reason
  const { row, source } = found.value
  if (row === undefined) throw absent(store.name, source)
  return rows.entry({ row, source })
}

import { z } from '@hono/zod-openapi'
import { jsonAnswer, respond, route, type Family, type Route, type Served } from '../../http/route.ts'
import { listsOf } from './asked.ts'
import { entries } from './entries.ts'
import { many } from './many.ts'
import { QUERIED, queryOf, STORE } from './parameters.ts'
import { timed } from './timed.ts'
import { versions } from './versions.ts'
import { watch } from './watch.ts'

const Store = z
  .object({
    name: z.string(),
    kind: z.string(),
    global: z.boolean().describe('true: every instance has all of it'),
    keySerde: z.string(),
    valueSerde: z.string(),
    partitions: z.number().int().positive().nullable().describe('null: of a global table'),
    lists: z.array(z.enum(['entries', 'windows', 'sessions', 'versions'])).describe('the paths below that it has'),
  })
  .openapi('StoreDetails')

/** What stores hold. */
export const stores: Family = (served) => [
  details(served),
  ...entries(served),
  ...timed(served, 'windows', 'start within these bounds'),
  ...timed(served, 'sessions', 'overlap these bounds'),
  ...versions(served),
  many(served),
  watch(served),
]

function details({ streams }: Served): Route {
  return route({
    method: 'get',
    path: '/v1/stores/{store}',
    needs: 'read',
    summary: 'A store',
    parameters: STORE,
    query: { timeout: QUERIED.timeout },
    answers: { 200: jsonAnswer('its kind, serdes and partitions', Store) },
    async answer({ path, query }) {
      const store = streams.askedStore(path.store)
      const { name, kind, keySerde, valueSerde } = store.spec
      const partitions = await store.partitions(queryOf(query))
      return respond(Store, {
        name,
        kind,
        global: partitions === undefined,
        keySerde: keySerde.name,
        valueSerde: valueSerde.name,
        partitions: partitions ?? null,
        lists: listsOf(store),
      })
    },
  })
}

import type { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Logger } from '../../../application/application.ts'
import type { FoundRow } from '../../../query/store-queries.ts'
import { answerOfList, endOfList, listResponse } from '../../http/list.ts'
import type { Reply } from '../../http/reply.ts'
import type { Answer } from '../../http/route.ts'
import type { Listing } from './listing.ts'
import { SeenSources, Sources } from './rows.ts'

const ABOUT = { partitions: Sources }
const End = endOfList(ABOUT).openapi('End')

/** Returns what a route that lists rows answers. @param one what it answers where one key is asked for */
export function listAnswer(row: z.ZodType, one?: z.ZodType): Answer {
  return answerOfList({ row, end: End, about: ABOUT }, one)
}

/** What is listed, and how a row is shown. */
export interface Shown {
  readonly listing: Listing
  readonly show: (row: FoundRow) => object
  readonly limit: number | undefined
  /** Ends the scan. */
  readonly abort: AbortController
  readonly logger: Logger
}

/** Responds with rows, and says where they are from. */
export function listed(context: Context, { listing, show, ...rest }: Shown): Promise<Reply | Response> {
  const sources = new SeenSources()
  return listResponse<FoundRow>(context, {
    ...rest,
    rows: () => listing.rows(),
    show(row) {
      sources.see(row)
      return show(row)
    },
    sizeOf: ({ row }) => row.key.length + row.value.length,
    cursor: (last) => listing.behind(last),
    about: () => ({ partitions: sources.show() }),
  })
}

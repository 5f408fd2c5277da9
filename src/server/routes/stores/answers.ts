import { hash } from 'node:crypto'
import type { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Logger } from '../../../application/application.ts'
import { MillraceError } from '../../../errors/millrace-error.ts'
import type { FoundKey, FoundRow } from '../../../query/store-queries.ts'
import { problemOf } from '../../http/problem.ts'
import { Reply } from '../../http/reply.ts'
import { jsonAnswer, type Answer } from '../../http/route.ts'

type Row = FoundRow['row']
type Source = FoundRow['source']

const POSITION = 'millrace-position'

/** Returns what a route that asks for one row answers. */
export function rowAnswers(row: z.ZodType): Readonly<Record<number, Answer>> {
  return {
    200: jsonAnswer('the row; the header Millrace-Position is what the answer has in it', row),
    304: { description: 'the row is that of If-None-Match', content: {} },
  }
}

/** Responds with the row of one key, unless the client has it already; or says that there is none. */
export function answered(
  context: Context,
  { row, source }: FoundKey,
  { store, logger, show }: { readonly store: string; readonly logger: Logger; show(found: FoundRow): object },
): Reply | Response {
  const position = Buffer.from(JSON.stringify(source.position)).toString('base64url')
  if (row === undefined) {
    const response = problemOf(absent(store, source), logger)
    response.headers.set(POSITION, position)
    return response
  }
  const headers = { etag: tagOf(row), [POSITION]: position }
  const isKnown = has(context.req.header('if-none-match'), headers.etag)
  return isKnown ? new Response(null, { status: 304, headers }) : Reply.json(show({ row, source }), headers)
}

export function absent(store: string, { partition }: Source): MillraceError {
  return new MillraceError('MR_QUERY_KEY_ABSENT', 'the store has no such key', {
    store,
    ...(partition < 0 ? {} : { partition }),
    hint: 'Its owner says so: the key was never there, was deleted, or has expired.',
  })
}

/** Weak: the age of an answer changes when the row does not. */
function tagOf({ value, timestamp, start, end }: Row): string {
  const row = `${hash('sha256', value, 'base64url')} ${timestamp} ${start} ${end}`
  return `W/"${hash('sha256', row, 'base64url').slice(0, 22)}"`
}

function has(tags: string | undefined, tag: string): boolean {
  if (tags === undefined) return false
  const bare = (text: string): string => text.trim().replace(/^W\//, '')
  return tags.split(',').some((each) => bare(each) === '*' || bare(each) === bare(tag))
}

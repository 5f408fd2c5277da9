import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { MillraceError } from '../../../errors/millrace-error.ts'
import { Reply } from '../../http/reply.ts'
import { route, type Answer, type Route } from '../../http/route.ts'
import { INDEX, type PageFiles } from './files.ts'

/**
 * A page may load and ask nothing but this server, runs no script that is not a file of it, and no other page may show
 * it in a frame.
 */
const POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const FILE: Answer = { description: 'a file of the page', content: { 'text/html': z.string() } }

/** Returns the routes of a page: its files, which are no secret and are sent to everybody. */
export function pageRoutes(name: string, files: () => PageFiles): readonly Route[] {
  const shown = { method: 'get', needs: 'nothing', hidden: true, answers: { 200: FILE } } as const
  const file = (wanted: string, context: Context): Reply => {
    return fileReply(files(), wanted, name, context.req.header('if-none-match'))
  }
  return [
    route({
      ...shown,
      path: `/${name}`,
      summary: 'To the page, whose files are found from its own path',
      answer: () => new Reply(308, { location: `${name}/` }, ''),
    }),
    route({
      ...shown,
      path: `/${name}/`,
      summary: 'The page',
      answer: ({ context }) => file(INDEX, context),
    }),
    route({
      ...shown,
      path: `/${name}/{file}`,
      summary: 'A file of the page',
      parameters: { file: z.string() },
      answer: ({ path, context }) => file(path.file, context),
    }),
  ]
}

function fileReply(files: PageFiles, wanted: string, page: string, known: string | undefined): Reply {
  const file = files.get(wanted)
  if (file === undefined) throw files.size === 0 ? notBuilt(page) : noFile(wanted, page)
  const { type, etag, bytes } = file
  // Asked for again each time, and sent only if it is another one: the page fits its server.
  const headers = { 'cache-control': 'no-cache', 'content-security-policy': POLICY, etag }
  if (known?.includes(etag) === true) return new Reply(304, headers, '')
  return new Reply(200, { ...headers, 'content-type': type, 'referrer-policy': 'no-referrer' }, bytes)
}

function noFile(wanted: string, page: string): MillraceError {
  return new MillraceError('MR_SERVER_ROUTE', `the page /${page}/ has no file ${JSON.stringify(wanted)}`, {
    hint: `GET /${page}/ is its page.`,
  })
}

/** The console of a checkout: a page of the user's is refused when the server starts. */
function notBuilt(page: string): MillraceError {
  return new MillraceError('MR_SERVER_ROUTE', `the ${page} is not built in this checkout`, {
    hint: `Run npm run build:${page}, and start the application again.`,
  })
}

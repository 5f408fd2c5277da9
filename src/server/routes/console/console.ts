import { join } from 'node:path'
import { z } from '@hono/zod-openapi'
import { Reply } from '../../http/reply.ts'
import { route, type Family, type Route, type Served } from '../../http/route.ts'
import { readFiles, type PageFiles } from '../pages/files.ts'
import { pageRoutes } from '../pages/page-routes.ts'
import { viewOf } from './instance-view.ts'
import { Lookout, VIEW_PATH } from './lookout.ts'
import { overview } from './overview.ts'

/** Where `npm run build` puts the console: the same place from `src` and from `dist`. */
const DIRECTORY = join(import.meta.dirname, '../../../../dist/console')

/** The console: its page, and what it shows of all instances. */
export const consolePages: Family = (served) => {
  let files: PageFiles | undefined
  return [
    view(served),
    // Before the files: the first path that fits is the one that answers.
    overview(served, new Lookout(served)),
    ...pageRoutes('console', () => (files ??= readFiles(DIRECTORY))),
  ]
}

/** What this instance shows of itself to the one whose console is looked at. */
function view(served: Served): Route {
  return route({
    method: 'get',
    path: VIEW_PATH,
    needs: 'peer',
    hidden: true,
    summary: 'What this instance is and does, for another one',
    answers: { 200: { description: 'a view', content: { 'application/json': z.unknown() } } },
    answer: () => Reply.json(viewOf(served)),
  })
}

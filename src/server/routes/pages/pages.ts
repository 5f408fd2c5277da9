import { MillraceError } from '../../../errors/millrace-error.ts'
import type { Family } from '../../http/route.ts'
import { INDEX, readFiles } from './files.ts'
import { pageRoutes } from './page-routes.ts'

/** Pages of the user's. @throws MR_CONFIG if one has no `index.html` */
export const pages: Family = ({ pages }) =>
  Object.entries(pages).flatMap(([name, directory]) => {
    const files = readFiles(directory)
    if (!files.has(INDEX)) {
      throw new MillraceError('MR_CONFIG', `the page ${name} of serve() has no ${INDEX} in ${directory}`, {
        hint: `Give pages the directory of a built page: { ${name}: 'dist/${name}' }.`,
      })
    }
    return pageRoutes(name, () => files)
  })

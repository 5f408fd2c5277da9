import { MillraceError } from '../errors/millrace-error.ts'
import { nodeTooOld } from './node-version.ts'

// Imported first by each entry of the library, so that an old Node fails with this and not within some function. Other runtimes tell
// the version of Node they are like, and may have what is needed.
const tooOld = 'bun' in process.versions || 'deno' in process.versions ? undefined : nodeTooOld(process.versions.node)
if (tooOld !== undefined) {
  const error = new MillraceError('MR_NODE_VERSION', tooOld, { hint: 'Install a current Node.' })
  // Where in Millrace it was noticed tells the user nothing.
  error.stack = `${error.name}: ${error.message}`
  throw error
}

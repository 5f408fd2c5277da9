import { MillraceError } from '../errors/millrace-error.ts'
import { nodeTooOld } from './node-version.ts'

// Each entry of the library imports this first, so that an old Node fails with this error and not inside some function.
// Other runtimes report the version of Node that they resemble, and may have what is needed.
const tooOld = 'bun' in process.versions || 'deno' in process.versions ? undefined : nodeTooOld(process.versions.node)
if (tooOld !== undefined) {
  const error = new MillraceError('MR_NODE_VERSION', tooOld, { hint: 'Install a current Node.' })
  // A stack within Millrace would not help the user.
  error.stack = `${error.name}: ${error.message}`
  throw error
}

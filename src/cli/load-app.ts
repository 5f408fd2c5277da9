import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MillraceError } from '../errors.ts'
import type { Application } from '../topology/application.ts'

const DEFAULT_HINT = 'end the file with: export default defineApp({ id: …, build: (builder) => { … } })'

/**
 * The application that a module exports by default.
 *
 * @throws MR_APP_MISSING if there is no such file; MR_APP_LOAD if importing it fails; MR_APP_DEFAULT if its default export
 * is not what `defineApp` makes
 */
export async function loadApp(file: string): Promise<Application> {
  const path = resolve(file)
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new MillraceError('MR_APP_MISSING', `there is no file ${path}`, {
      hint: 'give the path of a .ts or .js file, from the current directory',
    })
  }
  const module = await importModule(path)
  if (!('default' in module)) {
    throw new MillraceError('MR_APP_DEFAULT', `${path} has no default export`, { hint: DEFAULT_HINT })
  }
  const app = module.default
  if (!isApplication(app)) {
    throw new MillraceError('MR_APP_DEFAULT', `the default export of ${path} is ${kindOf(app)}, not an application`, {
      hint: DEFAULT_HINT,
    })
  }
  return app
}

async function importModule(path: string): Promise<object> {
  try {
    const module: unknown = await import(pathToFileURL(path).href)
    return typeof module === 'object' && module !== null ? module : {}
  } catch (error) {
    if (error instanceof MillraceError) throw error
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    throw new MillraceError('MR_APP_LOAD', `${path} could not be loaded: ${reason}`, {
      cause: error,
      hint: loadHint(error),
    })
  }
}

function loadHint(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'ERR_MODULE_NOT_FOUND':
      return 'install what it imports, and write relative imports with their extension (./topics.ts)'
    case 'ERR_UNKNOWN_FILE_EXTENSION':
      return 'an application is a .ts, .mts, .js or .mjs file'
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
      return 'Node runs TypeScript by erasing types: enums, namespaces and parameter properties cannot be used'
    default:
      return undefined
  }
}

/** By shape, not by class: the application may come with a copy of the library of its own. */
function isApplication(value: unknown): value is Application {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'string' &&
    'settings' in value &&
    'topology' in value &&
    typeof value.topology === 'function'
  )
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`
  if (typeof value !== 'object') return `a ${typeof value}`
  return Array.isArray(value) ? 'an array' : 'an object'
}

import { readFileSync } from 'node:fs'
import nodeModule from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { MillraceError, isMillraceError, messageOf, propertyOf } from '../errors/millrace-error.ts'
import type { Application } from './application.ts'

const DEFAULT_HINT = 'End the file with `export default defineApp({ id: …, build: (builder) => { … } })`.'

/** The exports of a module, with the application that it exports by default. */
export interface AppModule {
  readonly app: Application
  readonly exports: Readonly<Record<string, unknown>>
}

/**
 * Imports a module and returns the application that it exports by default.
 *
 * @throws MR_APP_LOAD if importing it fails; MR_APP_DEFAULT if its default export was not made by `defineApp`
 */
export async function importApp(url: URL): Promise<AppModule> {
  const place = url.protocol === 'file:' ? fileURLToPath(url) : url.href
  const exports = await importModule(url, place)
  if (!('default' in exports)) {
    throw new MillraceError('MR_APP_DEFAULT', `${place} has no default export`, { hint: DEFAULT_HINT })
  }
  const app = exports['default']
  if (!isApplication(app)) {
    throw new MillraceError('MR_APP_DEFAULT', `the default export of ${place} is ${kindOf(app)}, not an application`, {
      hint: DEFAULT_HINT,
    })
  }
  return { app, exports }
}

export async function importModule(url: URL, place: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const module: unknown = await import(url.href)
    return Object.fromEntries(typeof module === 'object' && module !== null ? Object.entries(module) : [])
  } catch (error) {
    if (isMillraceError(error)) throw error
    const name = propertyOf(error, 'name')
    const reason = typeof name === 'string' ? `${name}: ${messageOf(error)}` : messageOf(error)
    throw new MillraceError('MR_APP_LOAD', `${place} could not be loaded: ${reason}`, {
      cause: error,
      hint: loadHint(error),
    })
  }
}

function loadHint(error: unknown): string | undefined {
  const asCommonJs = commonJsHint(error)
  if (asCommonJs !== undefined) return asCommonJs
  const code = propertyOf(error, 'code')
  switch (code) {
    case 'ERR_MODULE_NOT_FOUND':
      return 'Install the packages that it imports, and write relative imports with their extension (./topics.ts).'
    case 'ERR_UNKNOWN_FILE_EXTENSION':
      return 'Write the application as a .ts, .mts, .js or .mjs file.'
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
      return 'Use no enums, namespaces or parameter properties: Node runs TypeScript by erasing its types.'
    default:
      return undefined
  }
}

/** @throws MR_CONFIG for anything but what `defineApp` returns */
export function requireApplication(value: unknown, owner: string): void {
  if (isApplication(value)) return
  throw new MillraceError('MR_CONFIG', `${owner} was given ${kindOf(value)} instead of an application`, {
    hint: 'Give the application that defineApp(…) returns.',
  })
}

/** V8's messages about the syntax of modules in a file that it reads as CommonJS. */
const MODULE_SYNTAX = [
  'Cannot use import statement outside a module',
  "Unexpected token 'export'",
  'await is only valid in',
  "Cannot use 'import.meta' outside a module",
]

/** Explains an error due to `"type": "commonjs"`, which `npm init` writes: Node then ignores the syntax of the file. */
function commonJsHint(error: unknown): string | undefined {
  if (!(error instanceof SyntaxError) || !MODULE_SYNTAX.some((text) => error.message.startsWith(text))) return undefined
  const file = /^(\/.*?|[A-Za-z]:.*?)(?::\d+)?$/m.exec(error.stack ?? '')?.[1]
  if (file === undefined || !/\.[jt]sx?$/.test(file)) return undefined
  const manifest = nodeModule.findPackageJSON(pathToFileURL(file))
  if (manifest === undefined || !isCommonJs(readFileSync(manifest, 'utf8'))) return undefined
  return (
    `Run npm pkg set type=module, or call the file ${file.replace(/\.([jt]s)x?$/, '.m$1')}: ` +
    `${manifest} says "type": "commonjs", so that Node does not read ${file} as a module.`
  )
}

function isCommonJs(manifest: string): boolean {
  const json: unknown = JSON.parse(manifest)
  return typeof json === 'object' && json !== null && 'type' in json && json.type === 'commonjs'
}

/** Recognizes an application by its shape, not by its class: it may come with its own copy of the library. */
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
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`
  if (typeof value !== 'object') return `a ${typeof value}`
  return Array.isArray(value) ? 'an array' : 'an object'
}

import { pathToFileURL } from 'node:url'
import { importModule } from '../application/app-module.ts'
import type { Connectors } from '../connect/index.ts'
import { MillraceError } from '../errors/millrace-error.ts'
import { pathOfApp } from './load-app.ts'

/**
 * Loads the connectors that a file exports by default.
 *
 * @throws MR_APP_MISSING, MR_APP_LOAD; MR_APP_DEFAULT if its default export was not made by `defineConnectors`
 */
export async function loadConnectors(file: string): Promise<Connectors> {
  const path = pathOfApp(file)
  const exported = (await importModule(pathToFileURL(path), path))['default']
  if (isConnectors(exported)) return exported
  throw new MillraceError('MR_APP_DEFAULT', `the default export of ${path} is not what defineConnectors() returns`, {
    hint: 'End the file with `export default defineConnectors({ id: …, connectors: [ … ] })`.',
  })
}

/** Recognizes connectors by their shape, not by a class: they may come with their own copy of the library. */
function isConnectors(value: unknown): value is Connectors {
  return typeof value === 'object' && value !== null && 'connectors' in value && 'id' in value && 'logger' in value
}

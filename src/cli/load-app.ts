import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MillraceError } from '../errors/millrace-error.ts'
import { importApp, type AppModule } from '../application/app-module.ts'
import type { Application } from '../application/application.ts'

/**
 * Loads the application that a file exports by default.
 *
 * @throws MR_APP_MISSING if there is no such file; MR_APP_LOAD if importing it fails; MR_APP_DEFAULT if its default
 * export was not made by `defineApp`
 */
export async function loadApp(file: string): Promise<Application> {
  return (await loadModule(file)).app
}

/** Loads the application of a file with all else that it exports. Errors as those of `loadApp` */
export function loadModule(file: string): Promise<AppModule> {
  return importApp(pathToFileURL(pathOfApp(file)))
}

/** Returns the path of an application's file. @throws MR_APP_MISSING if there is no such file */
export function pathOfApp(file: string): string {
  const path = resolve(file)
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new MillraceError('MR_APP_MISSING', `there is no file ${path}`, {
      hint: 'Give the path of a .ts or .js file, relative to the current directory.',
    })
  }
  return path
}

import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename, dirname, extname, join, relative, resolve } from 'node:path'
import { watch } from 'chokidar'
import { ConsoleLogger } from './console-logger.ts'
import { pathOfApp } from './load-app.ts'
import { RestartedRun } from './restarted-run.ts'
import type { RunOptions } from './settings/run-settings.ts'
import { Terminal } from './terminal.ts'

/** The port of the server, if it is free. */
const PORT = 8080

const CODE: ReadonlySet<string> = new Set(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json'])

/**
 * Runs `millrace dev`: runs an application as `millrace run` does, with its server, and whenever a file of its package
 * changes closes it and runs it again, with its state. Ends by a signal, or when the application ends without an error.
 *
 * @param args what was given after `dev`, all of which `run` takes, too
 * @throws MR_APP_MISSING if there is no such file
 */
export async function developApp(file: string, options: RunOptions, args: readonly string[]): Promise<void> {
  const root = packageOf(pathOfApp(file))
  const logger = new ConsoleLogger(new Terminal(process.stderr), options.logFormat)
  const server = options.http === undefined ? ['--http', String(await freePort())] : []
  const run = new RestartedRun(['run', ...args, ...server], {
    failed: (outcome) => logger.warn(outcome, 'waiting for a file to change'),
  })
  const data = resolve(options.data)
  const watcher = watch(root, {
    ignoreInitial: true,
    ignored: (path, stats) => path !== root && (path === data || isNoCode(path, stats?.isFile() === true)),
  })
  const interrupt = (): void => run.end('SIGINT')
  const terminate = (): void => run.end('SIGTERM')
  process.on('SIGINT', interrupt).on('SIGHUP', interrupt).on('SIGTERM', terminate)
  try {
    await once(watcher, 'ready')
    watcher.on('all', (_event, path) => {
      logger.info({ file: relative(root, path) }, 'changed; the application is run again')
      run.restart()
    })
    run.start()
    process.exitCode = await run.over
  } finally {
    process.off('SIGINT', interrupt).off('SIGHUP', interrupt).off('SIGTERM', terminate)
    await watcher.close()
  }
}

/** Returns the directory of the package that a file belongs to, or else its own. */
function packageOf(file: string): string {
  for (let at = dirname(file); at !== dirname(at); at = dirname(at)) {
    if (existsSync(join(at, 'package.json'))) return at
  }
  return dirname(file)
}

function isNoCode(path: string, isFile: boolean): boolean {
  const name = basename(path)
  return name === 'node_modules' || name.startsWith('.') || (isFile && !CODE.has(extname(name)))
}

/** Returns a port that every run can have, so that the address stays the same. */
async function freePort(): Promise<number> {
  for (const port of [PORT, 0]) {
    const server = createServer()
    server.listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch {
      continue
    }
    const address = server.address()
    server.close()
    await once(server, 'close')
    if (typeof address === 'object' && address !== null) return address.port
  }
  return PORT
}

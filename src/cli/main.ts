#!/usr/bin/env node
import nodeModule from 'node:module'
import { nodeTooOld } from '../platform/node-version.ts'
import { compileCacheDirectory } from './compile-cache.ts'

const tooOld = nodeTooOld(process.versions.node)
if (tooOld === undefined) await run()
else {
  process.stderr.write(`error MR_NODE_VERSION: ${tooOld}\n`)
  process.exitCode = 1
}

async function run(): Promise<void> {
  // Before anything else is imported. Where there is no place for a cache, there is none. Threads look for it in the environment, and so
  // does whatever Node process the application starts.
  if (process.env['NODE_COMPILE_CACHE'] === undefined) {
    const place = compileCacheDirectory()
    const { directory } = place === undefined ? {} : nodeModule.enableCompileCache(place)
    if (directory !== undefined) process.env['NODE_COMPILE_CACHE'] = directory
  }
  const { runCli } = await import('./program.ts')

  process.exitCode = await runCli(process.argv.slice(2))
  // What a failure has left open must not keep alive a command that has said how it ended.
  if (process.exitCode !== 0) setTimeout(() => process.exit(), 1000).unref()
}

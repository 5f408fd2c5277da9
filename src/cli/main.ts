#!/usr/bin/env node
import nodeModule from 'node:module'
import { nodeTooOld } from '../platform/node-version.ts'
import { boundedHeap } from './bounded-heap.ts'
import { compileCacheDirectory } from './compile-cache.ts'
import { obeySignals } from './first-process.ts'

const tooOld = nodeTooOld(process.versions.node)
if (tooOld === undefined) await run()
else {
  process.stderr.write(`error MR_NODE_VERSION: ${tooOld}\n`)
  process.exitCode = 1
}

async function run(): Promise<void> {
  // The heap of a process is bounded when it begins: this one becomes another, under the same id. A child with a
  // channel to its parent keeps that.
  const bound = process.argv[2] === 'run' && process.channel === undefined ? boundedHeap() : undefined
  if (bound !== undefined && process.execve !== undefined) {
    process.execve(process.execPath, [process.execPath, bound, ...process.execArgv, ...process.argv.slice(1)])
  }
  obeySignals()
  // The cache is enabled before anything else is imported, if there is a place for it. Threads, and Node processes that
  // the application starts, look for it in the environment.
  if (process.env['NODE_COMPILE_CACHE'] === undefined) {
    const place = compileCacheDirectory()
    const { directory } = place === undefined ? {} : nodeModule.enableCompileCache(place)
    if (directory !== undefined) process.env['NODE_COMPILE_CACHE'] = directory
  }
  const { runCli } = await import('./program.ts')

  process.exitCode = await runCli(process.argv.slice(2))
  // Anything that a failure has left open must not keep the command alive once it has said how it ended.
  if (process.exitCode !== 0) setTimeout(() => process.exit(), 1000).unref()
}

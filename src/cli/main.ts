#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

// Before anything is imported. Where there is no place for a cache, it does nothing.
enableCompileCache()
const { runCli } = await import('./program.ts')

process.exitCode = await runCli(process.argv.slice(2))

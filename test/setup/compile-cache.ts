import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NODE_OPTIONS } from './node-options.ts'

const root = join(import.meta.dirname, '../..')

/**
 * Before any test: compiles the library, and what tests let threads import, into a cache that all processes of the run
 * share. A thread that has to strip types compiles WebAssembly for it, and V8 may end the process when threads that
 * have come and go (see vitest.config.ts); beside that, threads start in half the time. Commands run with other
 * options: the first fills the cache for the others.
 */
export default function setup(): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-compile-cache-'))
  process.env['NODE_COMPILE_CACHE'] = directory
  const script = join(import.meta.dirname, 'compile-all.ts')
  execFileSync(process.execPath, [...NODE_OPTIONS, script], { cwd: root, stdio: 'inherit' })
  return () => rmSync(directory, { recursive: true, force: true })
}

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const bench = join(import.meta.dirname, '..', '..')
const root = join(bench, '..')

/** `bench/runner.ts`, compiled, as users run an application: Node's stripping of types takes 25 MB of every process. */
export const builtRunner = join(root, 'node_modules', '.cache', 'millrace-bench', 'bench', 'runner.js')

/** Call before a process is started with it. */
export async function buildRunner(): Promise<void> {
  await promisify(execFile)(join(root, 'node_modules', '.bin', 'tsc'), ['-p', bench])
}

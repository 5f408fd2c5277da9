import { globSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = join(import.meta.dirname, '../..')

/** What workers and commands begin with; the rest of the library is imported by it. */
const ENTRIES = ['src/index.ts', 'src/kafka/index.ts', 'src/cli/program.ts', 'src/runtime/threads/stream-worker.ts']

// A fixture may throw, as it is made to: by then it is compiled.
const modules = [...ENTRIES, ...globSync('test/runtime/threads/fixtures/*.ts', { cwd: root })]
await Promise.allSettled(modules.map((file) => import(pathToFileURL(join(root, file)).href)))
process.exit()

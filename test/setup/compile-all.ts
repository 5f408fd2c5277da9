import { globSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = join(import.meta.dirname, '../..')

/** What workers begin with; the rest of the library is imported by it. */
const ENTRIES = ['src/index.ts', 'src/kafka/index.ts', 'src/runtime/workers/stream-worker.ts']

const load = (file: string): Promise<unknown> => import(pathToFileURL(join(root, file)).href)
await Promise.all(ENTRIES.map(load))
// A fixture may throw, as it is made to: by then it is compiled.
await Promise.allSettled(globSync('test/runtime/workers/fixtures/*.ts', { cwd: root }).map(load))
process.exit()

/** Opens an application's state and an embedded log with each engine in two directories. Prints the result of each. */
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { defineApp, embeddedLog, MillraceError, memoryLog, Streams, string, topic } from 'millrace'
import type { EngineName } from 'millrace'
import { chooseEngine } from '../../../src/engine/choice/choose-engine.ts'

const [refused = '', filled = ''] = process.argv.slice(2)
const ENGINES = ['rocksdb', 'level'] satisfies EngineName[]
const app = defineApp({
  id: 'refused',
  build: (builder) => void builder.table(topic('words', { key: string(), value: string() }), { store: 'words' }),
})
const log = memoryLog()
await log.createTopics([{ name: 'words', partitions: 1 }])

async function report(open: () => Promise<unknown>): Promise<void> {
  let told: object = { code: 'open' }
  try {
    await open()
  } catch (error) {
    told = error instanceof MillraceError ? { code: error.code, message: error.message, hint: error.hint } : { error }
  }
  console.log(JSON.stringify(told))
}

async function openEach(directory: string): Promise<void> {
  for (const engine of ENGINES) {
    await report(() => Streams.start(app, { log, engine, stateDirectory: join(directory, engine) }))
    await report(() => embeddedLog({ directory: join(directory, 'log'), engine }))
  }
}

/** Opens files until only one more can be opened. */
function fill(): void {
  const files: number[] = []
  try {
    for (;;) files.push(openSync('/dev/null', 'r'))
  } catch {
    closeSync(files.pop() ?? 0)
  }
}

for (const engine of ENGINES) await chooseEngine(engine)
await openEach(refused)
fill()
await openEach(filled)
process.exit()

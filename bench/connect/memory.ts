/**
 * The memory of a file source while it reads a file of many gigabytes: lines of 1 MB, made up as a sparse file that
 * takes little room on the disk. One line in a thousand becomes a record, so that the log stays small. Prints the
 * resident memory after each tenth of the file.
 *
 *     npm run bench:connect:memory -- [--gigabytes 10]
 */
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bytes, memoryLog, topic } from '../../src/index.ts'
import { defineConnectors, fileSource, runConnectors } from '../../src/connect/index.ts'

const { values: options } = parseArgs({ options: { gigabytes: { type: 'string', default: '10' } } })
const LINE = 1_000_000
const lines = Number(options.gigabytes) * 1000

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-memory-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
const path = join(directory, 'in.txt')
const file = openSync(path, 'w')
ftruncateSync(file, lines * LINE)
for (let line = 1; line <= lines; line++) writeSync(file, '\n', line * LINE - 1)
closeSync(file)

const log = memoryLog()
let read = 0
const start = performance.now()
const source = fileSource({
  name: 'in',
  path,
  encoding: 'bytes',
  topic: topic('lines', { key: bytes(), value: bytes() }),
  topicOptions: { partitions: 1 },
  maxRecord: '2MiB',
  transform: (record) => {
    read++
    if (read % (lines / 10) === 0) {
      const { rss } = process.memoryUsage()
      const seconds = (performance.now() - start) / 1000
      console.log(`${(read * LINE) / 1e9} GB after ${seconds.toFixed(1)} s: ${Math.round(rss / 1e6)} MB resident`)
    }
    return read % 1000 === 0 ? record : undefined
  },
})
const running = await runConnectors(defineConnectors({ id: 'bench', connectors: [source] }), { log, untilEnd: true })
await running.closed
if (read !== lines) throw new Error(`${read} of ${lines} lines were read`)
await log.close()

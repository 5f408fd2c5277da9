/**
 * What queries take, beside what they may take: point queries of an idle application (in the process, by HTTP, through
 * another instance), of one under full load and what they cost it, a scan of a million rows as NDJSON, and the memory
 * that queries leave. Clients are processes of their own. All but the hop run on the embedded log; a hop needs two
 * instances, so that it runs on a broker that the benchmark starts. Reports; asserts nothing but that answers are
 * right.
 *
 *     npm run bench:queries -- [--only idle|hop|loaded|scan|memory] [--records 2000000] [--pairs 3] [--rows 1000000]
 *
 * `--records` are those of each run under full load, `--rows` those of the scan.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { machineCpu } from '../side-by-side/rig/process-figures.ts'
import { markdownTable } from '../side-by-side/rig/markdown-table.ts'
import { hop } from './hop.ts'
import { idle } from './idle.ts'
import { loaded } from './loaded.ts'
import { memory, scan } from './rows.ts'
import type { Row } from './verdict.ts'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    records: { type: 'string', default: '2000000' },
    pairs: { type: 'string', default: '3' },
    rows: { type: 'string', default: '1000000' },
  },
})
const [records, pairs, rows] = [options.records, options.pairs, options.rows].map(Number) as [number, number, number]

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-queries-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
// Ending by `exit` lets clients, instances and the broker be ended, too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const parts: Readonly<Record<string, () => Promise<Row[]>>> = {
  idle: () => idle(directory),
  hop: () => hop(join(directory, 'hop')),
  loaded: () => loaded(directory, { records, pairs }),
  scan: () => scan(directory, rows),
  memory: () => memory(directory, rows),
}
const found: Row[] = []
for (const [name, part] of Object.entries(parts)) {
  if (options.only !== undefined && options.only !== name) continue
  const others = await busyCores()
  if (others > 0.2) console.log(`${name}: the machine is busy with something else, ${others.toFixed(1)} cores`)
  for (const row of await part()) {
    found.push(row)
    console.log(Object.values(row).join('  '))
  }
}
if (found.length === 0) throw new Error('nothing to run')
console.log(`\n${markdownTable(['what', 'measured', 'bound', 'kept'], found.map(cells))}`)
if (found.some(({ isKept }) => isKept === false)) process.exitCode = 1

function cells({ what, measured, bound, isKept }: Row): string[] {
  return [what, measured, bound, isKept === undefined ? '' : isKept ? 'yes' : 'NO']
}

/** Cores that are busy while nothing of this benchmark runs. */
async function busyCores(): Promise<number> {
  const [cpu, time] = [machineCpu(), performance.now()]
  await new Promise((resolve) => setTimeout(resolve, 2000))
  return (machineCpu() - cpu) / ((performance.now() - time) / 1000)
}

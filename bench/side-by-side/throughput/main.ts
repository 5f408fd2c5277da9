/**
 * Millrace and Kafka Streams side by side: the same workloads on the same broker, in turn, one stream thread each,
 * with their results checked.
 *
 *     npm run bench -- [--quick] [--workload w2[,w5]] [--guarantee alos|eos] [--cache on|off] [--runs N] [--records N]
 *                      [--only millrace|java] [--profile DIRECTORY] [--java KEY=VALUE[,…]] [--json FILE] [--record]
 *
 * `--json` adds each run to a file, and reports on all runs in it: a long benchmark can be run in parts. `--record`
 * keeps the ratios, with which later runs of as many records are compared; unless they are `--quick`, it writes them
 * into docs/performance.md.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { cells, type Cell } from '../rig/cells.ts'
import { javaClassPath } from '../rig/java.ts'
import { onBroker } from '../rig/on-broker.ts'
import { comparedWithRecorded, publish, record } from './recorded.ts'
import { sidesOf } from '../rig/side.ts'
import { summarize, table, type Run } from './report.ts'
import { runOnce, type RunContext } from './run-once.ts'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    workload: { type: 'string' },
    guarantee: { type: 'string' },
    cache: { type: 'string' },
    runs: { type: 'string' },
    records: { type: 'string' },
    only: { type: 'string' },
    profile: { type: 'string' },
    java: { type: 'string' },
    json: { type: 'string' },
    record: { type: 'boolean', default: false },
  },
})

const records = Number(options.records ?? (options.quick ? 300_000 : 1_000_000))
const runs = Number(options.runs ?? (options.quick ? 1 : 5))
const sides = sidesOf(options.only)
const chosen = cells.filter(
  ({ workload, guarantee, cached }) =>
    (options.workload?.split(',').includes(workload) ?? true) &&
    (options.guarantee ?? guarantee) === guarantee &&
    (options.cache === undefined || (options.cache === 'on') === cached),
)
if (chosen.length === 0 || !(records > 0) || !(runs > 0)) throw new Error('nothing to run')

if (options.profile !== undefined) mkdirSync(options.profile, { recursive: true })
await onBroker(async ({ log, broker, directory }) => {
  const context: RunContext = {
    log,
    broker,
    directory,
    records,
    classPath: sides.includes('java') ? await javaClassPath(directory) : '',
    javaSettings: options.java ?? '',
    profile: options.profile,
  }
  const done: Run[] = []
  for (const cell of chosen) done.push(...(await runCell(context, cell)))
  const results = summarize(options.json === undefined ? done : readRuns(options.json))
  console.log(`\n${table(results)}`)
  for (const line of comparedWithRecorded(results)) console.log(line)
  if (options.record) record(results)
  if (options.record && !options.quick) publish(results, `npm run bench -- ${process.argv.slice(2).join(' ')}`)
  if (done.some((run) => run.fault !== undefined)) process.exitCode = 1
})

function readRuns(file: string): Run[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return lines.map((line): Run => JSON.parse(line))
}

async function runCell(context: RunContext, cell: Cell): Promise<Run[]> {
  const done: Run[] = []
  for (let i = 0; i < runs; i++) {
    for (const side of sides) {
      const run = await runOnce(context, cell, side)
      done.push(run)
      console.log(describe(run))
      if (options.json !== undefined) appendFileSync(options.json, `${JSON.stringify(run)}\n`)
    }
  }
  return done
}

function describe({ cell, side, measured, outputs, changelog, fault }: Run): string {
  const name = `${cell.workload} ${cell.guarantee}${cell.cached ? '' : ' uncached'}`.padEnd(20)
  if (measured === undefined) return `${name} ${side.padEnd(8)} VOID: ${fault}`
  const { secondsClosed, cpuClosed, brokerCpu, otherCpu, rss } = measured
  const perRecord = (seconds: number): string => ((seconds / records) * 1e6).toFixed(2)
  return [
    name,
    side.padEnd(8),
    `${Math.round(records / secondsClosed / 1000)} k/s`.padStart(8),
    `${perRecord(cpuClosed)} µs CPU`.padStart(14),
    `broker ${perRecord(brokerCpu)} µs`,
    `others ${(otherCpu / secondsClosed).toFixed(2)} cores`,
    `${rss} MB`,
    `out ${outputs}, changelog ${changelog ?? '-'}`,
    fault === undefined ? 'right' : `VOID: ${fault}`,
  ].join('  ')
}

/**
 * How the rate changes as input and keys grow: W2 without a cache, first with ten times as many records, then with more
 * and more accounts, up to a state that is several times the memory it is given.
 *
 *     npm run bench:growth -- [--of input,keys] [--guarantee alos|eos] [--records N] [--accounts 10000,5000000]
 *                             [--memory 64MiB] [--only millrace|java] [--runs N]
 *
 * `--records` is how many there are of the growing keys. Kafka Streams has no bound for all of its memory; it keeps its
 * own.
 */
import { parseArgs } from 'node:util'
import type { Cell } from '../rig/cells.ts'
import { javaClassPath } from '../rig/java.ts'
import { markdownTable } from '../rig/markdown-table.ts'
import { median } from '../rig/median.ts'
import { onBroker } from '../rig/on-broker.ts'
import { sidesOf, type Side } from '../rig/side.ts'
import { totalsOf } from '../rig/workloads.ts'
import type { Run } from '../throughput/report.ts'
import { runOnce, type RunContext } from '../throughput/run-once.ts'

const { values: options } = parseArgs({
  options: {
    of: { type: 'string', default: 'input,keys' },
    guarantee: { type: 'string', default: 'alos' },
    records: { type: 'string', default: '5000000' },
    accounts: { type: 'string', default: '10000,100000,1000000,5000000' },
    memory: { type: 'string', default: '64MiB' },
    only: { type: 'string' },
    runs: { type: 'string', default: '1' },
  },
})

const cell: Cell = { workload: 'w2', guarantee: options.guarantee === 'eos' ? 'eos' : 'alos', cached: false }
const records = Number(options.records)
const runs = Number(options.runs)

interface Step {
  readonly accounts: number
  readonly records: number
  /** Millrace's default if undefined. */
  readonly memory: string | undefined
}

interface Series {
  readonly step: Step
  readonly side: Side
  readonly done: Run[]
}

const growing = options.of.split(',')
const inputs = growing.includes('input') ? [1_000_000, 10_000_000] : []
const numbersOfAccounts = growing.includes('keys') ? options.accounts.split(',').map(Number) : []
const steps: readonly Step[] = [
  ...inputs.map((count) => ({ accounts: 10_000, records: count, memory: undefined })),
  ...numbersOfAccounts.map((accounts) => ({ accounts, records, memory: options.memory })),
]
const columns = [
  'application',
  'accounts',
  'records',
  'memory',
  'k records/s',
  'µs CPU a record',
  'MB',
  'others, cores',
]
const rows: string[][] = []

await onBroker(async ({ log, broker, directory }) => {
  const sides = sidesOf(options.only)
  const classPath = sides.includes('java') ? await javaClassPath(directory) : ''
  const series = steps.flatMap((step) => sides.map((side): Series => ({ step, side, done: [] })))
  // In turn, so that a broker that has just been started slows no step more than another.
  for (let i = 0; i < runs; i++) {
    for (const { step, side, done } of series) {
      const workload = totalsOf(step.accounts, `${step.accounts} accounts`, `bench-payments-of-${step.accounts}`)
      const context: RunContext = {
        log,
        broker,
        directory,
        records: step.records,
        classPath,
        javaSettings: '',
        profile: undefined,
        memory: step.memory,
      }
      const run = await runOnce(context, cell, side, workload)
      done.push(run)
      console.log(rowOf(step, side, [run]).join('  '))
      if (run.fault !== undefined) process.exitCode = 1
    }
  }
  rows.push(...series.map(({ step, side, done }) => rowOf(step, side, done)))
})
console.log(`\n${markdownTable(columns, rows)}`)

function rowOf({ accounts, records: count, memory }: Step, side: Side, done: readonly Run[]): string[] {
  const fault = done.find((run) => run.fault !== undefined)?.fault
  const measured = done.flatMap((run) => run.measured ?? [])
  const of = (value: (one: (typeof measured)[number]) => number): number => median(measured.map(value))
  return [
    side === 'java' ? 'Java' : 'Millrace',
    grouped(accounts),
    grouped(count),
    side === 'java' ? '' : (memory ?? 'default'),
    fault === undefined ? (count / of(({ secondsClosed }) => secondsClosed) / 1000).toFixed(0) : `void: ${fault}`,
    ((of(({ cpuClosed }) => cpuClosed) / count) * 1e6).toFixed(1),
    of(({ rss }) => rss).toFixed(0),
    of(({ otherCpu, secondsClosed }) => otherCpu / secondsClosed).toFixed(2),
  ]
}

function grouped(value: number): string {
  return value.toLocaleString('en')
}

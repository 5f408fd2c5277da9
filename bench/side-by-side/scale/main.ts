/**
 * One instance against two: an application as one process of one thread, and as two that share the four partitions of
 * the same input, each with its own state directory. All instances have their tasks before the first record is to be
 * seen: the input is one transaction.
 *
 *     npm run bench:scale -- [--workload w2big] [--guarantee alos|eos] [--records N] [--runs N]
 *
 * Counts from the first record of any instance to the close of the last. The broker runs on the same machine: with two
 * cores it has nothing left for itself when both instances are busy.
 */
import { parseArgs } from 'node:util'
import type { Cell } from '../rig/cells.ts'
import { markdownTable } from '../rig/markdown-table.ts'
import { median } from '../rig/median.ts'
import { onBroker } from '../rig/on-broker.ts'
import { scaleRun, type ScaleRun } from './scale-run.ts'
import { workloads } from '../rig/workloads.ts'

const { values: options } = parseArgs({
  options: {
    workload: { type: 'string', default: 'w2big' },
    guarantee: { type: 'string' },
    records: { type: 'string', default: '2000000' },
    runs: { type: 'string', default: '3' },
  },
})

const records = Number(options.records)
const runs = Number(options.runs)
const { workload } = options
const guarantees = (['alos', 'eos'] as const).filter((guarantee) => (options.guarantee ?? guarantee) === guarantee)
if (guarantees.length === 0 || workloads[workload] === undefined || !(records > 0) || !(runs > 0)) {
  throw new Error('nothing to run')
}

const columns = [
  'workload',
  'guarantee',
  'runs',
  'k records/s, one / two',
  'factor',
  'µs CPU a record, one / two',
  'broker, one / two',
  'others, cores',
]
const rows: string[][] = []

await onBroker(async (place) => {
  for (const guarantee of guarantees) {
    const cell: Cell = { workload, guarantee, cached: true }
    const done: ScaleRun[] = []
    for (let i = 0; i < runs; i++) {
      for (const instances of [1, 2]) {
        const run = await scaleRun(place, cell, records, instances)
        done.push(run)
        console.log(describe(guarantee, run))
      }
    }
    if (done.some(({ fault }) => fault !== undefined)) process.exitCode = 1
    rows.push(rowOf(guarantee, done))
  }
})
console.log(`\n${markdownTable(columns, rows)}`)

function describe(guarantee: string, { instances, seconds, apart, cpu, brokerCpu, otherCpu, fault }: ScaleRun): string {
  return [
    `${workload} ${guarantee}`,
    `${instances} ${instances === 1 ? 'instance ' : 'instances'}`,
    `${rateOf(seconds)} k/s`,
    `began ${apart.toFixed(2)} s apart`,
    `${perRecord(cpu)} µs CPU`,
    `broker ${perRecord(brokerCpu)} µs`,
    `others ${(otherCpu / seconds).toFixed(2)} cores`,
    fault === undefined ? 'right' : `VOID: ${fault}`,
  ].join('  ')
}

function rowOf(guarantee: string, done: readonly ScaleRun[]): string[] {
  const of = (instances: number, value: (run: ScaleRun) => number): number =>
    median(done.filter((run) => run.instances === instances).map(value))
  const pair = (show: (seconds: number) => string, value: (run: ScaleRun) => number): string =>
    `${show(of(1, value))} / ${show(of(2, value))}`
  const fault = done.find((run) => run.fault !== undefined)?.fault
  return [
    workloads[workload]?.title ?? workload,
    guarantee,
    String(runs),
    pair(rateOf, ({ seconds }) => seconds),
    fault === undefined
      ? `**${(of(1, ({ seconds }) => seconds) / of(2, ({ seconds }) => seconds)).toFixed(2)}**`
      : `void: ${fault}`,
    pair(perRecord, ({ cpu }) => cpu),
    pair(perRecord, ({ brokerCpu }) => brokerCpu),
    median(done.map(({ otherCpu, seconds }) => otherCpu / seconds)).toFixed(2),
  ]
}

function rateOf(seconds: number): string {
  return (records / seconds / 1000).toFixed(0)
}

function perRecord(seconds: number): string {
  return ((seconds / records) * 1e6).toFixed(1)
}

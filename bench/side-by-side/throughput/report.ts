import { COMMIT_INTERVAL, type Cell } from '../rig/cells.ts'
import { markdownTable } from '../rig/markdown-table.ts'
import type { Measurement } from '../rig/measured-process.ts'
import { median } from '../rig/median.ts'
import type { Side } from '../rig/side.ts'
import { workloads } from '../rig/workloads.ts'

/** One run, with what it wrote. */
export interface Run {
  readonly cell: Cell
  readonly side: Side
  readonly records: number
  readonly measured: Measurement | undefined
  readonly outputs: number
  readonly changelog: number | undefined
  /** Why the run does not count. */
  readonly fault: string | undefined
}

/** Medians of one side's runs in a cell. */
interface SideResult {
  readonly runs: number
  /** Thousands of records a second, from the first record to the clean close. */
  readonly rate: number
  /** CPU of the process, µs a record. */
  readonly cpu: number
  /** MB */
  readonly rss: number
  readonly outputs: number
  readonly changelog: number
  readonly seconds: number
}

export interface CellResult {
  readonly title: string
  readonly guarantee: string
  /** Number of records of the input. */
  readonly records: number
  /** Why there is nothing to compare. */
  readonly fault: string | undefined
  readonly java: SideResult
  readonly millrace: SideResult
  /** Rate of Millrace over that of Java: more is better. */
  readonly rateRatio: number
  /** CPU of Millrace over that of Java: less is better. */
  readonly cpuRatio: number
  /** Cores that were busy with something else. */
  readonly others: number
}

/** Below this share of Java's outputs Millrace did less than the same work. */
const LEAST_OUTPUTS = 0.9

/** Medians of each cell, in the order in which the cells were run. */
export function summarize(runs: readonly Run[]): CellResult[] {
  const byCell = new Map<string, Run[]>()
  for (const run of runs) {
    const { workload, guarantee, cached } = run.cell
    const key = `${workload} ${guarantee} ${cached} ${run.records}`
    byCell.set(key, [...(byCell.get(key) ?? []), run])
  }
  return [...byCell.values()].map(cellResult)
}

function cellResult(runs: readonly Run[]): CellResult {
  const { cell, records } = runs[0] as Run
  const java = sideResult(runs, 'java')
  const millrace = sideResult(runs, 'millrace')
  const failed = runs.find((run) => run.fault !== undefined)
  return {
    title: `${workloads[cell.workload]?.title ?? cell.workload}${cell.cached ? '' : ', uncached'}`,
    guarantee: cell.guarantee === 'eos' ? 'exactly_once' : 'at_least_once',
    records,
    fault: failed === undefined ? lessWork(cell, java, millrace) : `${failed.side}: ${firstLine(failed.fault)}`,
    java,
    millrace,
    rateRatio: millrace.rate / java.rate,
    cpuRatio: millrace.cpu / java.cpu,
    others: median(runs.flatMap(({ measured: m }) => (m === undefined ? [] : [m.otherCpu / m.secondsClosed]))),
  }
}

function sideResult(all: readonly Run[], side: Side): SideResult {
  const runs = all.filter((run) => run.side === side)
  const of = (value: (measured: Measurement, records: number) => number): number =>
    median(runs.flatMap(({ measured, records }) => (measured === undefined ? [] : [value(measured, records)])))
  return {
    runs: runs.length,
    rate: of((measured, records) => records / measured.secondsClosed / 1000),
    cpu: of((measured, records) => (measured.cpuClosed / records) * 1e6),
    rss: of((measured) => measured.rss),
    outputs: median(runs.map((run) => run.outputs)),
    changelog: median(runs.map((run) => run.changelog ?? 0)),
    seconds: of((measured) => measured.secondsClosed),
  }
}

/** A commit emits what a cache held back: a faster side commits less often and emits less in all, not per commit. */
function lessWork(cell: Cell, java: SideResult, millrace: SideResult): string | undefined {
  const commits = ({ seconds }: SideResult): number => Math.ceil((seconds * 1000) / COMMIT_INTERVAL[cell.guarantee])
  const isLess = millrace.outputs < LEAST_OUTPUTS * java.outputs
  const isLessEach = millrace.outputs / commits(millrace) < (LEAST_OUTPUTS * java.outputs) / commits(java)
  return isLess && isLessEach ? 'fewer outputs' : undefined
}

export const columns = [
  'workload',
  'guarantee',
  'runs',
  'k records/s, Java / Millrace',
  'ratio',
  'µs CPU a record, Java / Millrace',
  'ratio',
  'MB, Java / Millrace',
  'outputs, Java / Millrace',
  'changelog, Java / Millrace',
  'others, cores',
]

/** The cells of a row of the table. */
export function rowOf({ title, guarantee, java, millrace, fault, rateRatio, cpuRatio, others }: CellResult): string[] {
  const pair = (value: (side: SideResult) => number, digits = 0): string =>
    `${value(java).toFixed(digits)} / ${value(millrace).toFixed(digits)}`
  return [
    title,
    guarantee,
    String(millrace.runs),
    pair(({ rate }) => rate),
    fault === undefined ? `**${rateRatio.toFixed(2)}**` : `void: ${fault}`,
    pair(({ cpu }) => cpu, 1),
    cpuRatio.toFixed(2),
    pair(({ rss }) => rss),
    pair(({ outputs }) => outputs),
    pair(({ changelog }) => changelog),
    others.toFixed(1),
  ]
}

/** A Markdown table, one row a cell. */
export function table(results: readonly CellResult[]): string {
  return markdownTable(columns, results.map(rowOf))
}

function firstLine(text: string | undefined): string {
  return text?.split('\n', 1)[0] ?? ''
}

import type { Cell } from './cells.ts'
import type { Measurement } from './measured-process.ts'
import { workloads } from './workloads.ts'

export type Side = 'java' | 'millrace'

/** One run, with what it wrote. */
export interface Run {
  readonly cell: Cell
  readonly side: Side
  readonly measured: Measurement | undefined
  readonly outputs: number
  readonly changelog: number | undefined
  /** Why the run does not count. */
  readonly fault: string | undefined
}

/** Below this share of Java's outputs (under exactly_once: of those between two commits) Millrace did less than the same work. */
const LEAST_OUTPUTS = 0.9

const columns = [
  'workload',
  'guarantee',
  'runs',
  'k records/s to close, Java / Millrace',
  'ratio',
  'µs CPU a record, Java / Millrace',
  'ratio',
  'MB resident, Java / Millrace',
  'outputs, Java / Millrace',
  'changelog records, Java / Millrace',
  'others, cores',
]

/** A table of medians, as Markdown: a row for each cell in which both sides ran. */
export function report(runs: readonly Run[], records: number): string {
  const byCell = new Map<Cell, Run[]>()
  for (const run of runs) byCell.set(run.cell, [...(byCell.get(run.cell) ?? []), run])
  const rows = [...byCell].map(([cell, of]) => row(cell, of, records))
  return [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function row(cell: Cell, runs: readonly Run[], records: number): string[] {
  const title = `${workloads[cell.workload]?.title ?? cell.workload}${cell.cached ? '' : ', uncached'}`
  const head = [title, cell.guarantee === 'eos' ? 'exactly_once' : 'at_least_once']
  const fault = runs.find((run) => run.fault !== undefined)
  if (fault !== undefined) return [...head, `void: ${fault.side}: ${fault.fault?.split('\n', 1)[0] ?? ''}`]
  const of = (side: Side, value: (measured: Measurement) => number): number =>
    median(runs.flatMap((run) => (run.side === side && run.measured !== undefined ? [value(run.measured)] : [])))
  const written = (side: Side, value: (run: Run) => number | undefined): number =>
    median(runs.flatMap((run) => (run.side === side ? [value(run) ?? 0] : [])))
  const pair = (value: (side: Side) => number, digits: number): string =>
    `${value('java').toFixed(digits)} / ${value('millrace').toFixed(digits)}`
  const rate = (side: Side): number => records / of(side, (measured) => measured.secondsClosed) / 1000
  const cpu = (side: Side): number => (of(side, (measured) => measured.cpuClosed) / records) * 1e6
  const outputs = (side: Side): number => written(side, (run) => run.outputs)
  const others = median(runs.flatMap(({ measured: m }) => (m === undefined ? [] : [m.otherCpu / m.secondsClosed])))
  // Frequent commits emit what a cache held back: who is quicker commits less often, and emits less in all.
  const seconds = (side: Side): number =>
    cell.guarantee === 'alos' ? 1 : of(side, (measured) => measured.secondsClosed)
  const isLessWork = outputs('millrace') / seconds('millrace') < (LEAST_OUTPUTS * outputs('java')) / seconds('java')
  const ratio = rate('millrace') / rate('java')
  return [
    ...head,
    String(runs.filter((run) => run.side === 'millrace').length),
    pair(rate, 0),
    isLessWork ? 'void: fewer outputs' : `**${ratio.toFixed(2)}**`,
    pair(cpu, 1),
    (cpu('millrace') / cpu('java')).toFixed(2),
    pair((side) => of(side, (measured) => measured.rss), 0),
    pair(outputs, 0),
    pair((side) => written(side, (run) => run.changelog), 0),
    others.toFixed(2),
  ]
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

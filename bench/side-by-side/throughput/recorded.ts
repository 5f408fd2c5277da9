import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { markdownTable } from '../rig/markdown-table.ts'
import { columns, rowOf, type CellResult } from './report.ts'

/** The ratios that a run is compared with; kept beside the page that shows them. */
interface RecordedCell {
  readonly title: string
  readonly guarantee: string
  readonly rateRatio: number
  readonly cpuRatio: number
}

const file = join(import.meta.dirname, 'recorded.json')
const page = join(import.meta.dirname, '..', '..', '..', 'docs', 'performance.md')
const BEGIN = '<!-- side by side: written by npm run bench -- --record -->'
const END = '<!-- end of side by side -->'
/** A ratio that is worse by more than this is told. */
const TOLERANCE = 0.15

function recordedCells(): RecordedCell[] {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []
}

/** What is worse than what was recorded last; noise of a busy machine is told too. */
export function worseThanRecorded(results: readonly CellResult[]): string[] {
  const recorded = recordedCells()
  const lines: string[] = []
  for (const { title, guarantee, fault, rateRatio, cpuRatio } of results) {
    const was = recorded.find((cell) => cell.title === title && cell.guarantee === guarantee)
    if (was === undefined || fault !== undefined) continue
    const tell = (what: string, now: number, then: number): void => {
      lines.push(`${title}, ${guarantee}: ${what} is ${now.toFixed(2)} of Java's, was ${then.toFixed(2)}`)
    }
    if (rateRatio < was.rateRatio * (1 - TOLERANCE)) tell('rate', rateRatio, was.rateRatio)
    if (cpuRatio > was.cpuRatio * (1 + TOLERANCE)) tell('CPU a record', cpuRatio, was.cpuRatio)
  }
  return lines
}

/** Makes these results the recorded ones, and puts them into the documentation. What was recorded of other cells stays. */
export function record(results: readonly CellResult[], command: string): void {
  const valid = results.filter(({ fault, rateRatio }) => fault === undefined && Number.isFinite(rateRatio))
  const cells = valid.map(({ title, guarantee, rateRatio, cpuRatio }) => ({
    title,
    guarantee,
    rateRatio: rounded(rateRatio),
    cpuRatio: rounded(cpuRatio),
  }))
  const all = merged(recordedCells(), cells, ({ title, guarantee }) => `${title}, ${guarantee}`)
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`)
  const text = readFileSync(page, 'utf8')
  const [before, rest] = text.split(BEGIN, 2)
  const [table, after] = (rest ?? '').split(END, 2)
  if (before === undefined || table === undefined || after === undefined)
    throw new Error(`${page} has no place for the results`)
  const measured = `${new Date().toISOString().slice(0, 10)}, \`${command}\``
  const rows = valid.map((result) => [...rowOf(result), measured])
  const allRows = merged(rowsOf(table), rows, (row) => row.slice(0, 2).join(', '))
  writeFileSync(page, `${before}${BEGIN}\n\n${markdownTable([...columns, 'measured'], allRows)}\n\n${END}${after}`)
}

/** Of a Markdown table, without its head. */
function rowsOf(table: string): string[][] {
  const lines = table.split('\n').filter((line) => line.startsWith('|'))
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** The old ones in their places, each replaced by the new one of its name; then those that are new. */
function merged<T>(old: readonly T[], fresh: readonly T[], nameOf: (one: T) => string): T[] {
  const byName = new Map([...old, ...fresh].map((one) => [nameOf(one), one]))
  return [...byName.values()]
}

function rounded(ratio: number): number {
  return Math.round(ratio * 1000) / 1000
}

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { markdownTable } from '../rig/markdown-table.ts'
import { columns, rowOf, type CellResult } from './report.ts'

/** The ratios that a run of as many records is compared with: in a shorter one the start of the JVM weighs more. */
interface RecordedCell {
  readonly title: string
  readonly guarantee: string
  readonly records: number
  readonly rateRatio: number
  readonly cpuRatio: number
}

const file = join(import.meta.dirname, 'recorded.json')
const page = join(import.meta.dirname, '..', '..', '..', 'docs', 'performance.md')
const BEGIN = '<!-- side by side: written by npm run bench -- --record -->'
const END = '<!-- end of side by side -->'
/** A ratio that is worse by more than this is reported. */
const TOLERANCE = 0.15

function recordedCells(): RecordedCell[] {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []
}

/** Returns the results that are worse than those recorded for as many records, even if only the machine was busy. */
export function comparedWithRecorded(results: readonly CellResult[]): string[] {
  const recorded = new Map(recordedCells().map((cell) => [nameOf(cell), cell]))
  const lines: string[] = []
  for (const cell of validOf(results)) {
    const { title, guarantee, records, rateRatio, cpuRatio } = cell
    const was = recorded.get(nameOf(cell))
    if (was === undefined) {
      lines.push(`not recorded: ${title}, ${guarantee}, with ${records} records`)
      continue
    }
    const tell = (what: string, now: number, then: number): void => {
      lines.push(`worse: ${title}, ${guarantee}: ${what} is ${now.toFixed(2)} of Java's, was ${then.toFixed(2)}`)
    }
    if (rateRatio < was.rateRatio * (1 - TOLERANCE)) tell('rate', rateRatio, was.rateRatio)
    if (cpuRatio > was.cpuRatio * (1 + TOLERANCE)) tell('CPU a record', cpuRatio, was.cpuRatio)
  }
  return lines
}

/** Makes these results the recorded ones. What was recorded of other cells, or of more or fewer records, stays. */
export function record(results: readonly CellResult[]): void {
  const cells = validOf(results).map(({ title, guarantee, records, rateRatio, cpuRatio }) => ({
    title,
    guarantee,
    records,
    rateRatio: rounded(rateRatio),
    cpuRatio: rounded(cpuRatio),
  }))
  writeFileSync(file, `${JSON.stringify(merged(recordedCells(), cells, nameOf), null, 2)}\n`)
}

/** Puts these results into the documentation. What it says of other cells stays. */
export function publish(results: readonly CellResult[], command: string): void {
  const text = readFileSync(page, 'utf8')
  const [before, rest] = text.split(BEGIN, 2)
  const [table, after] = (rest ?? '').split(END, 2)
  if (before === undefined || table === undefined || after === undefined)
    throw new Error(`${page} has no place for the results`)
  const measured = `${new Date().toISOString().slice(0, 10)}, \`${command}\``
  const rows = validOf(results).map((result) => [...rowOf(result), measured])
  const allRows = merged(rowsOf(table), rows, (row) => row.slice(0, 2).join(', '))
  writeFileSync(page, `${before}${BEGIN}\n\n${markdownTable([...columns, 'measured'], allRows)}\n\n${END}${after}`)
}

function validOf(results: readonly CellResult[]): CellResult[] {
  return results.filter(({ fault, rateRatio }) => fault === undefined && Number.isFinite(rateRatio))
}

function nameOf({ title, guarantee, records }: Pick<RecordedCell, 'title' | 'guarantee' | 'records'>): string {
  return `${title}, ${guarantee}, ${records}`
}

/** Returns the rows of a Markdown table, without its head. */
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
function merged<T>(old: readonly T[], fresh: readonly T[], name: (one: T) => string): T[] {
  const byName = new Map([...old, ...fresh].map((one) => [name(one), one]))
  return [...byName.values()]
}

function rounded(ratio: number): number {
  return Math.round(ratio * 1000) / 1000
}

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { table, type CellResult } from './report.ts'

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

/** What is worse than what was recorded last; noise of a busy machine is told too. */
export function worseThanRecorded(results: readonly CellResult[]): string[] {
  if (!existsSync(file)) return []
  const recorded: RecordedCell[] = JSON.parse(readFileSync(file, 'utf8'))
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

/** Makes these results the recorded ones, and puts them into the documentation. */
export function record(results: readonly CellResult[], command: string): void {
  const cells = results
    .filter(({ fault, rateRatio }) => fault === undefined && Number.isFinite(rateRatio))
    .map(({ title, guarantee, rateRatio, cpuRatio }) => ({
      title,
      guarantee,
      rateRatio: rounded(rateRatio),
      cpuRatio: rounded(cpuRatio),
    }))
  writeFileSync(file, `${JSON.stringify(cells, null, 2)}\n`)
  const text = readFileSync(page, 'utf8')
  const [before, rest] = text.split(BEGIN, 2)
  const [, after] = (rest ?? '').split(END, 2)
  if (before === undefined || after === undefined) throw new Error(`${page} has no place for the results`)
  const date = new Date().toISOString().slice(0, 10)
  const head = `${date}, Node ${process.version}, Kafka and Kafka Streams 4.3.0, \`${command}\``
  writeFileSync(page, `${before}${BEGIN}\n\n${head}\n\n${table(results)}\n\n${END}${after}`)
}

function rounded(ratio: number): number {
  return Math.round(ratio * 1000) / 1000
}

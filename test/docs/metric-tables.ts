import { APPLICATION } from '../../src/metrics/catalogue/application.ts'
import { CONNECTORS } from '../../src/metrics/catalogue/connectors.ts'
import type { MetricSpec } from '../../src/metrics/catalogue/metric.ts'
import { PROCESS } from '../../src/metrics/catalogue/process.ts'
import { RECORDS } from '../../src/metrics/catalogue/records.ts'
import { REQUESTS } from '../../src/metrics/catalogue/requests.ts'
import { TASKS } from '../../src/metrics/catalogue/tasks.ts'

/** The parts of the catalogue by the names that the page of monitoring calls for them. */
const PARTS: ReadonlyMap<string, Readonly<Record<string, MetricSpec>>> = new Map<
  string,
  Readonly<Record<string, MetricSpec>>
>([
  ['application', APPLICATION],
  ['records', RECORDS],
  ['tasks', TASKS],
  ['requests', REQUESTS],
  ['connectors', CONNECTORS],
  ['process', PROCESS],
])

const SECTION = /<!-- metrics: (.+?) -->\n[\s\S]*?<!-- end of metrics -->/g

/** Returns a page with every table of metrics written again. */
export function withMetricTables(page: string): string {
  return page.replaceAll(SECTION, (_section, name: string) => {
    const part = PARTS.get(name)
    if (part === undefined) throw new Error(`the catalogue has no part called ${name}`)
    return `<!-- metrics: ${name} -->\n\n${markdownOf(part)}\n\n<!-- end of metrics -->`
  })
}

function markdownOf(part: Readonly<Record<string, MetricSpec>>): string {
  const rows = Object.entries(part).map(([name, { type, labels, finer = [], help, kafkaStreams = '' }]) => [
    `\`${name}\``,
    type,
    [...labels.map((label) => `\`${label}\``), ...finer.map((label) => `(\`${label}\`)`)].join(', '),
    help,
    kafkaStreams,
  ])
  const all = [['metric', 'type', 'labels', 'meaning', 'Kafka Streams'], ...rows]
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  return [line(all[0]!), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

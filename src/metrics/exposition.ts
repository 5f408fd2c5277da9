import { METRICS } from './catalogue.ts'
import type { HistogramSeries, Metric, MetricsSnapshot } from './snapshot.ts'

/** The text formats that Prometheus reads: its own, 0.0.4, and OpenMetrics 1.0.0. */
export type ExpositionFormat = 'prometheus' | 'openmetrics'

export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** Lines of text made before everything else gets its turn. */
const LINES_PER_PIECE = 500

/** Writes a snapshot as text, piece by piece: whoever takes the pieces lets other work run between them. */
export function* exposition({ app, metrics }: MetricsSnapshot, format: ExpositionFormat): Generator<string, void> {
  const common = `app="${escaped(app)}"`
  let lines: string[] = []
  for (const metric of metrics) {
    lines.push(...headOf(metric, format))
    for (const line of linesOf(metric, common)) {
      lines.push(line)
      if (lines.length < LINES_PER_PIECE) continue
      yield `${lines.join('\n')}\n`
      lines = []
    }
  }
  if (format === 'openmetrics') lines.push('# EOF')
  yield `${lines.join('\n')}\n`
}

function headOf({ name, type, unit, help }: Metric, format: ExpositionFormat): string[] {
  const isOpen = format === 'openmetrics'
  // OpenMetrics names a counter without the suffix of its samples.
  const family = isOpen && type === 'counter' ? name.replace(/_total$/, '') : name
  const text = isOpen ? escaped(help) : help.replaceAll('\\', '\\\\')
  const head = [`# HELP ${family} ${text}`, `# TYPE ${family} ${type}`]
  return isOpen && family.endsWith(`_${unit}`) ? [...head, `# UNIT ${family} ${unit}`] : head
}

function* linesOf(metric: Metric, common: string): Generator<string> {
  const { name } = metric
  if (metric.type === 'histogram') {
    const bounds = (METRICS[name].bounds ?? []).map(decimal)
    for (const series of metric.series) yield* histogramLines(name, bounds, series, withLabels(common, series.labels))
    return
  }
  for (const { labels, value } of metric.series) yield `${name}{${withLabels(common, labels)}} ${numberText(value)}`
}

function* histogramLines(
  name: string,
  bounds: readonly string[],
  { buckets, count, sum }: HistogramSeries,
  labels: string,
): Generator<string> {
  for (const [index, bound] of bounds.entries()) yield `${name}_bucket{${labels},le="${bound}"} ${buckets[index] ?? 0}`
  yield `${name}_bucket{${labels},le="+Inf"} ${count}`
  yield `${name}_sum{${labels}} ${numberText(sum)}`
  yield `${name}_count{${labels}} ${count}`
}

function withLabels(common: string, labels: Readonly<Record<string, string>>): string {
  let text = common
  for (const [name, value] of Object.entries(labels)) text += `,${name}="${escaped(value)}"`
  return text
}

/** Writes a bound as OpenMetrics wants it: 1.0, not 1. */
function decimal(bound: number): string {
  return Number.isInteger(bound) ? bound.toFixed(1) : String(bound)
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

function escaped(text: string): string {
  return /[\\"\n]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : text
}

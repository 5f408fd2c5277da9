import { labelNames, METRICS, metricNames, type MetricName } from './catalogue.ts'
import type { Unit } from './catalogue/metric.ts'
import type { MetricsDetail } from './metrics-options.ts'
import { Samples, type HistogramValue, type Sample } from './samples.ts'

/** All metrics of this instance that have a value, as of one moment. */
export interface MetricsSnapshot {
  /** The id of the application. */
  readonly app: string
  /** Where the instance is reached, `HOST:PORT`; its process id if it advertises nothing. */
  readonly instance: string
  /** ms since the epoch. */
  readonly time: number
  /** In the order of the catalogue. A metric without a series is left out: it counts as 0. */
  readonly metrics: readonly Metric[]
}

/** A metric and its series. */
export type Metric = NumberMetric | HistogramMetric

interface MetricHead {
  readonly name: MetricName
  readonly unit: Unit
  /** What it means, in one sentence. */
  readonly help: string
}

/** A metric whose series have one value each. A counter starts at 0 with the process. */
export interface NumberMetric extends MetricHead {
  readonly type: 'counter' | 'gauge'
  readonly series: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]
}

/** A metric whose series count values by their size. */
export interface HistogramMetric extends MetricHead {
  readonly type: 'histogram'
  /** Upper bounds of the buckets, ascending. Values above the last one are in `count` alone. */
  readonly bounds: readonly number[]
  readonly series: readonly HistogramSeries[]
}

/** How many values of one series were at most so large. */
export interface HistogramSeries {
  readonly labels: Readonly<Record<string, string>>
  readonly count: number
  readonly sum: number
  /** For each bound, how many values were at most that. */
  readonly buckets: readonly number[]
}

/** Series above which labels are left out, the finest first. */
export const MOST_SERIES = 5000

/** Labels that may have many values, in the order in which they are left out when there are too many series. */
const MANY_VALUED = ['task', 'child', 'node', 'store', 'topic'] as const

/** Makes a snapshot of what was counted. Series beyond the bound are made one: their sums stay right. */
export function snapshotOf(
  head: Pick<MetricsSnapshot, 'app' | 'instance' | 'time'>,
  samples: Samples,
  detail: MetricsDetail,
): MetricsSnapshot {
  const wanted = samples.list()
  let all = detail === 'task' ? wanted : without(wanted, ['task'])
  const before = all.length
  for (let labels = 1; all.length > MOST_SERIES && labels <= MANY_VALUED.length; labels++) {
    all = without(wanted, MANY_VALUED.slice(0, labels))
  }
  const left = new Samples()
  left.add('millrace_metrics_series_dropped', {}, before - all.length)
  const byName = Map.groupBy([...all, ...left.list()], ({ metric }) => metric)
  return { ...head, metrics: metricNames().flatMap((name) => metricOf(name, byName.get(name) ?? [])) }
}

/** Leaves labels out, and makes one of the series that then are the same. Others stay as they are. */
function without(samples: readonly Sample[], names: readonly string[]): Sample[] {
  const kept: Sample[] = []
  const folded = new Samples()
  for (const sample of samples) {
    const all = labelNames(sample.metric)
    if (!all.some((name) => names.includes(name))) {
      kept.push(sample)
      continue
    }
    const labels = sample.labels.map((value, index) => (names.includes(all[index] ?? '') ? '' : value))
    folded.addAll([{ ...sample, labels }])
  }
  return [...kept, ...folded.list()]
}

function metricOf(name: MetricName, samples: readonly Sample[]): Metric[] {
  if (samples.length === 0) return []
  const { type, unit, help, bounds = [] } = METRICS[name]
  const head = { name, unit, help }
  if (type === 'histogram') {
    const series = samples.map(({ labels, value }) => {
      const { count, sum, buckets } = value as HistogramValue
      let below = 0
      return { labels: labelsOf(name, labels), count, sum, buckets: buckets.map((each) => (below += each)) }
    })
    return [{ ...head, type, bounds, series }]
  }
  const series = samples.map(({ labels, value }) => ({ labels: labelsOf(name, labels), value: Number(value) }))
  return [{ ...head, type, series }]
}

function labelsOf(metric: MetricName, values: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {}
  for (const [index, name] of labelNames(metric).entries()) {
    const value = values[index] ?? ''
    if (value !== '') labels[name] = value
  }
  return labels
}

import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { METRICS, type MetricName, type MetricsSnapshot } from 'millrace'
import { exposition, type ExpositionFormat } from '../../src/metrics/exposition.ts'
import { Samples, type HistogramValue } from '../../src/metrics/samples.ts'
import { MOST_SERIES, snapshotOf } from '../../src/metrics/snapshot.ts'

const names = Object.keys(METRICS) as MetricName[]

/** A snapshot with this many series of every metric of the catalogue. */
function snapshotWith(seriesOfEach: number, text: (label: string, index: number) => string): MetricsSnapshot {
  const samples = new Samples()
  for (const name of names) {
    const { labels, bounds } = METRICS[name]
    for (let index = 0; index < (labels.length === 0 ? 1 : seriesOfEach); index++) {
      const buckets = (bounds ?? []).map(() => 1)
      const value: number | HistogramValue =
        bounds === undefined ? index + 0.5 : { count: buckets.length + 1, sum: 12.5, buckets }
      const given = Object.fromEntries(labels.map((label) => [label, text(label, index)]))
      samples.add(name, given, value)
    }
  }
  return snapshotOf({ app: 'words', instance: 'here', time: 0 }, samples, 'node')
}

function textOf(snapshot: MetricsSnapshot, format: ExpositionFormat = 'prometheus'): string {
  return [...exposition(snapshot, format)].join('')
}

describe('the text that Prometheus reads', () => {
  test('has nothing that promtool complains of, for every metric of the catalogue', () => {
    const text = textOf(snapshotWith(2, (label, index) => `${label} "${index}"\\\n`))
    expect(execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8', stdio: 'pipe' })).toBe('')
  })

  test('is written as its format has it', () => {
    const samples = new Samples()
    samples.add('millrace_records_processed_total', { subtopology: '0' }, 3)
    samples.add('millrace_commit_duration_seconds', {}, { count: 3, sum: 61.5, buckets: [1, ...Array(11).fill(0)] })
    samples.add('millrace_records_written_total', { node: 'a"b\\c\nd' }, 1)
    const snapshot = snapshotOf({ app: 'words', instance: 'here', time: 0 }, samples, 'node')
    const of = (format: ExpositionFormat): string[] =>
      textOf(snapshot, format)
        .split('\n')
        .filter((line) => !line.startsWith('# HELP') && !/le="(?!0\.005|60\.0|\+Inf)/.test(line))
    expect(of('prometheus')).toEqual([
      '# TYPE millrace_metrics_series_dropped gauge',
      'millrace_metrics_series_dropped{app="words"} 0',
      '# TYPE millrace_records_processed_total counter',
      'millrace_records_processed_total{app="words",subtopology="0"} 3',
      '# TYPE millrace_records_written_total counter',
      'millrace_records_written_total{app="words",node="a\\"b\\\\c\\nd"} 1',
      '# TYPE millrace_commit_duration_seconds histogram',
      'millrace_commit_duration_seconds_bucket{app="words",le="0.005"} 1',
      'millrace_commit_duration_seconds_bucket{app="words",le="60.0"} 1',
      'millrace_commit_duration_seconds_bucket{app="words",le="+Inf"} 3',
      'millrace_commit_duration_seconds_sum{app="words"} 61.5',
      'millrace_commit_duration_seconds_count{app="words"} 3',
      '',
    ])
    expect(of('openmetrics')).toEqual([
      '# TYPE millrace_metrics_series_dropped gauge',
      'millrace_metrics_series_dropped{app="words"} 0',
      '# TYPE millrace_records_processed counter',
      'millrace_records_processed_total{app="words",subtopology="0"} 3',
      '# TYPE millrace_records_written counter',
      'millrace_records_written_total{app="words",node="a\\"b\\\\c\\nd"} 1',
      '# TYPE millrace_commit_duration_seconds histogram',
      '# UNIT millrace_commit_duration_seconds seconds',
      'millrace_commit_duration_seconds_bucket{app="words",le="0.005"} 1',
      'millrace_commit_duration_seconds_bucket{app="words",le="60.0"} 1',
      'millrace_commit_duration_seconds_bucket{app="words",le="+Inf"} 3',
      'millrace_commit_duration_seconds_sum{app="words"} 61.5',
      'millrace_commit_duration_seconds_count{app="words"} 3',
      '# EOF',
      '',
    ])
  })

  test('comes in pieces, however many series there are', () => {
    const snapshot = snapshotWith(100, (label, index) => `${label}-${index}`)
    const series = snapshot.metrics.reduce((sum, metric) => sum + metric.series.length, 0)
    expect(series).toBeGreaterThan(2000)
    expect(series).toBeLessThanOrEqual(MOST_SERIES + 1)
    const pieces = [...exposition(snapshot, 'prometheus')].map((piece) => piece.split('\n').length)
    expect(Math.max(...pieces)).toBeLessThanOrEqual(600)
  })
})

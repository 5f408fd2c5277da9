import { describe, expect, test } from 'vitest'
import { METRICS, type MetricsDetail, type MetricsSnapshot } from 'millrace'
import { Samples } from '../../src/metrics/samples.ts'
import { MOST_SERIES, snapshotOf } from '../../src/metrics/snapshot.ts'

const HEAD = { app: 'words', instance: 'here', time: 0 }

function seriesOf({ metrics }: MetricsSnapshot, name: string): readonly unknown[] {
  return metrics.find((metric) => metric.name === name)?.series ?? []
}

describe('a snapshot', () => {
  test('adds tasks up, and shows each of them to those who ask for it', () => {
    const samples = new Samples()
    samples.add('millrace_records_processed_total', { subtopology: '0', task: '0_0' }, 2)
    samples.add('millrace_records_processed_total', { subtopology: '0', task: '0_1' }, 3)
    samples.add('millrace_task_stream_time_seconds', { subtopology: '0', task: '0_0' }, 70)
    samples.add('millrace_task_stream_time_seconds', { subtopology: '0', task: '0_1' }, 60)
    const of = (detail: MetricsDetail): unknown[] =>
      ['millrace_records_processed_total', 'millrace_task_stream_time_seconds'].map((name) =>
        seriesOf(snapshotOf(HEAD, samples, detail), name),
      )
    expect(of('node')).toEqual([
      [{ labels: { subtopology: '0' }, value: 5 }],
      [{ labels: { subtopology: '0' }, value: 60 }],
    ])
    expect(of('task')[0]).toEqual([
      { labels: { subtopology: '0', task: '0_0' }, value: 2 },
      { labels: { subtopology: '0', task: '0_1' }, value: 3 },
    ])
  })

  test('has a bounded number of series, whose sums are right, and says how many were made one', () => {
    const samples = new Samples()
    for (let task = 0; task < 3 * MOST_SERIES; task++) {
      samples.add('millrace_task_input_lag_records', { topic: `t${task % 4}`, task: `0_${task}` }, 1)
    }
    const snapshot = snapshotOf(HEAD, samples, 'task')
    expect(seriesOf(snapshot, 'millrace_task_input_lag_records')).toEqual(
      [0, 1, 2, 3].map((topic) => ({ labels: { topic: `t${topic}` }, value: (3 * MOST_SERIES) / 4 })),
    )
    expect(seriesOf(snapshot, 'millrace_metrics_series_dropped')).toEqual([{ labels: {}, value: 3 * MOST_SERIES - 4 }])
  })
})

test('each metric is named as Prometheus wants it, by its type and unit', () => {
  const wrong = Object.entries(METRICS).filter(([name, { type, unit, bounds, help }]) => {
    const rightName = /^(millrace|process|nodejs)(_[a-z0-9]+)+$/.test(name)
    const rightEnd = name.endsWith('_total') === (type === 'counter')
    const rightUnit = !['seconds', 'bytes'].includes(unit) || name.replace(/_total$/, '').endsWith(`_${unit}`)
    return !rightName || !rightEnd || !rightUnit || (bounds !== undefined) !== (type === 'histogram') || /\n/.test(help)
  })
  expect(wrong).toEqual([])
})

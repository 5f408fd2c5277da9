import type { MetricName, Streams } from 'millrace'

/** Returns the sum of all series of a counter or gauge; 0 if there is none. */
export function totalOf(streams: Pick<Streams, 'metrics'>, name: MetricName): number {
  const metric = streams.metrics().metrics.find((each) => each.name === name)
  if (metric === undefined || metric.type === 'histogram') return 0
  return metric.series.reduce((sum, { value }) => sum + value, 0)
}

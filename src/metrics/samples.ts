import { labelNames, METRICS, metricNames, type LabelsOf, type MetricName } from './catalogue.ts'

/** A histogram's values so far. `buckets` has a count for each bound, of the values between it and the one before. */
export interface HistogramValue {
  readonly count: number
  readonly sum: number
  readonly buckets: readonly number[]
}

/** A value of one series: plain data, to be sent from one thread to another. */
export interface Sample {
  readonly metric: MetricName
  /** In the order of the catalogue: first `labels`, then `finer`. Empty: does not apply. */
  readonly labels: readonly string[]
  readonly value: number | HistogramValue
}

/** Values of series, each of them once. What is added to a series that there is already is made one with it. */
export class Samples {
  readonly #byMetric = new Map<MetricName, Map<string, Sample>>()

  add<Name extends MetricName>(metric: Name, labels: LabelsOf<Name>, value: number | HistogramValue): void {
    const given = labels as Readonly<Record<string, string | undefined>>
    this.#put({ metric, labels: labelNames(metric).map((name) => given[name] ?? ''), value })
  }

  /** @param only those that are added; all by default */
  addAll(samples: Iterable<Sample>, only: (sample: Sample) => boolean = () => true): void {
    for (const sample of samples) if (only(sample)) this.#put(sample)
  }

  /** Returns the series in the order of the catalogue. */
  list(): Sample[] {
    return metricNames().flatMap((metric) => [...(this.#byMetric.get(metric)?.values() ?? [])])
  }

  #put(sample: Sample): void {
    const { metric, labels, value } = sample
    const series = this.#byMetric.get(metric) ?? new Map<string, Sample>()
    this.#byMetric.set(metric, series)
    const key = labels.join('\0')
    const before = series.get(key)
    series.set(key, before === undefined ? sample : { ...sample, value: joined(metric, before.value, value) })
  }
}

/** Returns whether the value stays when what it counts has ended: that of a counter does. */
export function outlives({ metric }: Sample): boolean {
  return METRICS[metric].type !== 'gauge'
}

function joined(metric: MetricName, a: Sample['value'], b: Sample['value']): Sample['value'] {
  if (typeof a === 'object' && typeof b === 'object') {
    const buckets = a.buckets.map((count, index) => count + (b.buckets[index] ?? 0))
    return { count: a.count + b.count, sum: a.sum + b.sum, buckets }
  }
  const [one, other] = [Number(a), Number(b)]
  const { across = 'sum' } = METRICS[metric]
  return across === 'sum' ? one + other : Math[across](one, other)
}

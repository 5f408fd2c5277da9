/** What a value counts. Values themselves are always seconds, bytes or plain numbers. */
export type Unit = 'seconds' | 'bytes' | 'records' | 'offsets' | 'entries' | 'tasks' | 'threads' | 'times' | 'yes or no'

/** A row of the catalogue: what a metric means, whoever shows it. */
export interface MetricSpec {
  /** A `counter` only grows while the process lives; a `gauge` is as of now; a `histogram` counts values by size. */
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly unit: Unit
  readonly labels: readonly string[]
  /** Labels that series have with `detail: 'task'` alone. */
  readonly finer?: readonly string[]
  /** One sentence without a line break. */
  readonly help: string
  /** What Kafka Streams calls it, or the nearest that it has. */
  readonly kafkaStreams?: string
  /** How series are made one, of several threads or instances. Default: `sum`. */
  readonly across?: 'sum' | 'max' | 'min'
  /** Upper bounds of a histogram's buckets, ascending. */
  readonly bounds?: readonly number[]
}

/** Holds each row to its type, and keeps the names of its labels. */
export function metrics<const Specs extends Readonly<Record<string, MetricSpec>>>(specs: Specs): Specs {
  return specs
}

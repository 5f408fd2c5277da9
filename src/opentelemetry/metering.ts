import type { BatchObservableResult, Meter, Observable } from '@opentelemetry/api'
import { MillraceError } from '../errors/millrace-error.ts'
import { METRICS, metricNames, type MetricName } from '../metrics/catalogue.ts'
import type { Unit } from '../metrics/catalogue/metric.ts'
import { METRICS_OPTIONS, type MetricsDetail, type MetricsOptions } from '../metrics/metrics-options.ts'
import type { Metric } from '../metrics/snapshot.ts'
import { show } from '../options/option.ts'
import { readOptions } from '../options/options.ts'
import type { Companion, CompanionHost } from '../runtime/companion.ts'

/** Units as OpenTelemetry writes them: UCUM, with what is counted in braces. */
const UNITS: Readonly<Record<Unit, string>> = {
  seconds: 's',
  bytes: 'By',
  records: '{record}',
  offsets: '{offset}',
  entries: '{entry}',
  tasks: '{task}',
  threads: '{thread}',
  times: '1',
  'yes or no': '1',
}

/**
 * Makes a companion that registers every metric of Millrace as an observable instrument of a meter. They are read when
 * the SDK of the program collects, and cost nothing between. Instruments are called as in `METRICS`, without `_total`,
 * `_seconds` and `_bytes`, which exporters for Prometheus put back. A histogram is two counters, `_count` and `_sum`:
 * OpenTelemetry has no histograms that are observed.
 *
 * @throws MR_CONFIG
 * @example
 * ```ts
 * import { metrics } from '@opentelemetry/api'
 * import { metering } from 'millrace/opentelemetry'
 *
 * const companions = [metering(metrics.getMeter('millrace'))]
 * await using streams = await Streams.start(app, { log, companions })
 * ```
 */
export function metering(meter: Meter, options: MetricsOptions = {}): Companion {
  const { detail } = readOptions(METRICS_OPTIONS, options, 'metering()')
  requireMeter(meter)
  return new Metering(meter, detail)
}

class Metering implements Companion {
  readonly name = 'metering'
  readonly #meter: Meter
  readonly #detail: MetricsDetail
  readonly #instruments = new Map<string, Observable>()
  #callback: ((result: BatchObservableResult) => void) | undefined
  #collections = 0

  constructor(meter: Meter, detail: MetricsDetail) {
    this.#meter = meter
    this.#detail = detail
    for (const name of metricNames()) this.#create(name)
  }

  start(streams: CompanionHost): void {
    const callback = (result: BatchObservableResult): void => this.#observe(streams, result)
    this.#meter.addBatchObservableCallback(callback, [...this.#instruments.values()])
    this.#callback = callback
  }

  stop(): void {
    if (this.#callback === undefined) return
    this.#meter.removeBatchObservableCallback(this.#callback, [...this.#instruments.values()])
    this.#callback = undefined
  }

  status(): object {
    return { collections: this.#collections }
  }

  #create(metric: MetricName): void {
    const { type, unit, help: description } = METRICS[metric]
    const name = instrumentName(metric)
    if (type === 'gauge') {
      this.#instruments.set(metric, this.#meter.createObservableGauge(name, { description, unit: UNITS[unit] }))
    } else if (type === 'counter') {
      this.#instruments.set(metric, this.#meter.createObservableCounter(name, { description, unit: UNITS[unit] }))
    } else {
      for (const [part, partUnit] of [
        ['count', '1'],
        ['sum', UNITS[unit]],
      ] as const) {
        const counter = this.#meter.createObservableCounter(`${name}_${part}`, { description, unit: partUnit })
        this.#instruments.set(`${metric} ${part}`, counter)
      }
    }
  }

  #observe(streams: CompanionHost, result: BatchObservableResult): void {
    this.#collections++
    const { app, metrics } = streams.metrics({ detail: this.#detail })
    for (const metric of metrics) this.#observeOne(metric, app, result)
  }

  #observeOne(metric: Metric, app: string, result: BatchObservableResult): void {
    const { name } = metric
    const observe = (instrument: string, value: number, labels: Readonly<Record<string, string>>): void =>
      result.observe(this.#instruments.get(instrument) as Observable, value, { app, ...labels })
    if (metric.type === 'histogram') {
      for (const { count, sum, labels } of metric.series) {
        observe(`${name} count`, count, labels)
        observe(`${name} sum`, sum, labels)
      }
    } else for (const { value, labels } of metric.series) observe(name, value, labels)
  }
}

function requireMeter(meter: Partial<Meter> | undefined): void {
  if (typeof meter?.addBatchObservableCallback === 'function') return
  throw new MillraceError('MR_CONFIG', `metering() was given ${show(meter)} instead of a meter`, {
    hint: "Give it one of OpenTelemetry's: metering(metrics.getMeter('millrace')).",
  })
}

/** Leaves out what exporters for Prometheus add by type and unit. */
function instrumentName(metric: MetricName): string {
  return metric.replace(/(_seconds|_bytes)?(_total)?$/, '')
}

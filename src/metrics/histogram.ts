import { METRICS, type MetricName } from './catalogue.ts'
import type { HistogramValue } from './samples.ts'

/** Counts values by their size. Neither memory nor time grow with the values. */
export class Histogram {
  readonly #bounds: readonly number[]
  readonly #buckets: Float64Array
  #count = 0
  #sum = 0

  /** @param metric whose bounds are those of the buckets */
  constructor(metric: MetricName) {
    this.#bounds = METRICS[metric].bounds ?? []
    this.#buckets = new Float64Array(this.#bounds.length)
  }

  observe(value: number): void {
    this.#count++
    this.#sum += value
    const bounds = this.#bounds
    let at = 0
    while (at < bounds.length && value > bounds[at]!) at++
    if (at < bounds.length) this.#buckets[at]!++
  }

  /** Values that were counted. */
  get count(): number {
    return this.#count
  }

  get value(): HistogramValue {
    return { count: this.#count, sum: this.#sum, buckets: [...this.#buckets] }
  }
}

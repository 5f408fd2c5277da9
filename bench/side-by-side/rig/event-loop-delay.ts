import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How much later than asked for a timer fired, ms. */
export interface Delay {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** ms between two firings; a timer of 1 ms takes 4 % of a core by itself. */
const RESOLUTION = 10
const NAME = 'EVENT_LOOP_DELAY'

/** Measures the event loop's delay. The histogram holds times between two firings: the timer's period is subtracted. */
export class EventLoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION })
  readonly #after: number

  /** @param after ms from `start` that are not counted */
  constructor(after: number) {
    this.#after = after
  }

  start(): void {
    setTimeout(() => this.#histogram.enable(), this.#after).unref()
  }

  /** Ends measuring; the result as a line for `parseEventLoopDelay`. */
  end(): string {
    this.#histogram.disable()
    const { max } = this.#histogram
    const values = [this.#histogram.percentile(50), this.#histogram.percentile(99), max]
    return `${NAME} ${values.map((ns) => Math.max(0, ns / 1e6 - RESOLUTION).toFixed(2)).join(' ')}`
  }
}

/** Undefined if the line is another one. */
export function parseEventLoopDelay(line: string): Delay | undefined {
  const [name, p50, p99, max] = line.split(' ')
  return name === NAME ? { p50: Number(p50), p99: Number(p99), max: Number(max) } : undefined
}

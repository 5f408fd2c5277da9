import { Histogram } from '../../metrics/histogram.ts'
import { Samples, type Sample } from '../../metrics/samples.ts'

/** What the main thread counts: queries that this process asks, requests to its servers, threads that fail. */
export class InstanceCounters {
  /** By the labels of the series, joined: queries and requests make strings anyway. */
  readonly #queries = new Map<string, number>()
  readonly #requests = new Map<string, number>()
  readonly #failures = new Map<string, number>()
  readonly #queryDurations = new Map<string, Histogram>()
  readonly #requestDurations = new Map<string, Histogram>()

  /**
   * Counts a query of one partition.
   *
   * @param outcome `ok`, or the code of the error
   * @param ms until the first rows were there
   */
  query(store: string, op: string, outcome: string, ms: number): void {
    increment(this.#queries, [store, op, outcome])
    durationsOf(this.#queryDurations, 'millrace_query_duration_seconds', op).observe(ms / 1000)
  }

  /**
   * Counts a request to a server.
   *
   * @param route as it stands in the table of routes; `none` for other paths
   * @param ms until the head of the response was there
   */
  request(route: string, method: string, status: number, ms: number): void {
    increment(this.#requests, [route, METHODS.has(method) ? method : 'other', `${Math.floor(status / 100)}xx`])
    durationsOf(this.#requestDurations, 'millrace_http_request_duration_seconds', route).observe(ms / 1000)
  }

  /** Counts a stream thread that an error has ended. @param decision what follows, or `fenced` */
  threadFailed(decision: string): void {
    increment(this.#failures, [decision])
  }

  samples(): readonly Sample[] {
    const samples = new Samples()
    for (const [decision, count] of this.#failures) samples.add('millrace_thread_failures_total', { decision }, count)
    for (const [key, count] of this.#queries) {
      const [store, op, outcome] = key.split('\0')
      samples.add('millrace_queries_total', { store, op, outcome }, count)
    }
    for (const [key, count] of this.#requests) {
      const [route, method, status] = key.split('\0')
      samples.add('millrace_http_requests_total', { route, method, status }, count)
    }
    for (const [op, { value }] of this.#queryDurations) samples.add('millrace_query_duration_seconds', { op }, value)
    for (const [route, { value }] of this.#requestDurations) {
      samples.add('millrace_http_request_duration_seconds', { route }, value)
    }
    return samples.list()
  }
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

function increment(counts: Map<string, number>, labels: readonly string[]): void {
  const key = labels.join('\0')
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function durationsOf(
  durations: Map<string, Histogram>,
  metric: 'millrace_query_duration_seconds' | 'millrace_http_request_duration_seconds',
  name: string,
): Histogram {
  const known = durations.get(name)
  if (known !== undefined) return known
  const histogram = new Histogram(metric)
  durations.set(name, histogram)
  return histogram
}

/** Where a record is that has a span: what the span says of it. */
export interface TracedRecord {
  /** The application's. */
  readonly group: string
  readonly task: string
  /** The kind of the log. */
  readonly log: 'kafka' | 'embedded' | 'memory'
  readonly topic: string
  /** -1: not known yet. */
  readonly partition: number
  /** -1: not known yet. */
  readonly offset: number
}

/** The context that a record brings along, as the headers of W3C Trace Context have it. */
export interface TraceParent {
  readonly traceparent: string
  readonly tracestate: string | undefined
}

/** The span of a record that is being processed. */
export interface RecordSpan {
  /** The context of the span: what is written for the record goes on from it. */
  readonly traceparent: string
  /** Calls a function with the span as the active one. */
  within<T>(act: () => T): T
  /** Notes that the record has read what another one wrote. @param traceparent the context of that one's span */
  link(traceparent: string): void
  /** A node took long. Times are ms since the epoch. */
  node(name: string, begin: number, end: number): void
  /** The record could not be processed. @param code of the error */
  failed(code: string): void
  /** The last call. */
  end(): void
}

/**
 * Makes spans of the records whose headers have a sampled `traceparent`. `tracing` of `millrace/opentelemetry` returns
 * one; that of an application is its option `tracing`.
 */
export interface Tracing {
  /** Begins the span of a record that is processed now. */
  consumed(record: TracedRecord, parent: TraceParent): RecordSpan
  /** Makes the span of a record that is written to a topic. Returns its context, as a `traceparent`. */
  produced(record: TracedRecord, node: string, parent: TraceParent): string
  /** Calls a function as a part of the trace. */
  within<T>(parent: TraceParent, act: () => T): T
}

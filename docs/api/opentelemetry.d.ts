// What `import … from 'millrace/opentelemetry'` gives: names and signatures.
// Written by `npx vitest run test/architecture/api.test.ts -u`.

export interface RecordSpan {
  readonly traceparent: string
  within<T>(act: () => T): T
  link(traceparent: string): void
  node(name: string, begin: number, end: number): void
  failed(code: string): void
  end(): void
}

export interface TraceParent {
  readonly traceparent: string
  readonly tracestate: string | undefined
}

export interface TracedRecord {
  readonly group: string
  readonly task: string
  readonly log: 'kafka' | 'embedded' | 'memory'
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface Tracing {
  consumed(record: TracedRecord, parent: TraceParent): RecordSpan
  produced(record: TracedRecord, node: string, parent: TraceParent): string
  within<T>(parent: TraceParent, act: () => T): T
}

export function metering(meter: Meter, options?: MetricsOptions): Companion

export function tracing(tracer: Tracer): Tracing

import { context, trace, type Tracer } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace'

/** Lets the active span follow promises, as the SDK for Node does. */
export function followPromises(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
}

/** A tracer whose spans are kept in memory. */
export class Traced {
  readonly tracer: Tracer
  readonly #exporter = new InMemorySpanExporter()

  constructor() {
    this.tracer = new TracerProvider({
      spanProcessors: [new SimpleSpanProcessor({ exporter: this.#exporter })],
    }).getTracer('test')
  }

  get spans(): readonly ReadableSpan[] {
    return this.#exporter.getFinishedSpans()
  }

  named(name: string): ReadableSpan[] {
    return this.spans.filter((span) => span.name === name)
  }

  /** Begins a trace, as the producer of a record does. Returns its headers and the span's id. */
  begin(): { readonly headers: [[string, string]]; readonly traceId: string; readonly spanId: string } {
    const span = this.tracer.startSpan('produce')
    span.end()
    const { traceId, spanId } = span.spanContext()
    return { headers: [['traceparent', `00-${traceId}-${spanId}-01`]], traceId, spanId }
  }
}

/** Returns the names of the spans from a span up to the one without a known parent. */
export function pathOf(span: ReadableSpan, spans: readonly ReadableSpan[]): string[] {
  const parent = spans.find((each) => each.spanContext().spanId === span.parentSpanContext?.spanId)
  return parent === undefined ? [span.name] : [span.name, ...pathOf(parent, spans)]
}

export const activeSpanId = (): string | undefined => trace.getActiveSpan()?.spanContext().spanId

import {
  context,
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api'
import type { RecordSpan, TracedRecord, TraceParent, Tracing } from '../application/tracing.ts'

/**
 * Returns what makes spans of the records whose headers have a sampled `traceparent`, for the option `tracing` of
 * `defineApp`: for each record that is processed (`process TOPIC`), for each that is written (`send TOPIC`), and for
 * nodes that take longer than 1 ms. The parent of each is that of the record it comes of. Records that wrote the rows
 * which it has read are linked.
 *
 * Records without the header, and without a sampled one, have no spans and pay nothing.
 *
 * @param tracer of the provider that the application has set up, in each thread that processes records
 * @example
 * ```ts
 * defineApp({ id: 'orders', build, tracing: tracing(trace.getTracer('orders')) })
 * ```
 * Names and attributes are those of OpenTelemetry's semantic conventions for messaging. Kafka Streams has no traces of
 * its own.
 */
export function tracing(tracer: Tracer): Tracing {
  return new SpanMaker(tracer)
}

class SpanMaker implements Tracing {
  readonly #tracer: Tracer

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  consumed(record: TracedRecord, parent: TraceParent): RecordSpan {
    const attributes = { ...attributesOf(record, 'process'), 'messaging.consumer.group.name': record.group }
    const options = { kind: SpanKind.CONSUMER, attributes }
    return new ProcessSpan(this.#tracer, this.#tracer.startSpan(`process ${record.topic}`, options, contextOf(parent)))
  }

  produced(record: TracedRecord, node: string, parent: TraceParent): string {
    const attributes = { ...attributesOf(record, 'send'), 'millrace.node': node }
    const options = { kind: SpanKind.PRODUCER, attributes }
    const span = this.#tracer.startSpan(`send ${record.topic}`, options, contextOf(parent))
    span.end()
    return traceparentOf(span.spanContext())
  }

  within<T>(parent: TraceParent, act: () => T): T {
    return context.with(contextOf(parent), act)
  }
}

class ProcessSpan implements RecordSpan {
  readonly traceparent: string
  readonly #tracer: Tracer
  readonly #span: Span
  readonly #context: Context

  constructor(tracer: Tracer, span: Span) {
    this.traceparent = traceparentOf(span.spanContext())
    this.#tracer = tracer
    this.#span = span
    this.#context = trace.setSpan(ROOT_CONTEXT, span)
  }

  within<T>(act: () => T): T {
    return context.with(this.#context, act)
  }

  link(traceparent: string): void {
    this.#span.addLink({ context: spanContextOf({ traceparent, tracestate: undefined }) })
  }

  node(name: string, begin: number, end: number): void {
    const options = { startTime: begin, attributes: { 'millrace.node': name } }
    this.#tracer.startSpan(name, options, this.#context).end(end)
  }

  failed(code: string): void {
    this.#span.setAttribute('error.type', code)
    this.#span.setStatus({ code: SpanStatusCode.ERROR })
  }

  end(): void {
    this.#span.end()
  }
}

function attributesOf(record: TracedRecord, operation: 'process' | 'send'): Attributes {
  const { log, topic, partition, offset, task } = record
  return {
    'messaging.system': log === 'kafka' ? 'kafka' : 'millrace',
    'messaging.operation.name': operation,
    'messaging.operation.type': operation,
    'messaging.destination.name': topic,
    'millrace.task': task,
    ...(partition < 0 ? {} : { 'messaging.destination.partition.id': String(partition) }),
    ...(offset < 0 ? {} : { 'messaging.kafka.offset': offset }),
  }
}

function contextOf(parent: TraceParent): Context {
  return trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent))
}

function spanContextOf({ traceparent, tracestate }: TraceParent): SpanContext {
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-')
  const state = tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true, ...state }
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}

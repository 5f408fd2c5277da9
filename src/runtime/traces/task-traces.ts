import type { Application } from '../../application/application.ts'
import type { RecordSpan, TracedRecord, TraceParent, Tracing } from '../../application/tracing.ts'
import { propertyOf } from '../../errors/millrace-error.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Headers } from '../../record/headers.ts'
import type { RecordContext } from '../../record/record-context.ts'
import type { RecordTraces, TraceableRow } from '../../record/record-traces.ts'
import { sampledParent, withParent } from '../../record/trace-parent.ts'

/** What all spans of a task say. */
export type TracedTask = Pick<TracedRecord, 'group' | 'task' | 'log'>

/** A node that takes longer than this, in ms, gets a span of its own. */
const SLOW = 1
/** The greatest number of links of a span: a record that reads many rows would have no end of them. */
const MOST_LINKS = 32

/**
 * The spans of one task. Records without a sampled `traceparent` have none. What a traced record writes has the context
 * of its span in the headers, whatever it has passed: caches, buffers and asynchronous steps keep the headers.
 */
export class TaskTraces implements RecordTraces {
  readonly #tracing: Tracing
  readonly #task: TracedTask
  readonly #clock: Clock
  readonly #record: RecordContext
  /** The contexts of those who wrote rows that are in memory. */
  readonly #writers = new WeakMap<TraceableRow, string>()
  /** That of the record which is processed. */
  #span: RecordSpan | undefined
  #links = new Set<string>()
  /** Headers that were found to have no sampled `traceparent`, and how many they were. */
  #untraced: Headers | undefined
  #untracedLength = 0
  /** ms spent in the nodes that the current node forwarded to. */
  #below = 0

  constructor(tracing: Tracing, task: TracedTask, clock: Clock, record: RecordContext) {
    this.#tracing = tracing
    this.#task = task
    this.#clock = clock
    this.#record = record
  }

  /** Returns the traces of a task, which its record knows from then on; undefined: the application has no tracer. */
  static of(
    { id, settings }: Application,
    task: Omit<TracedTask, 'group'>,
    clock: Clock,
    record: RecordContext,
  ): TaskTraces | undefined {
    const { tracing } = settings
    if (tracing === undefined) return undefined
    const traces = new TaskTraces(tracing, { group: id, ...task }, clock, record)
    record.traces = traces
    return traces
  }

  /** Begins the span of an input record, if its trace is sampled, and returns the headers for what comes of it. */
  begin(topic: string, partition: number, offset: number, headers: Headers): Headers | undefined {
    const parent = this.#parentOf(headers)
    if (parent === undefined) return undefined
    this.#span = this.#tracing.consumed({ ...this.#task, topic, partition, offset }, parent)
    this.#below = 0
    return withParent(headers, this.#span.traceparent)
  }

  /** Processes the record whose span has begun, and ends the span. */
  process(act: () => void): void {
    const span = this.#span as RecordSpan
    try {
      span.within(act)
    } finally {
      this.#span = undefined
      this.#links.clear()
      span.end()
    }
  }

  /** A node has failed with the current record. */
  failed(error: unknown): void {
    const code = propertyOf(error, 'code') ?? propertyOf(error, 'name')
    this.#own?.failed(typeof code === 'string' ? code : 'Error')
  }

  /** Returns the headers of a record that is written: if it is traced, with the context of a span of its own. */
  written(topic: string, node: string, headers: Headers): Headers {
    const parent = this.#parentOf(headers)
    if (parent === undefined) return headers
    const record = { ...this.#task, topic, partition: -1, offset: -1 }
    return withParent(headers, this.#tracing.produced(record, node, parent))
  }

  /** Measures the call of a node, as `NodeMeasure` does. */
  measure(_task: string, node: string, act: () => void): void {
    const clock = this.#clock
    const below = this.#below
    this.#below = 0
    const begin = clock.monotonic()
    try {
      act()
    } finally {
      const total = clock.monotonic() - begin
      if (total - this.#below > SLOW) {
        const end = clock.now()
        this.#span?.node(node, end - total, end)
      }
      this.#below = below + total
    }
  }

  wrote(row: TraceableRow): void {
    const writer = this.#sampled(this.#record.headers)
    if (writer === undefined && !row.traced) return
    row.traced = writer !== undefined
    if (writer === undefined) this.#writers.delete(row)
    else this.#writers.set(row, writer)
  }

  read(row: TraceableRow): void {
    const span = this.#own
    const writer = this.#writers.get(row)
    if (span === undefined || writer === undefined || writer === span.traceparent) return
    if (this.#links.size >= MOST_LINKS || this.#links.has(writer)) return
    this.#links.add(writer)
    span.link(writer)
  }

  within<T>(headers: Headers, act: () => T): T {
    const parent = this.#parentOf(headers)
    return parent === undefined ? act() : this.#tracing.within(parent, act)
  }

  /** Returns the span, unless a cache sends something else meanwhile. */
  get #own(): RecordSpan | undefined {
    const span = this.#span
    return span !== undefined && this.#sampled(this.#record.headers) === span.traceparent ? span : undefined
  }

  #parentOf(headers: Headers): TraceParent | undefined {
    const traceparent = this.#sampled(headers)
    if (traceparent === undefined) return undefined
    return { traceparent, tracestate: headers.getString('tracestate') ?? undefined }
  }

  /** The rows and records that come of one record mostly have its headers: they are looked through once. */
  #sampled(headers: Headers): string | undefined {
    if (headers === this.#untraced && headers.length === this.#untracedLength) return undefined
    const traceparent = sampledParent(headers)
    if (traceparent === undefined) {
      this.#untraced = headers
      this.#untracedLength = headers.length
    }
    return traceparent
  }
}

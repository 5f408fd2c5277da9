import { appendFileSync } from 'node:fs'
import { threadId } from 'node:worker_threads'
import { SimpleSpanProcessor, TracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace'
import { defineApp, json, string, topic, type Topic } from 'millrace'
import { tracing } from 'millrace/opentelemetry'

/* An application for several threads: each of them imports this module, and so has a tracer of its own. */

const id = process.env['TRACED_APP'] ?? 'traced-app'

/** A span as a line of the file that `TRACED_SPANS` names. */
export interface SpanLine {
  readonly thread: number
  readonly name: string
  readonly trace: string
}

const exporter: SpanExporter = {
  export(spans, done) {
    for (const span of spans) {
      const line: SpanLine = { thread: threadId, name: span.name, trace: span.spanContext().traceId }
      appendFileSync(process.env['TRACED_SPANS'] ?? '/dev/null', `${JSON.stringify(line)}\n`)
    }
    done({ code: 0 })
  },
  shutdown: () => Promise.resolve(),
}
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })

export const orders: Topic<string, number> = topic(`${id}-orders`, { key: string(), value: json<number>() })
export const results: Topic<string, number> = topic(`${id}-results`, { key: string(), value: json<number>() })

export default defineApp({
  id,
  threads: 2,
  guarantee: 'exactly_once',
  tracing: tracing(provider.getTracer(id)),
  build: (builder) => {
    const again = builder.stream(orders).selectKey((key) => `${key} again`)
    again.groupByKey({ name: 'again', key: string() }).count().toStream().to(results)
  },
})

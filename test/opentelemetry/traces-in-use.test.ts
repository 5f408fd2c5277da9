import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { afterAll, expect, test } from 'vitest'
import { defineApp, Headers, json, memoryLog, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { Log, StreamsBuilder, Topic } from 'millrace'
import { kafka } from 'millrace/kafka'
import { tracing } from 'millrace/opentelemetry'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'
import { until } from '../server/support.ts'
import type * as tracedApp from './traced-app.ts'
import type { SpanLine } from './traced-app.ts'
import { pathOf, Traced } from './traced.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-traces-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const numbers = (name: string): Topic<string, number> => topic(name, { key: string(), value: json<number>() })

/** Writes records, each with a trace of its own. Returns the ids of the traces. */
async function write(log: Log, to: Topic<string, number>, traced: Traced, keys: readonly string[]): Promise<string[]> {
  await using writer = await TopicWriter.open(log, to)
  const traces = keys.map((key, value) => {
    const { headers, traceId } = traced.begin()
    writer.write(key, value, { timestamp: value, headers: new Headers().add(...headers[0]) })
    return traceId
  })
  await writer.flush()
  return traces
}

test('one trace goes through filter, repartition, aggregation and sink over two instances', async () => {
  const log = kafka({ brokers: await sharedBroker() })
  const id = uniqueName('traced')
  const [orders, results] = [numbers(`${id}-orders`), numbers(`${id}-results`)]
  await log.createTopics([orders, results].map(({ name }) => ({ name, partitions: 2 })))
  const build = (builder: StreamsBuilder): void => {
    const counted = builder
      .stream(orders)
      .filter((value) => value >= 0)
      .selectKey((key) => `${key} again`)
      .groupByKey({ name: 'again', key: string() })
      .count({ store: 'counts' })
    counted.toStream().to(results)
  }
  const traceds = [new Traced(), new Traced()]
  const instances: Streams[] = []
  try {
    for (const [index, { tracer }] of traceds.entries()) {
      const app = defineApp({ id, build, guarantee: 'exactly_once', tracing: tracing(tracer) })
      const stateDirectory = join(directory, id, String(index))
      instances.push(await Streams.start(app, { log, stateDirectory, engine: 'memory' }))
    }
    await until(() => instances.every((streams) => streams.status().tasks.length === 2 && streams.state === 'running'))
    const keys = Array.from({ length: 16 }, (_, number) => `order ${number}`)
    const traces = await write(log, orders, new Traced(), keys)
    const spans = () => traceds.flatMap((each) => each.spans)
    const sent = () => spans().filter(({ name }) => name === `send ${results.name}`)
    await until(() => sent().length === keys.length)

    const repartition = `${id}-again-repartition`
    const path = [`send ${results.name}`, `process ${repartition}`, `send ${repartition}`, `process ${orders.name}`]
    for (const span of sent()) expect(pathOf(span, spans())).toEqual(path)
    expect(
      sent()
        .map((span) => span.spanContext().traceId)
        .toSorted(),
    ).toEqual(traces.toSorted())
    const isOverBoth = (trace: string): boolean =>
      traceds.every((each) => each.spans.some((span) => span.spanContext().traceId === trace))
    expect(traces.some(isOverBoth)).toBe(true)
    for (const { name, attributes } of spans())
      if (name.startsWith('process ')) expect(attributes).toMatchObject({ 'messaging.system': 'kafka' })
    for await (const { headers } of readTopic(log, results, { until: 'end' })) {
      expect(headers.getString('traceparent')).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-01$/)
    }
  } finally {
    for (const streams of instances) await streams.close()
    await log.close()
  }
})

test('threads in workers make their spans themselves, with the tracer that the module makes in each', async () => {
  const log = kafka({ brokers: await sharedBroker() })
  const id = uniqueName('traced')
  const file = join(directory, 'spans.ndjson')
  process.env['TRACED_APP'] = id
  process.env['TRACED_SPANS'] = file
  const module = new URL('traced-app.ts', import.meta.url)
  const { default: app, orders, results }: typeof tracedApp = await import(module.href)
  await log.createTopics([orders, results].map(({ name }) => ({ name, partitions: 2 })))
  const streams = await Streams.start(app, { log, module, stateDirectory: directory, engine: 'memory' })
  try {
    const traces = await write(
      log,
      orders,
      new Traced(),
      Array.from({ length: 16 }, (_, n) => `order ${n}`),
    )
    const spans = (): SpanLine[] => {
      if (!existsSync(file)) return []
      const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
      return lines.map((line): SpanLine => JSON.parse(line))
    }
    await until(() => spans().filter(({ name }) => name === `send ${results.name}`).length === traces.length)
    for (const trace of traces) {
      const ofTrace = spans().filter((span) => span.trace === trace)
      // Whatever takes longer than a millisecond on a busy machine has a span, too.
      const names = ofTrace.map(({ name }) => name).filter((name) => /^(?:process|send) /.test(name))
      const repartition = `${id}-again-repartition`
      expect(names).toEqual([
        `send ${repartition}`,
        `process ${orders.name}`,
        `process ${repartition}`,
        `send ${results.name}`,
      ])
    }
    const threads = new Set(spans().map(({ thread }) => thread))
    expect([threads.size, threads.has(threadId)]).toEqual([2, false])
  } finally {
    await streams.close()
    await log.close()
  }
})

test('a cache hands each row on in the trace of the record that wrote it last; slow nodes have a span', async () => {
  const log = memoryLog()
  const [orders, results] = [numbers('orders'), numbers('results')]
  await log.createTopics([orders, results].map(({ name }) => ({ name, partitions: 1 })))
  const traced = new Traced()
  const app = defineApp({
    id: 'slow',
    guarantee: 'exactly_once',
    commitInterval: '1s',
    tracing: tracing(traced.tracer),
    build: (builder) => {
      const slow = builder.stream(orders).mapValues(
        (value) => {
          const end = performance.now() + 3
          while (performance.now() < end);
          return value
        },
        { name: 'slow' },
      )
      slow
        .filter(() => true, { name: 'fast' })
        .groupByKey()
        .count()
        .toStream()
        .to(results)
    },
  })
  const [one, two, three] = await write(log, orders, traced, ['a', 'b', 'a'])
  const streams = await Streams.start(app, { log, stateDirectory: directory })
  await until(() => traced.named('send results').length === 2)
  await streams.close()
  await log.close()
  expect(traced.named('send results').map((span) => span.spanContext().traceId)).toEqual([two, three])
  const [first, , last] = traced.named('process orders')
  expect(first!.spanContext().traceId).toBe(one)
  expect(last!.links.map(({ context }) => context.spanId)).toEqual([first!.spanContext().spanId])
  const slow = traced.named('slow')
  expect(slow.map((span) => pathOf(span, traced.spans))).toEqual(
    [1, 2, 3].map(() => ['slow', 'process orders', 'produce']),
  )
  for (const { duration } of slow) expect(duration[1]).toBeGreaterThan(2_000_000)
  expect(traced.named('fast')).toEqual([])
})

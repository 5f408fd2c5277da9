import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { defineApp, json, joinWindow, string, topic, tumbling } from 'millrace'
import type { AppConfig } from 'millrace'
import { tracing } from 'millrace/opentelemetry'
import { TopologyTestDriver } from 'millrace/testing'
import { activeSpanId, followPromises, pathOf, Traced } from './traced.ts'

const orders = topic('orders', { key: string(), value: json<number>() })
const prices = topic('prices', { key: string(), value: json<number>() })
const results = topic('results', { key: string(), value: json<number>() })

beforeAll(followPromises)

let traced: Traced
beforeEach(() => (traced = new Traced()))

let driver: TopologyTestDriver | undefined
afterEach(() => {
  driver?.close()
  driver = undefined
})

function start(build: AppConfig['build'], config: Partial<AppConfig> = {}): TopologyTestDriver {
  const app = defineApp({ id: 'traced', build, tracing: tracing(traced.tracer), ...config })
  return (driver = new TopologyTestDriver(app))
}

const names = (): string[] => traced.spans.map(({ name }) => name).filter((name) => name !== 'produce')

describe('a record with a sampled traceparent', () => {
  test('is one trace through filter, repartition, aggregation and sink', () => {
    const run = start((builder) =>
      builder
        .stream(orders)
        .filter((value) => value > 0)
        .selectKey(() => 'all')
        .groupByKey({ name: 'by-all', key: string() })
        .count({ store: 'counts' })
        .toStream()
        .to(results),
    )
    const { headers, traceId, spanId } = traced.begin()
    run.input(orders).pipe('a', 1, { headers })
    const repartition = 'traced-by-all-repartition'
    const sent = traced.named('send results')
    expect(sent).toHaveLength(1)
    expect(pathOf(sent[0]!, traced.spans)).toEqual([
      'send results',
      `process ${repartition}`,
      `send ${repartition}`,
      'process orders',
      'produce',
    ])
    for (const span of traced.spans) expect(span.spanContext().traceId).toBe(traceId)
    const [consumed] = traced.named('process orders')
    expect(consumed).toMatchObject({
      kind: SpanKind.CONSUMER,
      parentSpanContext: { traceId, spanId, isRemote: true },
      attributes: {
        'messaging.system': 'millrace',
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.destination.name': 'orders',
        'messaging.destination.partition.id': '0',
        'messaging.kafka.offset': 0,
        'messaging.consumer.group.name': 'traced',
        'millrace.task': '0_0',
      },
    })
    expect(sent[0]).toMatchObject({ kind: SpanKind.PRODUCER, attributes: { 'messaging.operation.type': 'send' } })
    const [record] = run.output(results).readAll()
    const { spanId: last } = sent[0]!.spanContext()
    expect(record!.headers.getString('traceparent')).toBe(`00-${traceId}-${last}-01`)
    expect(record!.headers.length).toBe(1)
  })

  test('is its own trace behind a cache, too, when others are in between', () => {
    const run = start((builder) => builder.stream(orders).groupByKey().count().toStream().to(results))
    const one = traced.begin()
    const input = run.input(orders)
    input.pipe('a', 1, { headers: one.headers })
    input.pipe('b', 1)
    expect(
      run
        .output(results)
        .readAll()
        .map(({ headers }) => headers.length),
    ).toEqual([1, 0])
    expect(traced.named('send results').map((span) => span.spanContext().traceId)).toEqual([one.traceId])
  })

  test('has the active span in its functions, and keeps the trace through asynchronous steps', async () => {
    const active: (string | undefined)[] = []
    const run = start((builder) =>
      builder
        .stream(orders)
        .peek(() => void active.push(activeSpanId()))
        .mapValuesAsync(
          async (value) => {
            active.push(activeSpanId())
            await new Promise((resolve) => setTimeout(resolve, 1))
            active.push(activeSpanId())
            return value + 1
          },
          { concurrency: 1 },
        )
        .to(results),
    )
    const [one, two] = [traced.begin(), traced.begin()]
    run.input(orders).pipe('a', 1, { headers: one.headers })
    run.input(orders).pipe('b', 2, { headers: two.headers })
    run.input(orders).pipe('c', 3)
    await run.settled()
    const [first, second] = traced.named('process orders').map((span) => span.spanContext().spanId)
    expect(active.filter((id) => id === first)).toHaveLength(3)
    expect(active.filter((id) => id === second)).toHaveLength(3)
    expect(active.filter((id) => id === undefined)).toHaveLength(3)
    expect(traced.named('send results').map((span) => span.parentSpanContext?.spanId)).toEqual([first, second])
  })

  test('is linked to the records whose rows it has read: of a join, of an aggregation by windows', () => {
    const run = start((builder) => {
      const left = builder.stream(orders)
      left.join(builder.stream(prices), (a, b) => a + b, joinWindow('1m')).to(results)
      builder
        .stream(topic('others', { key: string(), value: json<number>() }))
        .groupByKey()
        .windowedBy(tumbling('1m'))
        .count()
    })
    const [one, two, three] = [traced.begin(), traced.begin(), traced.begin()]
    run.input(orders).pipe('a', 1, { headers: one.headers, timestamp: 0 })
    run.input(prices).pipe('b', 2, { headers: two.headers, timestamp: 1 })
    run.input(prices).pipe('a', 2, { headers: three.headers, timestamp: 2 })
    const [ordered] = traced.named('process orders')
    const priced = traced.named('process prices')
    expect(priced.map(({ links }) => links.map(({ context }) => context.spanId))).toEqual([
      [],
      [ordered!.spanContext().spanId],
    ])
    expect(ordered!.links).toEqual([])
    const others = run.input(topic('others', { key: string(), value: json<number>() }))
    const [four, five] = [traced.begin(), traced.begin()]
    others.pipe('k', 1, { headers: four.headers })
    others.pipe('k', 1, { headers: five.headers })
    // The row is not a traced record's any more.
    others.pipe('k', 1)
    others.pipe('k', 1, { headers: traced.begin().headers })
    const counted = traced.named('process others')
    expect(counted.map(({ links }) => links.map(({ context }) => context.traceId))).toEqual([[], [four.traceId], []])
  })

  test('has an error status without a text when it fails, and one span for each time that it is processed', () => {
    const run = start(
      (builder) =>
        builder
          .stream(orders)
          .mapValues((value) => {
            if (value < 0) throw new RangeError('a secret')
            return value
          })
          .to(results),
      { onProcessingError: 'continue' },
    )
    run.input(orders).pipe('a', -1, { headers: traced.begin().headers })
    run.input(orders).pipe('a', 1, { headers: traced.begin().headers })
    const [failed, good] = traced.named('process orders')
    expect(failed).toMatchObject({ status: { code: SpanStatusCode.ERROR } })
    expect(JSON.stringify([failed!.attributes, failed!.status, failed!.events])).not.toContain('secret')
    expect(failed!.attributes).toHaveProperty('error.type')
    expect(good).toMatchObject({ status: { code: SpanStatusCode.UNSET } })
  })
})

test.each<[string, [string, string | null][]]>([
  ['no headers', []],
  ['other headers', [['a', 'b']]],
  ['a trace that is not sampled', [['traceparent', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`]]],
  ['a traceparent without a trace', [['traceparent', `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`]]],
  ['a traceparent of another form', [['traceparent', '1'.repeat(55)]]],
  ['a traceparent that is null', [['traceparent', null]]],
])('a record with %s has no span, and its headers go on as they are', (_, headers) => {
  const run = start((builder) => builder.stream(orders).groupByKey().count().toStream().to(results))
  run.input(orders).pipe('a', 1, { headers })
  expect(names()).toEqual([])
  const [record] = run.output(results).readAll()
  expect([...record!.headers].map(({ name, value }) => [name, value?.toString() ?? null])).toEqual(headers)
})

test('what is no tracing is refused', () => {
  const wrong: object = { tracing: traced.tracer }
  expect(() => defineApp({ id: 'x', build: () => {}, ...wrong })).toThrow(
    expect.objectContaining({ code: 'MR_CONFIG', hint: expect.stringContaining('millrace/opentelemetry') }),
  )
})

import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type MetricData,
} from '@opentelemetry/sdk-metrics'
import { expect, test } from 'vitest'
import { METRICS, TopicWriter } from 'millrace'
import { metering } from 'millrace/opentelemetry'
import { Running, until, words } from '../server/support.ts'

/** A meter provider whose metrics are collected when the test says so. */
class Collected {
  readonly exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  readonly reader = new PeriodicExportingMetricReader({ exporter: this.exporter, exportIntervalMillis: 1e9 })
  readonly provider = new MeterProvider({ readers: [this.reader] })

  async metrics(): Promise<MetricData[]> {
    this.exporter.reset()
    await this.reader.forceFlush()
    return this.exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap(({ metrics }) => metrics)
      .filter(({ dataPoints }) => dataPoints.length > 0)
  }
}

test('a meter of OpenTelemetry observes what streams.metrics() gives, as long as the application runs', async () => {
  const collected = new Collected()
  const companion = metering(collected.provider.getMeter('millrace'), { detail: 'task' })
  const running = await Running.start({}, { companions: [companion] })
  const { streams } = running
  await using writer = await TopicWriter.open(streams.log, words)
  for (const word of ['mill', 'race', 'mill']) writer.write(word, word, { timestamp: 1000 })
  await writer.flush()
  await until(() => streams.status().processed === 3 && streams.status().commits > 0)
  const metrics = await collected.metrics()
  const processed = metrics.find(({ descriptor }) => descriptor.name === 'millrace_records_processed')
  expect(processed?.descriptor).toMatchObject({
    description: METRICS.millrace_records_processed_total.help,
    unit: '{record}',
  })
  expect([
    processed?.dataPointType,
    processed !== undefined && 'isMonotonic' in processed && processed.isMonotonic,
  ]).toEqual([DataPointType.SUM, true])
  const sum = (processed?.dataPoints ?? []).reduce((all, { value }) => all + Number(value), 0)
  expect([sum, processed?.dataPoints[0]?.attributes]).toEqual([
    3,
    { app: 'word-counts', subtopology: '1', task: '1_0' },
  ])
  const names = metrics.map(({ descriptor: { name, unit } }) => `${name} ${unit}`)
  expect(names).toContain('millrace_memory By')
  expect(names).toContain('millrace_thread_time s')
  expect(names).toContain('millrace_commit_duration_sum s')
  const shown = new Set(streams.metrics().metrics.map(({ name }) => name.replace(/(_seconds|_bytes)?(_total)?$/, '')))
  const observed = new Set(metrics.map(({ descriptor }) => descriptor.name.replace(/_(count|sum)$/, '')))
  expect([...observed].toSorted()).toEqual([...shown].toSorted())
  await running[Symbol.asyncDispose]()
  // The SDK shows its last values on: nobody asks the application for new ones.
  await collected.metrics()
  expect(companion.status()).toEqual({ collections: 1 })
  await collected.provider.shutdown()
})

test('what is no meter is refused', () => {
  expect(() => metering(undefined as never)).toThrow('metering() was given undefined instead of a meter')
  expect(() => metering({} as never, { detail: 'record' as never })).toThrow('detail')
})

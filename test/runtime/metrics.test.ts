import { expect, test } from 'vitest'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  defineApp,
  long,
  memoryLog,
  silentLogger,
  Streams,
  string,
  topic,
  TopicWriter,
  tumbling,
  type MetricsSnapshot,
} from 'millrace'
import { until } from '../server/support.ts'

const words = topic('words', { key: string(), value: string() })
const short = topic('short', { key: string(), value: string() })
const counts = topic('counts', { key: string(), value: long() })

const app = defineApp({
  id: 'metered',
  logger: silentLogger,
  deadLetterTopic: 'dead',
  onProcessingError: 'deadLetter',
  cacheBytes: 0,
  build: (builder) => {
    const branches = builder
      .stream(words)
      .filter((word) => word !== 'skip', { name: 'no-skip' })
      .split({ name: 'by-' })
      .branch((word) => word.length < 5, { name: 'short' })
      .defaultBranch({ name: 'long' })
    branches.get('by-short')?.to(short)
    branches
      .get('by-long')
      ?.selectKey(
        (word) => {
          if (word === 'poison') throw new Error('no')
          return word
        },
        { name: 'by-word' },
      )
      .groupByKey({ key: string(), value: string() })
      .windowedBy(tumbling('10 s', { grace: '0 s' }))
      .count({ store: 'totals' })
      .toStream()
      .map((count, { key }) => [key, count], { name: 'plain' })
      .to(counts)
  },
})

/** Values by labels, as text. */
function valuesOf({ metrics }: MetricsSnapshot, name: string): Record<string, number> {
  const found = metrics.find((metric) => metric.name === name)
  return Object.fromEntries(
    (found?.series ?? []).map((series) => {
      return [Object.values(series.labels).join(' '), 'value' in series ? series.value : series.count]
    }),
  )
}

test('the counts of records are those of the records, along every edge', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-metrics-'))
  const log = memoryLog()
  await log.createTopics(['words', 'short', 'counts', 'dead'].map((name) => ({ name, partitions: 2 })))
  const streams = await Streams.start(app, { log, stateDirectory: directory })
  await using writer = await TopicWriter.open(log, words)
  for (let i = 0; i < 1000; i++) {
    const word = i % 10 === 0 ? 'skip' : i % 4 === 1 ? 'mill' : 'millrace'
    writer.write(`k${i}`, word, { timestamp: 1_000_000 + i })
  }
  writer.write('p', 'poison', { timestamp: 1_001_000 })
  await writer.flush()
  await until(() => streams.status().processed === 1001 + 650)
  // Too late for its window: the task of its word is far beyond it.
  writer.write('z', 'millrace', { timestamp: 2_000_000 })
  await writer.flush()
  await until(() => streams.status().processed === 1001 + 650 + 2)
  writer.write('z', 'millrace', { timestamp: 900_000 })
  await writer.flush()
  await until(() => streams.status().processed === 1001 + 650 + 4)
  await until(() => streams.status().lag === 0)
  const snapshot = streams.metrics()
  expect(valuesOf(snapshot, 'millrace_records_processed_total')).toEqual({ 0: 1003, 1: 652 })
  expect(valuesOf(snapshot, 'millrace_node_records_total')).toMatchObject({ 'KSTREAM-SOURCE-0000000000': 1003 })
  expect(valuesOf(snapshot, 'millrace_edge_records_total')).toMatchObject({
    'KSTREAM-SOURCE-0000000000 no-skip': 1003,
    'no-skip by-': 903,
    'by- by-short': 250,
    'by- by-long': 653,
  })
  expect(valuesOf(snapshot, 'millrace_records_written_total')).toEqual({
    'KSTREAM-SINK-0000000005 short': 250,
    'KSTREAM-SINK-0000000013 counts': 651,
    'totals-repartition-sink metered-totals-repartition': 652,
  })
  expect(valuesOf(snapshot, 'millrace_dead_letters_total')).toEqual({ 'by-word processing': 1 })
  expect(valuesOf(snapshot, 'millrace_records_dropped_total')).toEqual({
    'late KSTREAM-AGGREGATE-0000000007': 1,
    'processing by-word': 1,
  })
  expect(valuesOf(snapshot, 'millrace_record_lateness_seconds')).toEqual({ 0: 1100, 1: 1100 })
  // What came too late for its window asked for no row.
  expect(valuesOf(snapshot, 'millrace_store_reads_total')).toEqual({ totals: 651 })
  expect(valuesOf(snapshot, 'millrace_store_puts_total')).toEqual({ totals: 651 })
  const writes = valuesOf(snapshot, 'millrace_store_writes_total')['totals'] ?? 0
  expect(writes).toBeGreaterThanOrEqual(2)
  expect(writes).toBeLessThanOrEqual(651)
  expect(Object.keys(valuesOf(snapshot, 'millrace_record_e2e_latency_seconds'))).toEqual(['source', 'sink'])
  expect(valuesOf(snapshot, 'millrace_rebalances_total')).toEqual({ assigned: 1, revoked: 0, lost: 0 })
  // Somebody has just looked: of many slices one is measured from now on.
  expect(valuesOf(snapshot, 'millrace_node_time_seconds_total')).toEqual({})
  const began = streams.metrics()
  for (let i = 0; i < 200; i++) {
    writer.write('k', 'millrace', { timestamp: 2_000_000 })
    await writer.flush()
    await until(() => streams.status().lag === 0)
  }
  const ended = streams.metrics()
  expect(valuesOf(ended, 'millrace_node_time_seconds_total')['no-skip']).toBeGreaterThan(0)
  const spent = Object.values(valuesOf(ended, 'millrace_thread_time_seconds_total')).reduce((sum, each) => sum + each)
  const before = Object.values(valuesOf(began, 'millrace_thread_time_seconds_total')).reduce((sum, each) => sum + each)
  expect(Math.abs(spent - before - (ended.time - began.time) / 1000)).toBeLessThan(0.05)
  await streams.close()
  await log.close()
  await rm(directory, { recursive: true, force: true })
})

test('the series of 500 tasks of 200 nodes are bounded, and are read at once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-metrics-'))
  const log = memoryLog()
  await log.createTopics([{ name: 'words', partitions: 500 }])
  const wide = defineApp({
    id: 'wide',
    build: (builder) => {
      let stream = builder.stream(words)
      for (let node = 0; node < 199; node++) stream = stream.filter(() => true, { name: `node-${node}` })
    },
  })
  const streams = await Streams.start(wide, { log, stateDirectory: directory, engine: 'memory' })
  await streams.whenRunning()
  await using writer = await TopicWriter.open(log, words)
  for (let i = 0; i < 2000; i++) writer.write(`k${i}`, 'word', { timestamp: i })
  await writer.flush()
  await until(() => streams.status().processed === 2000)
  for (const detail of ['node', 'task'] as const) {
    const { metrics } = streams.metrics({ detail })
    const series = metrics.reduce((sum, metric) => sum + metric.series.length, 0)
    // Nodes, edges and times of nodes, what tasks have, and the rest.
    expect(series).toBeLessThanOrEqual(200 * 3 + (detail === 'task' ? 500 * 9 : 0) + 6 + 120)
    expect(valuesOf({ metrics } as MetricsSnapshot, 'millrace_node_records_total')['node-198']).toBe(2000)
    expect(valuesOf({ metrics } as MetricsSnapshot, 'millrace_edge_records_total')['node-197 node-198']).toBe(2000)
  }
  await streams.close()
  await log.close()
  await rm(directory, { recursive: true, force: true })
})

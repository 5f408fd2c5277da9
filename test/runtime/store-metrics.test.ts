import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defineApp, memoryLog, silentLogger, Streams, string, topic, TopicWriter } from 'millrace'
import type { Log, MetricName } from 'millrace'
import { until } from '../server/support.ts'
import { totalOf } from '../metrics/total.ts'

const KEYS = 3000
/** Bytes of a word. */
const SIZE = 4000
const words = topic('words', { key: string(), value: string() })

/** Keeps the last word of each key; each key comes twice, the second time when memory has forgotten it. */
const app = defineApp({
  id: 'stored',
  logger: silentLogger,
  memory: '64MiB',
  build: (builder) =>
    builder
      .stream(words)
      .groupByKey()
      .reduce((_before, after) => after, { store: 'latest' }),
})

let directory: string
let log: Log
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-stored-'))
  log = memoryLog()
  await log.createTopics([{ name: words.name, partitions: 1 }])
})
afterEach(async () => {
  await log.close()
  await rm(directory, { recursive: true, force: true })
})

async function writeRound(round: number): Promise<void> {
  await using writer = await TopicWriter.open(log, words)
  for (let key = 0; key < KEYS; key++) writer.write(`key-${key}`, String(round).repeat(SIZE), { timestamp: key })
  await writer.flush()
}

test.each([
  ['rocksdb', ['rows', 'disk_bytes', 'memory_bytes'], { rows: KEYS }],
  ['level', ['disk_bytes', 'memory_bytes'], { memory_bytes: KEYS * SIZE }],
  ['memory', ['rows'], { rows: KEYS }],
] as const)('what an engine of %s has is known as far as it tells, by sub-topology and by task', async (...given) => {
  const [engine, names, least] = given
  const streams = await Streams.start(app, { log, stateDirectory: directory, engine })
  await writeRound(1)
  for (const [name, value] of Object.entries(least)) {
    await until(() => totalOf(streams, `millrace_engine_${name}` as MetricName) >= value)
  }
  const { metrics } = streams.metrics({ detail: 'task' })
  const found = metrics.filter(({ name }) => name.startsWith('millrace_engine_'))
  expect(found.map(({ name }) => name)).toEqual(names.map((name) => `millrace_engine_${name}`))
  for (const { series } of found) {
    expect(series.map(({ labels }) => labels)).toEqual([{ subtopology: '0', task: '0_0' }])
  }
  // A few rows say what the others are.
  expect(totalOf(streams, 'millrace_engine_rows')).toBeLessThan(KEYS + 10)
  await streams.close()
})

test('look-ups are counted, and those that memory could not answer', async () => {
  const streams = await Streams.start(app, { log, stateDirectory: directory, engine: 'rocksdb' })
  for (let round = 1; round <= 2; round++) {
    await writeRound(round)
    await until(() => streams.status().processed === round * KEYS)
  }
  expect(totalOf(streams, 'millrace_store_reads_total')).toBe(2 * KEYS)
  expect(totalOf(streams, 'millrace_store_puts_total')).toBe(2 * KEYS)
  // Every key is new at first, and most of them were forgotten when they came again.
  const asked = totalOf(streams, 'millrace_store_engine_reads_total')
  expect(asked).toBeGreaterThan(KEYS)
  expect(asked).toBeLessThanOrEqual(2 * KEYS)
  await streams.close()
})

test('pauses for garbage are counted while somebody looks, and the heap is shown with its limit', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const streams = await Streams.start(app, { log, stateDirectory: directory, engine: 'memory' })
  const pauses = (): number => {
    const metric = streams.metrics().metrics.find(({ name }) => name === 'nodejs_gc_duration_seconds')
    if (metric?.type !== 'histogram') return 0
    const major = metric.series.find(({ labels }) => labels['kind'] === 'major' && labels['thread'] === 'main')
    return major?.count ?? 0
  }
  const before = pauses()
  for (let round = 0; round < 3; round++) collect()
  await until(() => pauses() >= before + 3)
  const { metrics } = streams.metrics()
  const valueOf = (searched: MetricName): number => {
    const metric = metrics.find(({ name }) => name === searched)
    return metric === undefined || metric.type === 'histogram' ? NaN : (metric.series[0]?.value ?? NaN)
  }
  expect(valueOf('nodejs_heap_used_bytes')).toBeLessThan(valueOf('nodejs_heap_limit_bytes'))
  await streams.close()
})

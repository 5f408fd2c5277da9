import { afterEach, beforeEach, expect, test } from 'vitest'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  defineApp,
  json,
  memoryLog,
  string,
  Streams,
  topic,
  TopicWriter,
  type ErrorDecision,
  type MillraceError,
  type ReadOnlyTimestampedKeyValueStore,
} from '../../src/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'

interface Reading {
  readonly by?: number
  readonly note?: string
}
interface Total {
  n: number
  note?: string | undefined
  notes?: number
}

const readings = topic('readings', { key: string(), value: json<Reading>() })
const out = topic('out', { key: string(), value: json<unknown>() })

/** Counts how often its total has a `note`, and takes `by` for a number. */
function totals(caching: boolean, decision: (error: MillraceError) => ErrorDecision = () => 'fail') {
  return defineApp({
    id: 'totals',
    guarantee: 'exactly_once',
    onProcessingError: decision,
    onProductionError: decision,
    build: (builder) => {
      builder
        .stream(readings)
        .groupByKey()
        .aggregate(
          (): Total => ({ n: 0 }),
          (total, { by, note }) => {
            const notes = (total.notes ?? 0) + ('note' in total ? 1 : 0)
            return { n: total.n + (by as number), note, notes }
          },
          { store: { name: 'totals', caching }, value: json<Total>() },
        )
    },
  })
}

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-json-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

for (const caching of [true, false]) {
  test(`totals are the same with or without a restart, even after 100 values; caching ${caching}`, async () => {
    const answers: unknown[] = []
    for (const restarts of [false, true]) {
      const log = memoryLog()
      await log.createTopics([{ name: 'readings', partitions: 1 }])
      await using writer = await TopicWriter.open(log, readings)
      const start = () => Streams.start(totals(caching), { log, engine: 'memory', stateDirectory: directory })
      let streams = await start()
      let written = 0
      const write = async (key: string, reading: Reading) => {
        writer.write(key, reading, { timestamp: written++ })
        await writer.flush()
      }
      for (let i = 0; i < 150; i++) await write(`key ${i}`, { by: 1 })
      await write('k', { by: 1 })
      while (streams.status().processed < written) await new Promise((resolve) => setTimeout(resolve, 1))
      if (restarts) {
        await streams.close()
        streams = await start()
      }
      const before = streams.status().processed
      await write('k', { by: 1 })
      await write('k', { by: 1, note: 'x' })
      await write('k', { by: 1 })
      while (streams.status().processed < before + 3) await new Promise((resolve) => setTimeout(resolve, 1))
      const [store] = streams.stores<ReadOnlyTimestampedKeyValueStore<string, Total>>('totals')
      answers.push(store?.get('k')?.value)
      await streams.close()
    }
    expect(answers[0]).toStrictEqual({ n: 4, notes: 1 })
    expect(answers[1]).toStrictEqual(answers[0])
  })
}

test('onProcessingError decides about a record whose aggregate the store refuses, and the store stays the same', () => {
  const errors: MillraceError[] = []
  using driver = new TopologyTestDriver(
    totals(true, (error) => {
      errors.push(error)
      return 'continue'
    }),
  )
  const input = driver.input(readings)
  input.pipe('k', { by: 1 }, { timestamp: 0 })
  input.pipe('k', {}, { timestamp: 1 })
  input.pipe('k', { by: 2 }, { timestamp: 2 })
  expect(driver.store<ReadOnlyTimestampedKeyValueStore<string, Total>>('totals').get('k')?.value.n).toBe(3)
  expect(errors).toMatchObject([
    { code: 'MR_SERDE_ROUND_TRIP', node: 'KSTREAM-AGGREGATE-0000000001', task: '0_0', store: 'totals', offset: 1 },
  ])
  expect(errors[0]?.message).toMatch(
    /\$\.n: number NaN became null \(node=.*, topic=readings, partition=0, offset=1\)$/,
  )
  expect(errors[0]?.hint).toContain('onProcessingError')
})

test('onProductionError decides about a record that would lose something, with node, topic and path', () => {
  const errors: MillraceError[] = []
  const app = defineApp({
    id: 'rates',
    onProductionError: (error) => {
      errors.push(error)
      return 'continue'
    },
    build: (builder) => {
      const values = builder.stream(readings).mapValues(({ by }) => ({ rate: 1 / (by as number), at: new Date(0) }))
      values.to(out)
      values.repartition({ name: 'again', value: json() }).to(out)
    },
  })
  using driver = new TopologyTestDriver(app)
  driver.input(readings).pipe('k', {}, { timestamp: 0 })
  driver.input(readings).pipe('k', { by: 2 }, { timestamp: 0 })
  const value = { rate: 0.5, at: '1970-01-01T00:00:00.000Z' }
  expect(driver.output(out).readValues()).toEqual([value, value])
  expect(errors.map(({ code, topic }) => [code, topic])).toEqual([
    ['MR_SERIALIZE', 'out'],
    ['MR_SERIALIZE', 'rates-again-repartition'],
  ])
  for (const error of errors) {
    expect(error.message).toContain('$.rate: NaN')
    expect(error.hint).toContain('null for a missing value')
  }
})

test('what a program does to a value downstream, or to the record, does not change what the store keeps', () => {
  interface Kept {
    n: number
    readonly first?: { n: number }
  }
  for (const cacheBytes of [0, 1_000_000]) {
    const app = defineApp({
      id: 'kept',
      cacheBytes,
      build: (builder) => {
        const stream = builder.stream(topic('in', { key: string(), value: json<{ n: number }>() }))
        stream
          .groupByKey()
          .aggregate(
            (): Kept => ({ n: 0 }),
            ({ n, first }, record) => ({ n: n + 1, first: first ?? record }),
            { store: 'kept', value: json<Kept>() },
          )
          .toStream()
          .mapValues((kept) => {
            if (kept !== null) kept.n *= 10
            return kept
          })
          .to(out)
        stream.peek((record) => (record.n = -1)).forEach(() => {})
      },
    })
    using driver = new TopologyTestDriver(app)
    const input = driver.input(topic('in', { key: string(), value: json<{ n: number }>() }))
    for (let i = 0; i < 3; i++) input.pipe('k', { n: 7 }, { timestamp: i })
    expect(driver.output(out).readValues()).toEqual([10, 20, 30].map((n) => ({ n, first: { n: 7 } })))
    expect(driver.store<ReadOnlyTimestampedKeyValueStore<string, Kept>>('kept').get('k')?.value).toEqual({
      n: 3,
      first: { n: 7 },
    })
  }
})

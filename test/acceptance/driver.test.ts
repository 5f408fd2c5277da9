import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { defineApp, joinWindow, json, long, string, topic, tumbling } from '../../src/index.ts'
import type { Application, StreamsBuilder } from '../../src/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'

interface Numbered {
  readonly n: number
}

const left = topic('left', { key: string(), value: json<Numbered>() })
const right = topic('right', { key: string(), value: json<Numbered>() })
const results = topic('results', { key: string(), value: string() })
const counts = topic('counts', { key: string(), value: long() })

function appOf(build: (builder: StreamsBuilder) => void): Application {
  return defineApp({ id: 'acceptance', build })
}

describe('the test driver', () => {
  test('runs 1 to n partitions, each with tasks and state of its own', () => {
    const app = appOf((builder) =>
      builder
        .stream(left)
        .groupBy((value) => `${value.n}`, { key: string(), value: json<Numbered>() })
        .count({ store: 'per-number' })
        .toStream()
        .to(counts),
    )
    for (const partitions of [1, 2, 5]) {
      using driver = new TopologyTestDriver(app, { partitions })
      for (let i = 0; i < 60; i++) driver.input(left).pipe(`key-${i}`, { n: i % 6 }, { timestamp: i })
      const rows = Array.from({ length: partitions }, (_, partition) => [
        ...driver.store<{ all(): Iterable<{ key: string; value: { value: number } }> }>('per-number', partition).all(),
      ])
      expect(Object.fromEntries(rows.flat().map(({ key, value }) => [key, value.value]))).toEqual(
        Object.fromEntries([0, 1, 2, 3, 4, 5].map((n) => [`${n}`, 10])),
      )
      const written = new Set(
        driver
          .output(counts)
          .readAll()
          .map(({ partition }) => partition),
      )
      expect(written).toEqual(new Set(rows.flatMap((of, partition) => (of.length > 0 ? [partition] : []))))
      if (partitions > 1) expect(written.size).toBeGreaterThan(1)
    }
  })

  test('shows as output what the application wrote, and not what was piped into a topic that it also writes', () => {
    const app = appOf((builder) => {
      builder
        .stream(left)
        .filter((value) => value.n > 1)
        .mapValues((value) => ({ n: value.n - 1 }))
        .to(left)
    })
    using driver = new TopologyTestDriver(app)
    driver.input(left).pipe('a', { n: 3 }, { timestamp: 0 })
    expect(driver.output(left).readValues()).toEqual([{ n: 2 }, { n: 1 }])
    driver.input(left).pipe('b', { n: 1 }, { timestamp: 1 })
    expect(driver.output(left).isEmpty).toBe(true)
  })

  test('imports no test runner', () => {
    const source = join(import.meta.dirname, '../../src')
    const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
    expect(files.length).toBeGreaterThan(100)
    const runners = /from '(vitest|jest|@jest|mocha|node:test)/
    expect(files.filter((file) => runners.test(readFileSync(join(source, file), 'utf8')))).toEqual([])
  })

  test('passes event time through a sink, a repartition topic and a join', () => {
    const copied = topic('copied', { key: string(), value: json<Numbered>() })
    const app = appOf((builder) => {
      const stream = builder.stream(left)
      stream.to(copied)
      stream
        .selectKey((value) => `${value.n}`)
        .repartition({ key: string(), value: json<Numbered>() })
        .join(builder.table(right), (a, b) => `${a.n}-${b.n}`)
        .to(results, { key: string(), value: string() })
    })
    using driver = new TopologyTestDriver(app, { partitions: 3 })
    driver.input(right).pipe('7', { n: 70 }, { timestamp: 1 })
    driver.input(left).pipe('a', { n: 7 }, { timestamp: 123_456 })
    expect(
      driver
        .output(copied)
        .readAll()
        .map(({ timestamp }) => timestamp),
    ).toEqual([123_456])
    expect(
      driver
        .output(results)
        .readAll()
        .map(({ value, timestamp }) => [value, timestamp]),
    ).toEqual([['7-70', 123_456]])
  })
})

describe('types', () => {
  test('a callback on a stream without tombstones sees no null; on one with tombstones it must', () => {
    const deletes = topic('deletes', { key: string(), value: json<Numbered>(), tombstones: true })
    appOf((builder) => {
      builder.stream(left).mapValues((value) => {
        expectTypeOf(value).toEqualTypeOf<Numbered>()
        return value.n
      })
      builder.stream(deletes).mapValues((value) => {
        expectTypeOf(value).toEqualTypeOf<Numbered | null>()
        return value?.n ?? 0
      })
    }).topology()
  })
})

describe('a stream-stream join', () => {
  const joinApp = (kind: 'join' | 'leftJoin' | 'outerJoin'): Application =>
    appOf((builder) => {
      const options = { key: string(), value: json<Numbered>(), otherValue: json<Numbered>() }
      const [a, b, windows] = [builder.stream(left), builder.stream(right), joinWindow('10s')]
      const text = (x: Numbered | null, y: Numbered | null): string => `${x?.n ?? 'null'}-${y?.n ?? 'null'}`
      const joined =
        kind === 'join'
          ? a.join(b, text, windows, options)
          : kind === 'leftJoin'
            ? a.leftJoin(b, text, windows, options)
            : a.outerJoin(b, text, windows, options)
      joined.to(results, { key: string(), value: string() })
    })

  test('joins two left records with the same key and the same timestamp, both of them', () => {
    using driver = new TopologyTestDriver(joinApp('join'))
    driver.input(left).pipe('k', { n: 1 }, { timestamp: 1000 })
    driver.input(left).pipe('k', { n: 2 }, { timestamp: 1000 })
    driver.input(right).pipe('k', { n: 9 }, { timestamp: 1500 })
    expect(driver.output(results).readValues()).toEqual(['1-9', '2-9'])
  })

  test.each(['leftJoin', 'outerJoin'] as const)(
    '%s: the side without a match comes out only after the window closed',
    (kind) => {
      using driver = new TopologyTestDriver(joinApp(kind))
      driver.input(left).pipe('k', { n: 1 }, { timestamp: 1000 })
      driver.input(right).pipe('k', { n: 9 }, { timestamp: 1500 })
      driver.input(left).pipe('alone', { n: 2 }, { timestamp: 2000 })
      expect(driver.output(results).readValues()).toEqual(['1-9'])
      driver.input(left).pipe('later', { n: 3 }, { timestamp: 12_000 })
      expect(driver.output(results).readValues()).toEqual([])
      driver.input(left).pipe('later', { n: 4 }, { timestamp: 12_001 })
      expect(driver.output(results).readValues()).toEqual(['2-null'])
    },
  )
})

test('stream time is per task: a fast partition does not expire the windows of a slow one', () => {
  const seen: [key: string, count: number | null][] = []
  const app = appOf((builder) =>
    builder
      .stream(left)
      .groupByKey()
      .windowedBy(tumbling('1s'))
      .count()
      .toStream()
      .forEach((count, { key }) => seen.push([key, count])),
  )
  using driver = new TopologyTestDriver(app, { partitions: 2 })
  driver.input(left).pipe('slow', { n: 0 }, { timestamp: 1000, partition: 0 })
  driver.input(left).pipe('fast', { n: 0 }, { timestamp: 10_000_000, partition: 1 })
  driver.input(left).pipe('slow', { n: 0 }, { timestamp: 1100, partition: 0 })
  expect(seen).toEqual([
    ['slow', 1],
    ['fast', 1],
    ['slow', 2],
  ])
  expect(driver.dropped.total).toBe(0)
})

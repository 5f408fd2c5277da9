import { describe, expect, test } from 'vitest'
import { defineApp, int32, joinWindow, long, session, sliding, string, topic, unlimited } from '../../src/index.ts'
import type { AppConfig, Application, KTable, StreamsBuilder, Windowed } from '../../src/index.ts'
import type { VersionedState } from '../../src/state/states.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'
import { StateHarness, versionedSpec } from '../state/support/state-harness.ts'

/* Faults that the laws have found, each with the smallest input that shows it. */

const texts = topic('texts', { key: string(), value: string() })
const numbers = topic('numbers', { key: string(), value: long(), tombstones: true })
const results = topic('results', { key: string(), value: string() })

function app(build: (builder: StreamsBuilder) => void, settings: Partial<AppConfig> = {}): Application {
  return defineApp({ id: 'found', ...settings, build })
}

describe('a restart', () => {
  test('adds no punctuation: punctuators that ran up to the committed stream time do not run again', async () => {
    await using driver = new TopologyTestDriver(
      app((builder) =>
        builder
          .stream(texts)
          .process<string, string>(() => ({
            init(context) {
              context.schedule(10, 'stream-time', (time) =>
                context.forward({ key: 'tick', value: `${time}`, timestamp: time }),
              )
            },
            process() {},
          }))
          .to(results, { key: string(), value: string() }),
      ),
    )
    driver.input(texts).pipe('a', 'x', { timestamp: 12 })
    await driver.restart({ keepState: false })
    driver.input(texts).pipe('a', 'x', { timestamp: 15 })
    driver.input(texts).pipe('a', 'x', { timestamp: 21 })
    expect(driver.output(results).readValues()).toEqual(['12', '21'])
  })

  test('does not put a record into a table if it could not be read when it was processed', async () => {
    const values: (number | null)[] = []
    await using driver = new TopologyTestDriver(
      app(
        (builder) =>
          builder
            .table(numbers, { store: 'numbers' })
            .toStream()
            .forEach((value) => values.push(value)),
        {
          optimize: 'all',
          onDeserializationError: 'continue',
        },
      ),
    )
    driver.input(numbers).pipe('a', 1, { timestamp: 1 })
    driver.input(topic('numbers', { key: string(), value: string() })).pipe('a', 'bad', { timestamp: 2 })
    await driver.restart({ keepState: false })
    expect(driver.store<{ get(key: string): unknown }>('numbers').get('a')).toMatchObject({ value: 1, timestamp: 1 })
    expect(values).toEqual([1])
    expect(driver.dropped.total).toBe(1)
  })

  test('gives a table its extracted timestamps back, even if its source topic is its changelog', async () => {
    const timed = topic('timed', { key: string(), value: int32(), timestamp: ({ value }) => value ?? -1 })
    await using driver = new TopologyTestDriver(
      app((builder) => void builder.table(timed, { store: 'timed' }), { optimize: 'all' }),
    )
    driver.input(timed).pipe('a', 77, { timestamp: 1 })
    await driver.restart({ keepState: false })
    expect(driver.store<{ get(key: string): unknown }>('timed').get('a')).toMatchObject({ value: 77, timestamp: 77 })
  })

  test('does not change when an outer join emits its unmatched records', async () => {
    const left = topic('left', { key: string(), value: string() })
    const right = topic('right', { key: string(), value: string() })
    const run = async (restart: boolean): Promise<string[]> => {
      await using driver = new TopologyTestDriver(
        app((builder) =>
          builder
            .stream(left)
            .outerJoin(builder.stream(right), (a, b) => `${a}+${b}`, joinWindow({ before: 2, after: 8, grace: 3 }), {
              key: string(),
              value: string(),
              otherValue: string(),
            })
            .to(results, { key: string(), value: string() }),
        ),
      )
      const pipe = (to: typeof left, timestamp: number): string => {
        driver.input(to).pipe(`k${timestamp}`, `${timestamp}`, { timestamp })
        return driver.output(results).readValues().join(' ')
      }
      for (const [to, timestamp] of [
        [left, 7],
        [right, 15],
        [left, 16],
        [right, 17],
      ] as const)
        expect(pipe(to, timestamp)).toBe('')
      if (restart) await driver.restart({ keepState: false })
      return [21, 23, 32].map((timestamp) => pipe(right, timestamp))
    }
    expect(await run(false)).toEqual(['7+null null+15', 'null+17', '16+null null+21 null+23'])
    expect(await run(true)).toEqual(await run(false))
  })
})

describe('sliding windows', () => {
  const counts = (build: (windows: KTable<Windowed<string>, number>) => void, difference: number): Application =>
    app((builder) => build(builder.stream(texts).groupByKey().windowedBy(sliding(difference)).count()))

  test('a window that starts after one record and ends at the next is made once, not twice', () => {
    const perKey = topic('per-key', { key: string(), value: long() })
    using driver = new TopologyTestDriver(
      counts(
        (table) =>
          table
            .groupBy((count, key) => [key.key, count], { key: string(), value: long() })
            .count()
            .toStream()
            .to(perKey),
        6,
      ),
    )
    driver.input(texts).pipe('a', 'x', { timestamp: 97 })
    driver.input(texts).pipe('a', 'x', { timestamp: 104 })
    expect(driver.output(perKey).readMap()).toEqual(new Map([['a', 2]]))
  })

  test('with a length of 0 count all records of a moment', () => {
    const seen: number[] = []
    using driver = new TopologyTestDriver(
      counts((table) => table.toStream().forEach((count) => seen.push(count ?? 0)), 0),
    )
    for (let i = 0; i < 3; i++) driver.input(texts).pipe('a', 'x', { timestamp: 10 })
    expect(seen).toEqual([1, 2, 3])
  })

  test('before a record that is just on time are not hidden by other keys', () => {
    const seen: string[] = []
    using driver = new TopologyTestDriver(
      counts(
        (table) =>
          table.toStream().forEach((count, { key, start, end }) => seen.push(`${key}[${start},${end}]=${count}`)),
        10,
      ),
    )
    const pipe = (key: string, timestamp: number): void => driver.input(texts).pipe(key, 'x', { timestamp })
    pipe('a', 29)
    pipe('b', 40)
    pipe('b', 39)
    seen.length = 0
    pipe('a', 30)
    expect(seen).toEqual(['a[30,40]=1'])
  })
})

describe('a store with the least retention', () => {
  const windowedTexts = (builder: StreamsBuilder) => builder.stream(texts).groupByKey()
  const seenOf = (
    build: (builder: StreamsBuilder) => KTable<Windowed<string>, number | null>,
    feed: [string, number][],
  ) => {
    const seen: string[] = []
    using driver = new TopologyTestDriver(
      app((builder) =>
        build(builder)
          .toStream()
          .forEach((count, { key, start, end }) => seen.push(`${key}[${start},${end}]=${count}`)),
      ),
    )
    for (const [key, timestamp] of feed) driver.input(texts).pipe(key, 'x', { timestamp })
    return seen.filter((line) => line.startsWith('a'))
  }

  test('finds the session that ended a gap ago, whatever other keys do', () => {
    const sessions = (builder: StreamsBuilder) =>
      windowedTexts(builder)
        .windowedBy(session(5))
        .count({ store: { name: 'sessions', retention: 5 } })
    const feed: [string, number][] = [
      ['a', 10],
      ['b', 15],
      ['a', 15],
    ]
    expect(seenOf(sessions, feed)).toEqual(['a[10,10]=1', 'a[10,10]=null', 'a[10,15]=2'])
  })

  test('finds the sliding window before a record that is just on time, whatever other keys do', () => {
    const slidingCounts = (builder: StreamsBuilder) =>
      windowedTexts(builder)
        .windowedBy(sliding(10))
        .count({ store: { name: 'counts', retention: 20 } })
    const feed: [string, number][] = [
      ['a', 29],
      ['b', 40],
      ['b', 39],
      ['a', 30],
    ]
    expect(seenOf(slidingCounts, feed)).toEqual(['a[19,29]=1', 'a[30,40]=1'])
  })
})

test('an aggregation of a table join counts a row once, even if a cache has both sides of it', () => {
  const perKey = topic('per-key', { key: string(), value: long() })
  using driver = new TopologyTestDriver(
    app((builder) => {
      const stream = builder.stream(texts)
      const types = { key: string(), value: string() }
      stream
        .toTable(types)
        .join(
          stream.mapValues((text) => text.length).toTable({ key: string(), value: int32() }),
          (text, size) => `${text}${size}`,
        )
        .groupBy((value, key) => [key, value], types)
        .count()
        .toStream()
        .to(perKey)
    }),
  )
  driver.input(texts).pipe('a', 'x', { timestamp: 1 })
  driver.input(texts).pipe('a', 'yy', { timestamp: 2 })
  expect(driver.output(perKey).readMap()).toEqual(new Map([['a', 1]]))
})

test('a row leaves a join if both sides are deleted between two commits, even if a cache has both', () => {
  const joined = topic('joined', { key: string(), value: string(), tombstones: true })
  const deletable = topic('deletable', { key: string(), value: string(), tombstones: true })
  using driver = new TopologyTestDriver(
    app((builder) => {
      const stream = builder.stream(deletable)
      const types = { key: string(), value: string() }
      stream
        .toTable(types)
        .join(stream.mapValues((text) => text).toTable(types), (left, right) => left + right)
        .toStream()
        .to(joined)
    }),
  )
  driver.input(deletable).pipe('a', 'x', { timestamp: 1 })
  driver.input(deletable).pipe('a', null, { timestamp: 2 })
  expect(driver.output(joined).readMap()).toEqual(new Map([['a', null]]))
})

test('a versioned table takes an older version of a deleted key, and both expire in the same commit', async () => {
  const hour = 3_600_000
  const harness = await StateHarness.open([versionedSpec({ history: hour, value: string() })])
  const state: VersionedState<string, string> = harness.store()
  state.put('a', null, hour / 2)
  await harness.commit()
  state.put('a', 'late', 1)
  state.put('b', 'x', 100 * hour)
  await harness.commit()
  expect(state.get('a')).toBeUndefined()
  expect(state.getAsOf('a', 2)).toBeUndefined()
  expect(state.get('b')?.value).toBe('x')
  await harness.close()
})

test('unlimited windows have a changelog with a retention that every log accepts', () => {
  const seen: (number | null)[] = []
  using driver = new TopologyTestDriver(
    app((builder) =>
      builder
        .stream(texts)
        .groupByKey()
        .windowedBy(unlimited())
        .count()
        .toStream()
        .forEach((count) => seen.push(count)),
    ),
  )
  driver.input(texts).pipe('a', 'x', { timestamp: 1 })
  driver.input(texts).pipe('a', 'x', { timestamp: 1e12 })
  expect(seen).toEqual([1, 2])
})

describe('optimized topologies', () => {
  test('may group one changed key twice after the same operator: both read one repartition topic', () => {
    using driver = new TopologyTestDriver(
      app(
        (builder) => {
          const renamed = builder
            .stream(texts)
            .selectKey((value) => value)
            .filter((value) => value !== '')
          renamed
            .groupByKey({ key: string() })
            .count({ store: 'first' })
            .toStream()
            .to('first', { key: string(), value: long() })
          const peeked = renamed.peek(() => {})
          peeked
            .groupByKey({ key: string() })
            .count({ store: 'second' })
            .toStream()
            .to('second', { key: string(), value: long() })
        },
        { optimize: 'merge.repartition.topics' },
      ),
    )
    for (const value of ['x', '', 'x']) driver.input(texts).pipe('a', value, { timestamp: 0 })
    for (const name of ['first', 'second']) {
      expect(driver.output(topic(name, { key: string(), value: long() })).readKeyValues()).toEqual([
        ['x', 1],
        ['x', 2],
      ])
    }
    expect(driver.topology.subtopologies).toHaveLength(2)
  })

  test.each(['left', 'right'])('may merge a merged stream on the %s: all of it is repartitioned', (side) => {
    using driver = new TopologyTestDriver(
      app(
        (builder) => {
          const renamed = builder.stream(texts).selectKey((value) => value)
          const two = renamed.merge(builder.stream(topic('b', { key: string(), value: string() })))
          const third = builder.stream(topic('c', { key: string(), value: string() }))
          const all = side === 'left' ? two.merge(third) : third.merge(two)
          all
            .groupByKey({ key: string(), value: string() })
            .count({ store: 'counts' })
            .toStream()
            .to('counts', { key: string(), value: long() })
        },
        { optimize: 'merge.repartition.topics' },
      ),
      { partitions: { texts: 4, b: 1, c: 3 } },
    )
    driver.input(texts).pipe('a', 'x', { timestamp: 0 })
    driver.input(topic('b', { key: string(), value: string() })).pipe('x', '', { timestamp: 0 })
    driver.input(topic('c', { key: string(), value: string() })).pipe('x', '', { timestamp: 0 })
    expect(driver.output(topic('counts', { key: string(), value: long() })).readValues()).toEqual([1, 2, 3])
  })

  test('join no record with itself that is not in its own window', () => {
    using driver = new TopologyTestDriver(
      app(
        (builder) => {
          const stream = builder.stream(texts)
          stream.join(stream, (a, b) => `${a}+${b}`, joinWindow({ before: 4, after: -2 })).to(results)
        },
        { optimize: 'single.store.self.join' },
      ),
    )
    driver.input(texts).pipe('a', 'x', { timestamp: 10 })
    driver.input(texts).pipe('a', 'y', { timestamp: 13 })
    expect(driver.output(results).readValues()).toEqual(['y+x'])
  })
})

describe('merged repartitions', () => {
  test('take along nothing that goes elsewhere, where null keys are no less than others', async () => {
    const grouped = topic('grouped', { key: string(), value: long() })
    const run = async (optimize: 'none' | 'all'): Promise<unknown> => {
      await using driver = new TopologyTestDriver(
        app(
          (builder) => {
            const types = { key: string(), value: string() }
            const known = builder
              .stream(texts)
              .selectKey((value) => (value === '' ? null : value) as string)
              .filter(() => true)
            known.groupByKey(types).count().toStream().to(grouped)
            known.to(results)
          },
          { optimize },
        ),
      )
      driver.input(texts).pipe('a', 'rye', { timestamp: 0 })
      driver.input(texts).pipe('b', '', { timestamp: 1 })
      return [driver.output(results).readValues(), driver.output(grouped).readValues()]
    }
    expect(await run('none')).toEqual([['rye', ''], [1]])
    expect(await run('all')).toEqual(await run('none'))
  })

  test('still are one where all that lies between leads into them', () => {
    const { subtopologies } = app(
      (builder) => {
        const types = { key: string(), value: string() }
        const known = builder
          .stream(texts)
          .selectKey((value) => value)
          .filter(() => true)
        known.groupByKey(types).count()
        known.groupByKey(types).reduce((left) => left)
      },
      { optimize: 'all' },
    ).topology()
    const sinks = subtopologies.flatMap(({ nodes }) => nodes.filter((node) => node.kind === 'sink'))
    expect(sinks).toHaveLength(1)
  })
})

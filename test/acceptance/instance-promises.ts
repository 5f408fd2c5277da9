import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { defineApp, joinWindow, long, readTopic, Streams, string, topic, TopicWriter } from '../../src/index.ts'
import type {
  Application,
  Guarantee,
  Log,
  ReadOnlyTimestampedKeyValueStore,
  StreamsBuilder,
  Topic,
  TopicRecord,
} from '../../src/index.ts'

/** A log, and a prefix of all names on it, so that tests do not share any. */
export interface Place {
  readonly log: Log
  readonly uniqueName: (name: string) => string
  readonly guarantee: Guarantee
  readonly close: () => Promise<void>
}

const PARTITIONS = 4
const TIMEOUT = 120_000

/** What users rely on when an application runs as two instances; the same on every log. */
export function instancePromises(name: string, open: () => Promise<Place>): void {
  let place: Place
  let directory: string
  const running: Streams[] = []

  beforeAll(async () => {
    place = await open()
  })
  afterAll(async () => {
    await place.close()
  })
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-acceptance-'))
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map((streams) => streams.close()))
    await rm(directory, { recursive: true, force: true })
  })

  async function newTopic(base: string): Promise<Topic<string, string>> {
    const created = topic(place.uniqueName(base), { key: string(), value: string() })
    await place.log.createTopics([{ name: created.name, partitions: PARTITIONS }])
    return created
  }

  function appOf(build: (builder: StreamsBuilder) => void): Application {
    return defineApp({ id: place.uniqueName('app'), guarantee: place.guarantee, commitInterval: 50, build })
  }

  async function start(app: Application, instance: string): Promise<Streams> {
    const streams = await Streams.start(app, { log: place.log, stateDirectory: join(directory, instance) })
    running.push(streams)
    return streams
  }

  async function startTwo(app: Application): Promise<[Streams, Streams]> {
    const both: [Streams, Streams] = [await start(app, 'one'), await start(app, 'two')]
    await eventually(() => both.every((streams) => streams.state === 'running' && streams.status().tasks.length > 0))
    return both
  }

  async function write(
    to: Topic<string, string>,
    records: Iterable<readonly [key: string, value: string, timestamp: number]>,
  ): Promise<void> {
    await using writer = await TopicWriter.open(place.log, to)
    for (const [key, value, timestamp] of records) writer.write(key, value, { timestamp })
    await writer.flush()
  }

  async function readAll<V>(from: Topic<string, V>): Promise<TopicRecord<string, V>[]> {
    const records: TopicRecord<string, V>[] = []
    for await (const record of readTopic(place.log, from, { until: 'end' })) records.push(record)
    return records
  }

  async function readAtLeast<V>(from: Topic<string, V>, count: number): Promise<TopicRecord<string, V>[]> {
    let records: TopicRecord<string, V>[] = []
    await eventually(async () => (records = await readAll(from)).length >= count)
    return records
  }

  describe(`two instances on ${name}`, () => {
    test(
      'groupBy on a new key gives one total per key, whichever instance its records came through',
      async () => {
        const words = await newTopic('words')
        const counts = topic((await newTopic('counts')).name, { key: string(), value: long() })
        const app = appOf((builder) =>
          builder
            .stream(words)
            .groupBy((word) => word, { key: string(), value: string() })
            .count()
            .toStream()
            .to(counts),
        )
        await startTwo(app)
        await write(
          words,
          Array.from({ length: 400 }, (_, i) => [`line-${i}`, `word-${i % 5}`, i] as const),
        )
        const last = async (): Promise<Record<string, number>> =>
          Object.fromEntries((await readAll(counts)).map(({ key, value }) => [key, value]))
        const expected = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`word-${i}`, 80]))
        await eventually(async () => Object.values(await last()).reduce((sum, count) => sum + count, 0) >= 400)
        expect(await last()).toEqual(expected)
      },
      TIMEOUT,
    )

    test(
      'a join of two topics finds every match',
      async () => {
        const [orders, payments, paid] = [await newTopic('orders'), await newTopic('payments'), await newTopic('paid')]
        const app = appOf((builder) =>
          builder
            .stream(orders)
            .join(builder.stream(payments), (order, payment) => `${order}/${payment}`, joinWindow('1m'), {
              key: string(),
              value: string(),
              otherValue: string(),
            })
            .to(paid),
        )
        await startTwo(app)
        const ids = Array.from({ length: 100 }, (_, i) => i)
        await write(
          orders,
          ids.map((i) => [`${i}`, `order-${i}`, 1000 + i] as const),
        )
        await write(
          payments,
          ids.map((i) => [`${i}`, `payment-${i}`, 1500 + i] as const),
        )
        const found = (await readAtLeast(paid, 100)).map(({ value }) => value)
        expect(found.toSorted()).toEqual(ids.map((i) => `order-${i}/payment-${i}`).toSorted())
      },
      TIMEOUT,
    )

    test(
      'a global table holds every partition on every instance, and follows its topic',
      async () => {
        const [rates, orders, priced] = [await newTopic('rates'), await newTopic('orders'), await newTopic('priced')]
        const codes = Array.from({ length: 20 }, (_, i) => `code-${i}`)
        await write(
          rates,
          codes.map((code, i) => [code, `rate-${i}`, i] as const),
        )
        const app = appOf((builder) =>
          builder
            .stream(orders)
            .join(
              builder.globalTable(rates, { store: 'rates' }),
              (code) => code,
              (code, rate) => `${code}=${rate}`,
            )
            .to(priced, { key: string(), value: string() }),
        )
        const both = await startTwo(app)
        const rowsOf = (streams: Streams): string[] =>
          streams
            .stores<ReadOnlyTimestampedKeyValueStore<string, string>>('rates')
            .flatMap((store) => [...store.all()].map(({ key, value }) => `${key}=${value.value}`))
            .toSorted()
        for (const streams of both)
          expect(rowsOf(streams)).toEqual(codes.map((code, i) => `${code}=rate-${i}`).toSorted())
        await write(rates, [['code-0', 'new', 100]])
        await eventually(() => both.every((streams) => rowsOf(streams).includes('code-0=new')))
        await write(
          orders,
          codes.map((code, i) => [`order-${i}`, code, 200] as const),
        )
        expect((await readAtLeast(priced, 20)).map(({ value }) => value).toSorted()).toEqual(rowsOf(both[0]))
      },
      TIMEOUT,
    )

    test(
      'event time survives a sink, a repartition topic and a join',
      async () => {
        const [events, names] = [await newTopic('events'), await newTopic('names')]
        const [copied, moved, joined] = [await newTopic('copied'), await newTopic('moved'), await newTopic('joined')]
        const app = appOf((builder) => {
          const stream = builder.stream(events)
          stream.to(copied)
          const byValue = stream.selectKey((value) => value).repartition({ key: string(), value: string() })
          byValue.to(moved)
          byValue
            .join(builder.table(names), (value, title) => `${value} ${title}`)
            .to(joined, { key: string(), value: string() })
        })
        await startTwo(app)
        await write(
          names,
          [0, 1, 2].map((i) => [`who-${i}`, `title-${i}`, 1] as const),
        )
        await eventually(() => running.every((streams) => streams.status().lag === 0))
        const times = Array.from({ length: 30 }, (_, i) => 1_000_000 + 17 * i)
        await write(
          events,
          times.map((time, i) => [`key-${i}`, `who-${i % 3}`, time] as const),
        )
        for (const output of [copied, moved, joined]) {
          expect((await readAtLeast(output, 30)).map(({ timestamp }) => timestamp).toSorted((a, b) => a - b)).toEqual(
            times,
          )
        }
      },
      TIMEOUT,
    )

    test(
      'a partition that leaves and returns shows no stale rows',
      async () => {
        const events = await newTopic('events')
        const app = appOf((builder) => void builder.stream(events).groupByKey().count({ store: 'counts' }))
        const keys = Array.from({ length: 16 }, (_, i) => `key-${i}`)
        const rows = (): string[] =>
          running
            .flatMap((streams) => streams.stores<ReadOnlyTimestampedKeyValueStore<string, number>>('counts'))
            .flatMap((store) => [...store.all()].map(({ key, value }) => `${key}=${value.value}`))
            .toSorted()
        const expected = (count: number): string[] => keys.map((key) => `${key}=${count}`).toSorted()
        const addOneEach = async (count: number): Promise<void> => {
          await write(
            events,
            keys.map((key) => [key, 'x', count] as const),
          )
          await eventually(() => rows().filter((row) => row.endsWith(`=${count}`)).length === keys.length)
          expect(rows()).toEqual(expected(count))
        }
        const [stays] = [await start(app, 'stays')]
        await addOneEach(1)
        const visits = await start(app, 'visits')
        await eventually(
          () => stays.state === 'running' && visits.state === 'running' && visits.status().tasks.length === 2,
        )
        await addOneEach(2)
        await visits.close()
        running.splice(running.indexOf(visits), 1)
        await eventually(() => stays.state === 'running' && stays.status().tasks.length === PARTITIONS)
        expect(rows()).toEqual(expected(2))
        await addOneEach(3)
      },
      TIMEOUT,
    )
  })
}

/** Waits until a condition holds. The time limit of the test ends the wait. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((wake) => setTimeout(wake, 20))
}

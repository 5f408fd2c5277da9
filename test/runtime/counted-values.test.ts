import { afterEach, beforeEach, expect, test } from 'vitest'
import { bytes, defineApp, json, memoryLog, readTopic, Streams, string, topic, TopicWriter } from '../../src/index.ts'
import type { KStream, Log } from '../../src/index.ts'

interface Click {
  page: string
  seen?: boolean
}

/** JSON as another program writes it, not as JSON.stringify does. */
const TEXT = '{ "page" : "home" }'
const clicks = topic('clicks', { key: string(), value: json<Click>() })
const counts = topic('counts', { key: string(), value: json<unknown>() })
const raw = topic('clicks', { key: string(), value: bytes() })

let log: Log

beforeEach(async () => {
  log = memoryLog()
  await log.createTopics([clicks, counts].map(({ name }) => ({ name, partitions: 2 })))
  await using writer = await TopicWriter.open(log, raw)
  for (let i = 0; i < 4; i++) writer.write(`user-${i}`, Buffer.from(TEXT), { timestamp: i })
  writer.write('user-5', null, { timestamp: 5 })
})

afterEach(() => log.close())

/** Runs the application over all clicks. Returns the values in its repartition topic. */
async function run(aggregate: (stream: KStream<string, Click>) => void): Promise<(string | undefined)[]> {
  const app = defineApp({
    id: 'pages',
    commitInterval: 10,
    cacheBytes: 0,
    build: (builder) => aggregate(builder.stream(clicks)),
  })
  const streams = await Streams.start(app, { log, engine: 'memory', stateDirectory: 'unused' })
  await expect.poll(() => streams.status()).toMatchObject({ lag: 0, written: 8 })
  await streams.close()
  const written: (string | undefined)[] = []
  const name = topic('pages-by-page-repartition', { key: string(), value: bytes() })
  for await (const { key, value } of readTopic(log, name, { until: 'end' })) {
    expect(key).toBe('home')
    written.push(value === null ? undefined : Buffer.from(value).toString())
  }
  return written
}

const byPage = { key: string(), name: 'by-page' }

async function lastOutput(): Promise<unknown> {
  let last: unknown
  for await (const { value } of readTopic(log, counts, { until: 'end' })) last = value
  return last
}

test('values that are only counted pass a repartition topic as they came: they are not serialized again', async () => {
  const written = await run((stream) => {
    const [left, right] = [stream.filter((click) => click !== null), stream.filter(() => false)]
    left
      .merge(right)
      .peek((click) => (click.seen = true))
      .selectKey(({ page }) => page)
      .groupByKey(byPage)
      .count({ store: 'counts' })
      .toStream()
      .to(counts)
  })
  expect(written).toEqual([TEXT, TEXT, TEXT, TEXT])
  expect(await lastOutput()).toBe(4)
})

test('values that were changed on the way are written as they are now, counted or not', async () => {
  const written = await run((stream) => {
    stream
      .filter((click) => click !== null)
      .mapValues(({ page }): Click => ({ page, seen: true }))
      .selectKey(({ page }) => page)
      .groupByKey({ ...byPage, value: json<Click>() })
      .count({ store: 'counts' })
      .toStream()
      .to(counts)
  })
  expect(written).toEqual(Array.from({ length: 4 }, () => '{"page":"home","seen":true}'))
  expect(await lastOutput()).toBe(4)
})

test('values that are aggregated are written as they are now, with what a function changed in them', async () => {
  const written = await run((stream) => {
    stream
      .filter((click) => click !== null)
      .peek((click) => (click.seen = true))
      .selectKey(({ page }) => page)
      .groupByKey(byPage)
      .aggregate(
        () => 0,
        (seen, click) => seen + (click.seen === true ? 1 : 0),
        { store: 'counts', value: json<number>() },
      )
      .toStream()
      .to(counts)
  })
  expect(written).toEqual(Array.from({ length: 4 }, () => '{"page":"home","seen":true}'))
  expect(await lastOutput()).toBe(4)
})

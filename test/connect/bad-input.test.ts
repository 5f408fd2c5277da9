import { memoryLog, MillraceError, readTopic, string, topic, TopicWriter, type Log, type Topic } from 'millrace'
import { defineConnectors, defineSink, defineSource, type Connector, type SourceConfig } from 'millrace/connect'
import { describe, expect, test } from 'vitest'
import { LETTER_HEADERS } from '../../src/record/dead-letter-headers.ts'
import { until } from '../server/support.ts'
import { Feeds, feedSource, fresh, Lines, only, run, textTopic, valuesOf, withCommits } from './kit.ts'
import { Target, targetSink } from './target.ts'

type Parts = Partial<SourceConfig<string, string, unknown>>

/** A source that reads once what it is given, and ends. */
function source(target: Topic<string, string>, parts: Parts): Connector {
  return defineSource<string, string, unknown>({
    name: 'source',
    topic: target,
    topicOptions: { partitions: 1 },
    start: 0,
    async *read() {},
    ...parts,
  })
}

/** Runs a connector to its end. @returns the error that it fails with */
async function failureOf(log: Log, connector: Connector, id = fresh('bad')): Promise<unknown> {
  const running = await run(id, [connector], { log, untilEnd: true })
  return await running.closed.then(
    () => undefined,
    (error: unknown) => error,
  )
}

async function topicOf(log: Log, ...values: (string | null)[]): Promise<Topic<string, string>> {
  const created = textTopic()
  await log.createTopics([{ name: created.name, partitions: 1 }])
  const writer = await TopicWriter.open(log, created)
  for (const value of values) writer.write('key', value)
  await writer.close()
  return created
}

describe('a source that breaks its word fails, with its name and what to do', () => {
  const bad: readonly (readonly [what: string, parts: Parts, code: string, text: RegExp])[] = [
    ['yields no position', { read: yielding({ records: [] }) }, 'MR_CONNECTOR_RESULT', /yielded no position/],
    ['yields no records', { read: yielding({ position: 1 }) }, 'MR_CONNECTOR_RESULT', /yielded no records/],
    ['yields a function', { read: yielding({ records: [], position: () => 1 }) }, 'MR_CONNECTOR_POSITION', /function/],
    ['yields a bigint', { read: yielding({ records: [], position: 1n }) }, 'MR_CONNECTOR_POSITION', /BigInt/],
    [
      'yields a huge position',
      { read: yielding({ records: [], position: 'x'.repeat(600_000) }) },
      'MR_CONNECTOR_POSITION',
      /longer than 500000/,
    ],
    ['names no partitions', { partitions: () => [1] as never }, 'MR_CONNECTOR_RESULT', /returned no names/],
    [
      'transforms to a number',
      { read: yielding({ records: [{ value: 'a' }], position: 1 }), transform: () => 1 as never },
      'MR_CONNECTOR_RECORD',
      /transform returned 1/,
    ],
    [
      'writes what the serde refuses',
      { read: yielding({ records: [{ value: 1 }], position: 1 }) },
      'MR_CONNECTOR_RECORD',
      /cannot be written/,
    ],
    [
      'gives a timestamp that is none',
      { read: yielding({ records: [{ value: 'a', timestamp: Number.NaN }], position: 1 }) },
      'MR_CONNECTOR_RECORD',
      /timestamp/,
    ],
    [
      'chooses a partition that is none',
      { read: yielding({ records: [{ value: 'a', partition: 9 }], position: 1 }) },
      'MR_PARTITION_UNKNOWN',
      /no partition 9/,
    ],
    [
      'finds input that is no record',
      { read: yielding({ records: [{ error: new Error('no text'), rawValue: null, place: 'line 7' }], position: 1 }) },
      'MR_CONNECTOR_RECORD',
      /cannot read line 7: no text/,
    ],
  ]

  test.each(bad)('%s', async (_what, parts, code, text) => {
    const log = memoryLog()
    const target = textTopic()
    const error = await failureOf(log, source(target, parts))
    expect(error).toBeInstanceOf(MillraceError)
    expect(error).toMatchObject({ code, hint: expect.stringMatching(/\.$/), message: expect.stringMatching(text) })
    expect(await valuesOf(log, target)).toEqual([])
  })

  function yielding(batch: unknown): NonNullable<Parts['read']> {
    return async function* () {
      yield batch as never
    }
  }
})

test('records that cannot be read, transformed or written go to the dead letters, and the rest goes on', async () => {
  const log = memoryLog()
  const target = textTopic()
  const letters = topic(fresh('letters'), { key: string(), value: string() })
  await log.createTopics([{ name: letters.name, partitions: 1 }])
  const items = [
    { value: 'good' },
    { error: new Error('no text'), rawValue: Buffer.from('bytes'), place: 'in/a.log, line 2' },
    { value: 5 as never },
    { value: 'never' },
    { value: 'fine' },
  ]
  const connector = source(target, {
    onError: 'deadLetter',
    async *read({ position }) {
      if (position === 0) yield { records: items, position: 1 }
    },
    transform: (record) => {
      if (record.value === 'never') throw new RangeError('not this one')
      return record
    },
  })
  const running = await run(fresh('letters'), [connector], { log, untilEnd: true }, { deadLetterTopic: letters.name })
  await running.closed
  expect(await valuesOf(log, target)).toEqual(['fine', 'good'])
  expect(only(running)).toMatchObject({ bad: 3, deadLetters: 3, records: 2 })
  const found: unknown[] = []
  for await (const { value, headers } of readTopic(log, letters, { until: 'end' }))
    found.push([value, headers.getString(LETTER_HEADERS.code), headers.getString(LETTER_HEADERS.node)])
  expect(found).toEqual([
    ['bytes', 'MR_CONNECTOR_RECORD', 'source'],
    ['5', 'MR_CONNECTOR_RECORD', 'source'],
    ['never', 'MR_CONNECTOR_RECORD', 'source'],
  ])
})

test('a record that the target refuses is put aside once, and the batch goes on', async () => {
  const log = memoryLog()
  const from = await topicOf(log, 'a', 'bad', 'b')
  const letters = textTopic()
  await log.createTopics([{ name: letters.name, partitions: 1 }])
  const rows: string[] = []
  const sink = defineSink<string, string>({
    name: 'sink',
    topics: [from],
    onError: 'deadLetter',
    async write({ records, refuse }) {
      for (const record of records) {
        if (record.value === 'bad') await refuse(record, new Error('constraint'))
        else rows.push(record.value!)
      }
    },
  })
  const running = await run(fresh('refused'), [sink], { log, untilEnd: true }, { deadLetterTopic: letters.name })
  await running.closed
  expect(rows).toEqual(['a', 'b'])
  expect(await valuesOf(log, letters)).toEqual(['bad'])
  expect(only(running)).toMatchObject({ records: 2, deadLetters: 1 })
})

test('a system that fails is tried again with longer pauses, and given up after the timeout', async () => {
  const log = memoryLog()
  const logger = new Lines()
  const connector = source(textTopic(), {
    retry: { backoff: 10, maxBackoff: 40, timeout: 150 },
    read() {
      throw new Error('away')
    },
  })
  const running = await run(fresh('away'), [connector], { log }, { logger })
  await expect(running.closed).rejects.toThrow('away')
  const pauses = logger.all.flatMap(({ fields }) => ('pause' in fields ? [fields.pause] : []))
  expect(pauses.slice(0, 4)).toEqual([10, 20, 40, 40])
  expect(only(running)).toMatchObject({ state: 'failed', reason: 'away', retries: pauses.length })
})

test('committed is called after the commit alone, with the last position, and again after an error', async () => {
  const log = memoryLog()
  const [feeds, target] = [new Feeds(['north'], 9), textTopic()]
  const seen: { readonly next: number; readonly there: number }[] = []
  let fails = true
  const connector = feedSource(feeds, target, 3, {
    retry: { backoff: 1 },
    async committed({ position: { next } }) {
      seen.push({ next, there: (await valuesOf(log, target)).length })
      if (!fails) return
      fails = false
      throw new Error('once')
    },
  })
  await (
    await run(fresh('committed'), [connector], { log, untilEnd: true })
  ).closed
  expect(seen.length).toBeGreaterThan(1)
  expect(seen.filter(({ next, there }) => there < next)).toEqual([])
  expect(seen.at(-1)).toEqual({ next: 9, there: 9 })
})

describe('what cannot be is refused at the start', () => {
  test('a topic that does not exist, with the nearest name', async () => {
    const log = memoryLog()
    await log.createTopics([{ name: 'orders', partitions: 1 }])
    const sink = defineSink({ name: 'sink', topics: [textTopic('order')], write: () => {} })
    await expect(run('unknown', [sink], { log })).rejects.toMatchObject({
      code: 'MR_TOPIC_UNKNOWN',
      hint: 'Did you mean orders?',
    })
  })

  test('another number of tasks than before', async () => {
    const log = memoryLog()
    const [feeds, target] = [new Feeds(['a'], 1), textTopic()]
    await (
      await run('tasks', [feedSource(feeds, target, 1, { tasks: 2 })], { log, untilEnd: true })
    ).closed
    await expect(run('tasks', [feedSource(feeds, target, 1, { tasks: 3 })], { log })).rejects.toMatchObject({
      code: 'MR_CONNECTOR_TASKS',
      hint: 'Give it tasks: 2, or another name: then it begins at its start.',
    })
  })

  test.each([
    ['two connectors of one name', () => definition([named('a'), named('a')]), /name of its own/],
    ['a name with a slash', () => named('a/b'), /1 to 100 of the characters/],
    ['no connectors', () => definition([]), /defineSource\(\) and defineSink\(\)/],
    ['something else as a connector', () => definition([{} as never]), /defineSource\(\) or defineSink\(\)/],
    ['dead letters without their topic', () => definition([named('a', 'deadLetter')]), /Name the topic/],
    [
      'a sink with write and open',
      () => defineSink({ ...both, write: () => {}, open: () => ({}) } as never),
      /not both/,
    ],
    ['a sink with neither', () => defineSink(both as never), /Give write, or open/],
    ['exactly once without offsets', () => defineSink({ ...both, ...eager } as never), /returns the offsets/],
  ])('%s', (_what, act, hint) => {
    expect(act).toThrow(expect.objectContaining({ code: 'MR_CONFIG', hint: expect.stringMatching(hint) }))
  })

  const both = { name: 'both', topics: [textTopic('both')] }
  const eager = { guarantee: 'exactly-once', write: () => {} }
  const definition = (connectors: readonly Connector[]): unknown => defineConnectors({ id: 'id', connectors })
  const named = (name: string, onError: 'fail' | 'deadLetter' = 'fail'): Connector =>
    defineSink({ name, onError, topics: [textTopic('in')], write: () => {} })
})

test('a target that has more of a partition than the topic is not written to', async () => {
  const log = memoryLog()
  const from = await topicOf(log, 'a')
  const target = new Target()
  target.write(target.open([]).epoch, [], [{ topic: from.name, partition: 0, offset: 100 }])
  expect(await failureOf(log, targetSink(target, from))).toMatchObject({ code: 'MR_CONNECTOR_OFFSETS' })
  expect(target.rows).toEqual([])
})

test('a sink that returns offsets without promising anything is refused, and one that owes them', async () => {
  const log = memoryLog()
  const from = await topicOf(log, 'a')
  const write = (): void => {}
  const liar = defineSink({ name: 'liar', topics: [from], open: () => ({ offsets: [], write }) })
  const debtor = defineSink({ name: 'debtor', topics: [from], guarantee: 'exactly-once', open: () => ({ write }) })
  expect(await failureOf(log, liar)).toMatchObject({ code: 'MR_CONNECTOR_RESULT', message: /returned offsets/ })
  expect(await failureOf(log, debtor)).toMatchObject({ code: 'MR_CONNECTOR_RESULT', message: /no offsets/ })
})

test('a source is not asked for more than there is room for', async () => {
  const log = memoryLog()
  const target = textTopic()
  let asked = 0
  const connector = source(target, {
    maxBatch: 100,
    commitInterval: '1h',
    async *read({ position }) {
      for (let next = Number(position); next < 40;) {
        asked++
        yield { records: [{ value: 'x'.repeat(50) }], position: ++next }
      }
    },
  })
  const held: (() => void)[] = []
  const slow = withCommits(log, (client) => async (offsets) => {
    await new Promise<void>((resolve) => held.push(resolve))
    return await client.commit(offsets)
  })
  const running = await run(fresh('room'), [connector], { log: slow, untilEnd: true })
  await until(() => held.length === 1)
  await new Promise((resolve) => setImmediate(resolve))
  // Two in the commit under way, two for the next one.
  expect(asked).toBe(4)
  while (only(running).state !== 'done') {
    held.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(await valuesOf(log, target)).toHaveLength(40)
})

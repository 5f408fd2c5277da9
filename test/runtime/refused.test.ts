import { defineApp, memoryLog, MillraceError, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { AppConfig, Log } from 'millrace'
import { expect, test } from 'vitest'

const text = { key: string(), value: string() }
const [notes, short, dead] = ['notes', 'short', 'dead'].map((name) => topic(name, text)) as [
  ReturnType<typeof topic<string, string>>,
  ReturnType<typeof topic<string, string>>,
  ReturnType<typeof topic<string, string>>,
]

async function openLog(): Promise<Log> {
  const log = memoryLog()
  await log.createTopics([
    { name: notes.name, partitions: 1 },
    { name: short.name, partitions: 1, configs: { 'max.message.bytes': '200' } },
    { name: dead.name, partitions: 1 },
  ])
  const writer = await TopicWriter.open(log, notes)
  for (const [key, value] of Object.entries({ a: 'fits', b: 'x'.repeat(300), c: 'fits, too' })) writer.write(key, value)
  await writer.close()
  return log
}

async function read(log: Log, from: typeof notes): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const { key, value, headers } of readTopic(log, from, { until: 'end' })) {
    found.push([key, value, headers.getString('__streams.errors.offset')])
  }
  return found
}

async function run(log: Log, config: Pick<AppConfig, 'build'> & Partial<AppConfig>): Promise<void> {
  await using streams = await Streams.start(defineApp({ id: 'short', commitInterval: 10, ...config }), { log })
  await expect.poll(() => streams.status().processed).toBe(3)
  expect(streams.status().dropped.get('production')).toBe(1)
}

test('on a log in this process a refused record becomes a dead letter, and its neighbours are written', async () => {
  const log = await openLog()
  await run(log, { deadLetterTopic: dead.name, build: (builder) => builder.stream(notes).to(short) })
  expect(await read(log, short)).toEqual([
    ['a', 'fits', undefined],
    ['c', 'fits, too', undefined],
  ])
  expect(await read(log, dead)).toEqual([['b', 'x'.repeat(300), '1']])
  await log.close()
})

test('what a cache held back until the commit is decided about with the record that it came from', async () => {
  const log = await openLog()
  const build: AppConfig['build'] = (builder) => builder.table(notes, { store: 'latest' }).toStream().to(short)
  await using streams = await Streams.start(
    defineApp({ id: 'cached', commitInterval: 50, deadLetterTopic: dead.name, build }),
    { log },
  )
  await expect.poll(() => read(log, dead)).toEqual([['b', 'x'.repeat(300), '1']])
  expect(await read(log, short)).toHaveLength(2)
  await streams.close()
  await log.close()
})

test('a writer throws for the record at once, and the others are written', async () => {
  const log = await openLog()
  const writer = await TopicWriter.open(log, short)
  writer.write('a', 'fits')
  expect(() => writer.write('b', 'x'.repeat(300))).toThrow(MillraceError)
  writer.write('c', 'fits, too')
  await writer.close()
  expect(await read(log, short)).toHaveLength(2)
  await log.close()
})

test('a dead letter that is refused, too, ends the application and names the input record', async () => {
  const log = await openLog()
  const app = defineApp({
    id: 'twice',
    deadLetterTopic: short.name,
    build: (builder) => builder.stream(notes).to(short),
  })
  const streams = await Streams.start(app, { log })
  await expect(streams.closed).rejects.toMatchObject({ code: 'MR_PRODUCE', topic: notes.name, offset: 1, task: '0_0' })
  await log.close()
})

import { expect, it } from 'vitest'
import {
  defineApp,
  hopping,
  long,
  memoryLog,
  Streams,
  string,
  topic,
  TopicWriter,
  windowStore,
} from '../../src/index.ts'
import type { AppConfig, Logger, WindowStore } from '../../src/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'

const clicks = topic('clicks', { key: string(), value: long() })

interface Line {
  readonly level: keyof Logger
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

function recording(): { lines: Line[]; logger: Logger } {
  const lines: Line[] = []
  const at = (level: keyof Logger) => (fields: object, message: string) =>
    void lines.push({ level, message, fields: { ...fields } })
  return { lines, logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } }
}

/** Counts in windows, three for each late record, and fails for negative values. */
function counting(config: Partial<AppConfig>) {
  return defineApp({
    id: 'counting',
    onProcessingError: 'continue',
    onDeserializationError: 'continue',
    build: (builder) => {
      const stream = builder.stream(clicks)
      stream
        .groupByKey()
        .windowedBy(hopping('3s', { advance: '1s' }))
        .count({ store: 'counts' })
      stream.mapValues(
        (value) => {
          if (value < 0) throw new RangeError('negative')
          return value
        },
        { name: 'check' },
      )
    },
    ...config,
  })
}

it('a record that is too old for a global store is counted and logged with its place, once', () => {
  const { lines, logger } = recording()
  const app = defineApp({
    id: 'global',
    logger,
    build: (builder) => {
      const store = windowStore('recent', { key: string(), value: long(), windowSize: '1s', retention: '1h' })
      builder.addGlobalStore(store, clicks, () => {
        let recent: WindowStore<string, number>
        return {
          init: (context) => void (recent = context.store('recent')),
          process: ({ key, value, timestamp }) => recent.put(key, value, timestamp),
        }
      })
    },
  })
  using driver = new TopologyTestDriver(app)
  const input = driver.input(clicks)
  for (const timestamp of [86_400_000, 0, 1]) input.pipe('a', 1, { timestamp })
  expect(driver.dropped.byReason.get('expired')).toBe(2)
  const fields = { reason: 'expired', store: 'recent', task: 'global', topic: 'clicks', partition: 0, offset: 1 }
  expect(lines).toEqual([{ level: 'warn', message: 'record dropped', fields }])
})

it('records that are dropped alike are logged once with their place, then counted by reason and node', () => {
  const { lines, logger } = recording()
  const driver = new TopologyTestDriver(counting({ logger }))
  const input = driver.input(clicks)
  input.pipe('a', 1, { timestamp: 60_000 })
  for (let late = 0; late < 500; late++) input.pipe('a', 1, { timestamp: 10_000 })
  for (let failing = 0; failing < 100; failing++) input.pipe('a', -1, { timestamp: 60_000 })
  expect(lines).toEqual([
    {
      level: 'warn',
      message: 'record dropped',
      fields: expect.objectContaining({ reason: 'late', task: '0_0', topic: 'clicks', partition: 0, offset: 1 }),
    },
    {
      level: 'warn',
      message: 'record dropped',
      fields: expect.objectContaining({ reason: 'processing', node: 'check', offset: 501, err: expect.any(Error) }),
    },
  ])
  const late = lines[0]?.fields['node']

  driver.advanceWallClock('10s')
  expect(lines.slice(2)).toEqual([
    {
      level: 'warn',
      message: 'record dropped (repeated)',
      fields: { node: late, reason: 'late', count: 1499, interval: 10_000 },
    },
    {
      level: 'warn',
      message: 'record dropped (repeated)',
      fields: { node: 'check', reason: 'processing', count: 99, interval: 10_000 },
    },
  ])

  input.pipe('a', 1, { timestamp: 10_000 })
  driver.advanceWallClock('10s')
  expect(lines.at(-1)?.fields).toEqual({ node: late, reason: 'late', count: 3, interval: 10_000 })

  // What was not dropped for an interval is logged with its place again.
  driver.advanceWallClock('10s')
  input.pipe('a', 1, { timestamp: 10_000 })
  expect(lines.at(-1)).toMatchObject({ message: 'record dropped', fields: { reason: 'late', offset: 602 } })

  input.pipe('a', -1, { timestamp: 60_000 })
  driver.close()
  expect(lines.at(-1)?.fields).toMatchObject({ reason: 'late', count: 2 })
  const counted = lines.reduce((sum, { fields }) => sum + Number(fields['count'] ?? 1), 0)
  const dropped = 502 * 3 + 101
  expect(counted).toBe(dropped)
})

it('a flood of late and unreadable records makes few lines, and the last count is written at the close', async () => {
  const { lines, logger } = recording()
  const log = memoryLog()
  log.createTopics([{ name: 'clicks', partitions: 4 }])
  const writer = await TopicWriter.open(log, clicks)
  for (let key = 0; key < 16; key++) writer.write(`${key}`, 1, { timestamp: 60_000 })
  for (let late = 0; late < 20_000; late++) writer.write(`${late % 16}`, 1, { timestamp: 10_000 })
  await writer.flush()
  const raw = await TopicWriter.open(log, topic('clicks', { key: string(), value: string() }))
  for (let bad = 0; bad < 1000; bad++) raw.write(`${bad % 16}`, 'no long')
  await raw.close()

  const streams = await Streams.start(counting({ logger }), { log, engine: 'memory' })
  while ((streams.status().dropped.get('deserialization') ?? 0) < 1000) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const { dropped } = streams.status()
  await streams.close()
  const told = lines.filter(({ message }) => message.startsWith('record dropped'))
  expect(told.length).toBeLessThan(12)
  for (const reason of ['late', 'deserialization']) {
    const counts = told.filter(({ fields }) => fields['reason'] === reason).map(({ fields }) => fields['count'] ?? 1)
    expect(counts.reduce<number>((sum, count) => sum + Number(count), 0)).toBe(dropped.get(reason as 'late'))
  }
  expect(dropped.get('late')).toBe(60_000)
})

it.each<[what: string, log: () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('no space left on device')
    },
  ],
  ['rejects', () => Promise.reject(new Error('no space left on device'))],
])('a logger that %s does not end the application', (_what, fail) => {
  const logger = { debug: fail, info: fail, warn: fail, error: fail }
  using driver = new TopologyTestDriver(counting({ logger }))
  const input = driver.input(clicks)
  for (const timestamp of [60_000, 10_000, 10_000]) input.pipe('a', 1, { timestamp })
  expect(driver.dropped.total).toBe(6)
})

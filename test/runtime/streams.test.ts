import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  defineApp,
  json,
  memoryLog,
  MillraceError,
  readTopic,
  Streams,
  string,
  topic,
  TopicWriter,
} from '../../src/index.ts'
import type { AppConfig, Application, KStream, Log, RestoreProgress, StreamsOptions } from '../../src/index.ts'

interface Payment {
  readonly cents: number
}
interface Total {
  readonly count: number
  readonly cents: number
}

const payments = topic('payments', { key: string(), value: json<Payment>() })
const totals = topic('totals', { key: string(), value: json<Total>() })

function totalsApp(
  settings: Partial<Omit<AppConfig, 'build'>> = {},
  before: (stream: KStream<string, Payment>) => KStream<string, Payment> = (stream) => stream,
): Application {
  return defineApp({
    id: 'totals-app',
    commitInterval: 20,
    ...settings,
    build: (builder) => {
      before(builder.stream(payments))
        .groupByKey({ key: string(), value: json<Payment>() })
        .aggregate(
          (): Total => ({ count: 0, cents: 0 }),
          (total, payment) => ({ count: total.count + 1, cents: total.cents + payment.cents }),
          { store: 'totals', value: json<Total>() },
        )
        .toStream()
        .to(totals)
    },
  })
}

let log: Log
let directory: string
let options: StreamsOptions & { log: Log }

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-streams-'))
  log = memoryLog()
  await log.createTopics([
    { name: 'payments', partitions: 3 },
    { name: 'totals', partitions: 3 },
  ])
  options = { log, stateDirectory: directory }
})

afterEach(async () => {
  await log.close()
  await rm(directory, { recursive: true, force: true })
})

async function pay(count: number, from = 0): Promise<void> {
  await using writer = await TopicWriter.open(log, payments)
  for (let i = from; i < from + count; i++) writer.write(`account-${i % 7}`, { cents: i }, { timestamp: i })
  await writer.flush()
}

function expected(count: number): Map<string, Total> {
  const all = new Map<string, Total>()
  for (let i = 0; i < count; i++) {
    const old = all.get(`account-${i % 7}`) ?? { count: 0, cents: 0 }
    all.set(`account-${i % 7}`, { count: old.count + 1, cents: old.cents + i })
  }
  return all
}

async function lastTotals(): Promise<Map<string, Total>> {
  const last = new Map<string, Total>()
  for await (const { key, value } of readTopic(log, totals, { until: 'end' })) last.set(key as string, value as Total)
  return last
}

async function runUntilProcessed(app: Application, more: Partial<StreamsOptions> = {}): Promise<void> {
  const streams = await Streams.start(app, { ...options, ...more })
  await until(() => streams.state === 'error' || (streams.state === 'running' && streams.status().lag === 0))
  await streams.close()
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('an application that is stopped and started again', () => {
  test('continues where it was: nothing is lost, nothing is counted twice', async () => {
    await pay(1000)
    await runUntilProcessed(totalsApp())
    await pay(500, 1000)
    await runUntilProcessed(totalsApp())
    expect(await lastTotals()).toEqual(expected(1500))
  })

  test('restores nothing when its state is up to date', async () => {
    await pay(1000)
    await runUntilProcessed(totalsApp())
    const restored: RestoreProgress[] = []
    await runUntilProcessed(totalsApp(), { onRestore: (_event, progress) => restored.push(progress) })
    expect(restored).toEqual([])
  })

  test('is right after its state directory was deleted: the changelog is replayed from the beginning', async () => {
    await pay(1000)
    await runUntilProcessed(totalsApp())
    await rm(directory, { recursive: true })
    await pay(500, 1000)
    const restored: RestoreProgress[] = []
    await runUntilProcessed(totalsApp(), { onRestore: (event, progress) => event === 'end' && restored.push(progress) })
    expect(restored.map(({ from }) => from)).toEqual([0, 0, 0])
    expect(await lastTotals()).toEqual(expected(1500))
  })

  test('runs on the memory engine too, where every start restores', async () => {
    await pay(1000)
    await runUntilProcessed(totalsApp(), { engine: 'memory' })
    await pay(500, 1000)
    await runUntilProcessed(totalsApp(), { engine: 'memory' })
    expect(await lastTotals()).toEqual(expected(1500))
  })
})

describe('several threads', () => {
  test('share the tasks and give the same totals', async () => {
    await pay(2000)
    const streams = await Streams.start(totalsApp({ threads: 2 }), options)
    await until(() => new Set(streams.status().tasks.map((task) => task.thread)).size === 2)
    await pay(1000, 2000)
    await until(() => streams.state === 'running' && streams.status().lag === 0)
    await streams.close()
    expect(await lastTotals()).toEqual(expected(3000))
  })
})

describe('an application that cannot be started', () => {
  test('leaves no client of the log open, neither one opened before nor one that is opened later', async () => {
    let asked = 0
    let open = 0
    const refused = Promise.withResolvers<void>()
    const openClient = log.openClient.bind(log)
    log.openClient = async (given) => {
      const number = ++asked
      if (number === 2) {
        refused.resolve()
        throw new MillraceError('MR_LOG_UNREACHABLE', 'not for two')
      }
      if (number === 3) await refused.promise.then(() => new Promise((resolve) => setImmediate(resolve)))
      const client = await openClient(given)
      open++
      const close = client.close.bind(client)
      client.close = () => {
        open--
        return close()
      }
      return client
    }
    const app = totalsApp({ threads: 3 })
    await expect(Streams.start(app, options)).rejects.toMatchObject({ code: 'MR_LOG_UNREACHABLE' })
    expect([asked, open]).toEqual([3, 0])
    const again = await Streams.start(app, options)
    await again.whenRunning()
    await again.close()
    expect(open).toBe(0)
  })
})

describe('a repartitioned aggregation', () => {
  test('has one total per key, whatever partition its records came from', async () => {
    await using writer = await TopicWriter.open(log, payments)
    for (let i = 0; i < 900; i++) writer.write(`from-${i % 31}`, { cents: i }, { timestamp: i })
    await writer.flush()
    let next = 0
    const app = totalsApp({}, (stream) => stream.selectKey((payment) => `account-${payment.cents % 7}`))
    const streams = await Streams.start(app, options)
    await until(() => {
      next = streams.status().processed
      return next >= 1800 && streams.status().lag === 0
    })
    await streams.close()
    expect(await lastTotals()).toEqual(expected(900))
  })
})

describe('a callback that throws', () => {
  test('stops the application with the node and the record, and the record is read again after a restart', async () => {
    await pay(10)
    const failing = totalsApp({}, (stream) =>
      stream.peek((payment) => {
        if (payment.cents === 5) throw new RangeError('five is right out')
      }),
    )
    const streams = await Streams.start(failing, options)
    await expect(streams.closed).rejects.toMatchObject({
      code: 'MR_PROCESSING',
      node: 'KSTREAM-PEEK-0000000001',
      topic: 'payments',
      offset: expect.any(Number),
      cause: expect.any(RangeError),
      message: expect.stringContaining('five is right out'),
    })
    expect(streams.state).toBe('error')
    await runUntilProcessed(totalsApp())
    expect(await lastTotals()).toEqual(expected(10))
  })

  test("drops and counts the record with onProcessingError: 'continue'", async () => {
    await pay(10)
    const app = totalsApp({ onProcessingError: 'continue' }, (stream) =>
      stream.peek((payment) => {
        if (payment.cents === 5) throw new RangeError('five is right out')
      }),
    )
    const streams = await Streams.start(app, options)
    await until(() => streams.state === 'running' && streams.status().lag === 0)
    await streams.close()
    expect(streams.status().dropped.get('processing')).toBe(1)
    const { count } = (await lastTotals()).get('account-5') ?? { count: 0 }
    expect(count).toBe(0)
  })
})

describe('an undecodable record', () => {
  const text = topic('payments', { key: string(), value: string() })

  async function poison(): Promise<void> {
    await using writer = await TopicWriter.open(log, text)
    writer.write('account-0', 'not json {{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{', { timestamp: 0 })
    await writer.flush()
  }

  test('stops the application with topic, partition, offset and the number of bytes', async () => {
    await poison()
    const streams = await Streams.start(totalsApp(), options)
    await expect(streams.closed).rejects.toMatchObject({
      code: 'MR_DESERIALIZE',
      topic: 'payments',
      partition: expect.any(Number),
      offset: 0,
      message: expect.stringContaining('it is not valid JSON; 45 bytes'),
    })
  })

  test("is skipped and counted with onDeserializationError: 'continue', and not read again", async () => {
    await poison()
    await pay(10)
    const app = totalsApp({ onDeserializationError: 'continue' })
    const streams = await Streams.start(app, options)
    await until(() => streams.state === 'running' && streams.status().lag === 0)
    await streams.close()
    expect(streams.status().dropped.get('deserialization')).toBe(1)
    expect(await lastTotals()).toEqual(expected(10))
    const again = await Streams.start(app, options)
    await until(() => again.state === 'running' && again.status().lag === 0)
    await again.close()
    expect(again.status().dropped.get('deserialization')).toBeUndefined()
  })

  test('goes to the dead letter topic with what happened, in the same commit', async () => {
    await log.createTopics([{ name: 'letters', partitions: 1 }])
    await poison()
    const streams = await Streams.start(totalsApp({ deadLetterTopic: 'letters' }), options)
    await until(() => streams.state === 'running' && streams.status().lag === 0)
    await streams.close()
    const letters = topic('letters', { key: string(), value: string() })
    const read = []
    for await (const record of readTopic(log, letters, { until: 'end' })) read.push(record)
    expect(read).toHaveLength(1)
    expect(read[0]?.value).toContain('not json')
    expect(read[0]?.headers.getString('__streams.errors.topic')).toBe('payments')
    expect(read[0]?.headers.getString('__streams.errors.offset')).toBe('0')
  })
})

describe('what cannot start', () => {
  test('a missing source topic is named', async () => {
    const empty = memoryLog()
    const streams = await Streams.start(totalsApp(), { ...options, log: empty })
    await expect(streams.closed).rejects.toMatchObject({
      code: 'MR_TOPIC_UNKNOWN',
      message: expect.stringContaining('payments'),
    })
  })

  test('a second instance on the same state directory is refused while the first runs', async () => {
    await using streams = await Streams.start(totalsApp(), options)
    await streams.whenRunning()
    await expect(Streams.start(totalsApp(), options)).rejects.toMatchObject({ code: 'MR_STATE_LOCKED' })
  })
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  defineApp,
  long,
  memoryLog,
  MillraceError,
  readTopic,
  Streams,
  string,
  topic,
  TopicWriter,
} from '../../src/index.ts'
import type { AppConfig, Application, Log } from '../../src/index.ts'

const words = topic('words', { key: string(), value: string() })
const counts = topic('counts', { key: string(), value: long() })

let log: Log
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-uncaught-'))
  log = memoryLog()
  await log.createTopics([words, counts].map(({ name }) => ({ name, partitions: 2 })))
  await using writer = await TopicWriter.open(log, words)
  for (let i = 0; i < 20; i++) writer.write(`word-${i % 5}`, `${i}`, { timestamp: i })
  await writer.flush()
})

afterEach(async () => {
  await log.close()
  await rm(directory, { recursive: true, force: true })
})

/** Counts words; `failures` times the record `11` throws. */
function countingApp(failures: number, onUncaughtError: AppConfig['onUncaughtError']): Application {
  let left = failures
  return defineApp({
    id: 'counting',
    commitInterval: 10,
    ...(onUncaughtError === undefined ? {} : { onUncaughtError }),
    build: (builder) => {
      builder
        .stream(words)
        .peek((word) => {
          if (word === '11' && left-- > 0) throw new Error('not yet')
        })
        .groupByKey()
        .count()
        .toStream()
        .to(counts)
    },
  })
}

async function lastCounts(): Promise<Map<string | null, number | null>> {
  const last = new Map<string | null, number | null>()
  for await (const { key, value } of readTopic(log, counts, { until: 'end' })) last.set(key, value)
  return last
}

test('a replaced thread goes back to the last commit and counts nothing twice', async () => {
  const streams = await Streams.start(countingApp(2, 'replaceThread'), { log, stateDirectory: directory })
  const all = new Map([0, 1, 2, 3, 4].map((i) => [`word-${i}`, 4]))
  await expect.poll(lastCounts, { timeout: 20_000 }).toEqual(all)
  const failures = streams.metrics().metrics.find(({ name }) => name === 'millrace_thread_failures_total')
  expect(failures?.series).toEqual([{ labels: { decision: 'replaceThread' }, value: 2 }])
  await streams.close()
  expect(await lastCounts()).toEqual(all)
})

test('the handler gets the error, and its decision is followed', async () => {
  const asked: unknown[] = []
  const app = countingApp(3, (error) => {
    asked.push(error)
    return asked.length < 2 ? 'replaceThread' : 'shutdownClient'
  })
  const streams = await Streams.start(app, { log, stateDirectory: directory })
  await expect(streams.closed).rejects.toMatchObject({ code: 'MR_PROCESSING' })
  expect(asked).toHaveLength(2)
  expect(streams.state).toBe('error')
})

test('a thread that cannot be replaced at once is asked about again, and replaced when it can be', async () => {
  let opened = 0
  const openClient = log.openClient.bind(log)
  log.openClient = (options) => {
    if (++opened === 2) throw new MillraceError('MR_LOG_UNREACHABLE', 'not just now')
    return openClient(options)
  }
  const asked: unknown[] = []
  const app = countingApp(1, (error) => {
    asked.push(error)
    return 'replaceThread'
  })
  const streams = await Streams.start(app, { log, stateDirectory: directory })
  const all = new Map([0, 1, 2, 3, 4].map((i) => [`word-${i}`, 4]))
  await expect.poll(lastCounts, { timeout: 20_000 }).toEqual(all)
  expect(asked).toMatchObject([{ code: 'MR_PROCESSING' }, { code: 'MR_LOG_UNREACHABLE' }])
  expect(streams.status().processed).toBeGreaterThanOrEqual(20)
  await streams.close()
})

test('shutdownApplication ends the other instances too, in good order', async () => {
  const other = await Streams.start(countingApp(0, undefined), { log, stateDirectory: join(directory, 'other') })
  await other.whenRunning()
  const failing = await Streams.start(countingApp(1000, 'shutdownApplication'), {
    log,
    stateDirectory: join(directory, 'failing'),
  })
  await using writer = await TopicWriter.open(log, words)
  for (let i = 0; i < 20; i++) writer.write(`more-${i}`, '11', { timestamp: 100 })
  await writer.flush()
  await expect(failing.closed).rejects.toMatchObject({ code: 'MR_PROCESSING' })
  await other.closed
  expect(other.state).toBe('not-running')
})

/** Breaks the part of the group that tells others to stop; returns how many clients of the log are open. */
function withoutTelling(): () => number {
  let open = 0
  const openClient = log.openClient.bind(log)
  log.openClient = async (options) => {
    const client = await openClient(options)
    open++
    const close = client.close.bind(client)
    client.close = () => {
      open--
      return close()
    }
    client.group.shutdownApplication = () => Promise.reject(new Error('nobody hears'))
    return client
  }
  return () => open
}

test('an instance that cannot tell the others to stop ends with its own error, and leaves the group', async () => {
  const open = withoutTelling()
  const failing = await Streams.start(countingApp(1000, 'shutdownApplication'), { log, stateDirectory: directory })
  await expect(failing.closed).rejects.toMatchObject({ code: 'MR_PROCESSING' })
  expect(open()).toBe(0)
  expect(await log.groupMembers('counting')).toEqual([])
})

test('a thread that cannot abort what it wrote leaves the group, and its tasks go on elsewhere', async () => {
  const open = withoutTelling()
  const openClient = log.openClient.bind(log)
  log.openClient = async (options) => {
    const client = await openClient(options)
    client.abort = () => Promise.reject(new Error('the brokers are gone'))
    return client
  }
  const failing = await Streams.start(countingApp(1, 'shutdownClient'), { log, stateDirectory: directory })
  await expect(failing.closed).rejects.toMatchObject({ code: 'MR_PROCESSING' })
  expect(open()).toBe(0)
  expect(await log.groupMembers('counting')).toEqual([])
  const next = await Streams.start(countingApp(0, undefined), { log, stateDirectory: directory })
  await expect.poll(lastCounts, { timeout: 20_000 }).toEqual(new Map([0, 1, 2, 3, 4].map((i) => [`word-${i}`, 4])))
  await next.close()
})

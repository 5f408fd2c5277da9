import { readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'
import { MillraceError } from 'millrace'
import type {
  Companion,
  KeyValueView,
  Logger,
  MetricName,
  RestoreProgress,
  StreamsOptions,
  StreamsState,
} from 'millrace'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CRASH, THROW } from './fixtures/sums.ts'
import type { Total } from './fixtures/sums.ts'
import { totalOf } from '../../metrics/total.ts'
import { fixture, PARTITIONS, SumsCase, until } from './sums-case.ts'

let sums: SumsCase
beforeEach(async () => {
  sums = await SumsCase.create()
})
afterEach(() => sums[Symbol.asyncDispose]())

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const row of rows) found.push(row)
  return found
}

describe('several threads on Kafka', () => {
  test('share the tasks, each in a thread of its own, and count everything once', async () => {
    const states: StreamsState[] = []
    const streams = await sums.start(undefined, { onState: (state) => states.push(state) })
    await streams.whenRunning()
    await sums.pay(2000)
    await until(() => sums.allShown())
    expect(await sums.shown()).toEqual(sums.expected())
    const threads = new Set([...(await sums.totals()).values()].map(({ thread }) => thread))
    expect(threads).toEqual(new Set(sums.workers.map(({ threadId }) => threadId)))
    expect(threads.size).toBe(2)

    await until(() => streams.status().processed === 4000 && streams.status().lag === 0)
    await until(() => streams.status().written >= 2000 + 40)
    const { tasks, commits, dropped } = streams.status()
    expect(tasks.map(({ id }) => id).toSorted()).toEqual(
      [0, 1].flatMap((subtopology) => Array.from({ length: PARTITIONS }, (_, i) => `${subtopology}_${i}`)),
    )
    expect(tasks.reduce((all, { processed }) => all + processed, 0)).toBe(4000)
    expect(new Set(tasks.map(({ thread }) => thread)).size).toBe(2)
    expect(commits).toBeGreaterThan(1)
    expect([...dropped]).toEqual([])
    expect(() => streams.stores('totals')).toThrow(expect.objectContaining({ code: 'MR_STORE_IN_THREAD' }))
    expect(() => streams.stores('nothing')).toThrow(expect.objectContaining({ code: 'MR_STORE_UNKNOWN' }))

    const metric = (name: MetricName): number => totalOf(streams, name)
    await until(() => metric('millrace_records_processed_total') === 4000)
    await until(() => metric('millrace_records_written_total') === streams.status().written)
    expect(metric('millrace_kafka_bytes_total')).toBeGreaterThan(10_000)
    expect(metric('millrace_kafka_requests_total')).toBeGreaterThan(10)
    const beats = streams.metrics().metrics.find(({ name }) => name === 'millrace_kafka_last_heartbeat_age_seconds')
    expect(beats?.series.map(({ labels }) => labels)).toEqual([{ thread: '1' }, { thread: '2' }])

    await streams.close()
    // Counters outlive the threads, gauges do not.
    expect([metric('millrace_records_processed_total'), metric('millrace_task_input_lag_records')]).toEqual([4000, 0])
    expect(streams.state).toBe('not-running')
    expect(states.at(-1)).toBe('not-running')
    expect(states).toContain('running')
    expect(streams.status()).toMatchObject({ processed: 4000, lag: 0, tasks: [] })
  })

  test('are asked what their stores hold, each key where its task is, and all keys in order', async () => {
    await using streams = await sums.start()
    await sums.pay(2000)
    await until(() => sums.allShown())
    const totals = streams.store<KeyValueView<string, Total>>('totals')
    const expected = [...sums.expected()].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    await until(async () => (await all(totals.range())).reduce((n, { value }) => n + value.count, 0) === 2000)
    const asked = await Promise.all(expected.map(([account]) => totals.get(account)))
    expect(asked.map((total) => [total?.sum, total?.count])).toEqual(expected.map(([, total]) => total))
    expect(new Set(asked.map((total) => total?.thread)).size).toBe(2)
    expect(await totals.get('nobody')).toBeUndefined()
    const scanned = await all(totals.range({ reverse: true }))
    expect(scanned.map(({ key, value }) => [key, [value.sum, value.count]])).toEqual(expected.toReversed())
    await expect(totals.get('nobody', { partition: PARTITIONS })).rejects.toMatchObject({ code: 'MR_QUERY_PARTITION' })
    await expect(totals.get(7 as never)).rejects.toMatchObject({ code: 'MR_QUERY_KEY' })
    expect(() => totals.range({ limit: -1 })).toThrow(expect.objectContaining({ code: 'MR_CONFIG' }))
    expect(() => streams.store('nothing')).toThrow(expect.objectContaining({ code: 'MR_STORE_UNKNOWN' }))
  })

  test('show the rows of their stores as they change, also when a thread is replaced', async () => {
    await using streams = await sums.start(sums.app({ onUncaughtError: 'replaceThread' }))
    const watch = streams.store<KeyValueView<string, Total>>('totals').watch({ timeout: '60s' })
    const seen = new Map<string, readonly [number, number]>()
    const readAll = async (): Promise<void> => {
      const expected = sums.expected()
      const isThere = ([account, [sum]]: readonly [string, readonly [number, number]]): boolean =>
        seen.get(account)?.[0] === sum
      while (![...expected].every(isThere)) {
        const { value } = await watch.next()
        seen.set(value.key, [value.value.sum, value.value.count])
      }
      expect(seen).toEqual(expected)
    }
    await sums.pay(500)
    await readAll()
    await sums.payWithFault(THROW)
    await sums.pay(500)
    await readAll()
    await watch.return!()
  })

  test('leave the companions of the application to the main thread', async () => {
    const threads: (number | string)[] = []
    const companion: Companion = {
      name: 'companion',
      start: (streams) => void threads.push(threadId, streams.app.id),
      stop: async () => {
        await until(() => streams.status().processed === 400)
        threads.push(threadId, sums.alive.length)
      },
      status: () => ({ threadId }),
    }
    const streams = await sums.start(undefined, { companions: [companion] })
    await streams.whenRunning()
    expect([...streams.status().companions]).toEqual([['companion', { threadId }]])
    const closing = streams.close()
    await sums.pay(200)
    await closing
    expect(threads).toEqual([threadId, sums.app().id, threadId, 2])
  })

  test('go on and end in good order although the listeners of their application throw', async () => {
    await sums.pay(200)
    const first = await sums.start()
    await until(() => sums.allShown())
    await first.close()
    await rm(join(sums.directory, 'state'), { recursive: true })

    const failed = new Set<string>()
    const logger: Logger = {
      debug() {},
      info() {},
      warn() {},
      error: (fields) => void ('listener' in fields && failed.add(String(fields.listener))),
    }
    const listener = (): never => {
      throw new Error('the listener is broken')
    }
    const streams = await sums.start(sums.app({ logger }), { onState: listener, onRestore: listener })
    await sums.pay(200)
    await until(() => sums.allShown())
    await streams.close()
    expect(streams.state).toBe('not-running')
    expect([...failed].toSorted()).toEqual(['onRestore', 'onState'])
    expect(await sums.shown()).toEqual(sums.expected())
  })

  test('commit all that they processed when the application is closed', async () => {
    const streams = await sums.start()
    await streams.whenRunning()
    await sums.pay(20_000)
    await until(() => streams.status().processed > 1000)
    await streams.close()
    const counted = await sums.counted()
    expect((await sums.committedPayments()) + counted).toBe(streams.status().processed)

    const again = await sums.start()
    await until(() => sums.allShown())
    await again.close()
    expect(await sums.shown()).toEqual(sums.expected())
  })

  test('find the stores that one thread on an event loop left, and leave them to one', async () => {
    const restored: RestoreProgress[] = []
    const onRestore: StreamsOptions['onRestore'] = (event, progress) => event === 'end' && restored.push(progress)
    const run = async (threads: number): Promise<void> => {
      await sums.pay(200)
      const streams = await sums.start(sums.app({ threads }), { onRestore })
      await until(() => sums.allShown())
      await streams.close()
    }
    await run(1)
    restored.length = 0
    await run(3)
    await run(1)
    // The end of the last transaction is no record.
    expect(restored.filter(({ records }) => records > 0)).toEqual([])
    expect(await sums.shown()).toEqual(sums.expected())
  })

  test('report the progress of restores, and log in the main thread', async () => {
    await sums.pay(200)
    const first = await sums.start()
    await until(() => sums.allShown())
    await first.close()
    await rm(join(sums.directory, 'state'), { recursive: true })

    const restored: [string, RestoreProgress][] = []
    const lines: [string, object][] = []
    const line = (fields: object, message: string): number => lines.push([message, fields])
    const logger: Logger = { debug() {}, info: line, warn: line, error: line }
    const streams = await sums.start(sums.app({ logger }), {
      onRestore: (event, progress) => restored.push([event, progress]),
    })
    await until(() => streams.state === 'running' && streams.status().tasks.length === 2 * PARTITIONS)
    await streams.close()
    const ends = restored.filter(([event]) => event === 'end').map(([, progress]) => progress)
    expect(ends.map(({ store }) => store)).toEqual(ends.map(() => 'totals'))
    expect(new Set(ends.map(({ partition }) => partition)).size).toBe(PARTITIONS)
    expect(ends.reduce((all, { records }) => all + records, 0)).toBeGreaterThanOrEqual(40)
    const assigned = lines.filter(([message]) => message === 'tasks assigned')
    expect(new Set(assigned.map(([, fields]) => 'thread' in fields && fields.thread)).size).toBe(2)
  })
})

describe('a worker that is terminated in the middle of its work', () => {
  test('is replaced: its stores are opened again, and everything counts once', async () => {
    const asked: unknown[] = []
    const app = sums.app({
      onUncaughtError: replacing(asked),
    })
    const streams = await sums.start(app)
    await streams.whenRunning()
    for (let turn = 0; turn < 3; turn++) {
      const { processed } = streams.status()
      await sums.pay(5000)
      await until(() => streams.status().processed > processed + 500 && sums.alive.length === 2)
      // Its transaction and its engines are open; or it is being replaced itself.
      await sums.alive[turn % 2]?.terminate()
      await until(() => asked.length === turn + 1)
    }
    await until(() => sums.allShown())
    await until(() => streams.state === 'running' && streams.status().tasks.length === 2 * PARTITIONS)
    expect(await sums.shown()).toEqual(sums.expected())
    expect(sums.workers.length).toBeGreaterThanOrEqual(5)
    for (const error of asked) expect(error).toMatchObject({ code: 'MR_THREAD_DIED', hint: expect.any(String) })
    const onDisk = readdirSync(join(sums.directory, 'state', sums.sums.app.id)).filter((name) => name.startsWith('1_'))
    expect(onDisk.toSorted()).toEqual(['1_0', '1_1', '1_2', '1_3'])
    await streams.close()
    expect(await sums.shown()).toEqual(sums.expected())
  })

  test('ends the client if that is decided; the other threads commit what they have', async () => {
    const streams = await sums.start()
    await streams.whenRunning()
    await sums.pay(2000)
    await until(() => streams.status().processed > 100)
    await sums.workers[0]?.terminate()
    await expect(streams.closed).rejects.toMatchObject({ code: 'MR_THREAD_DIED' })
    expect(streams.state).toBe('error')

    const again = await sums.start()
    await until(() => sums.allShown())
    await again.close()
    expect(await sums.shown()).toEqual(sums.expected())
  })

  test('ends all instances if that is decided: another thread notifies them', async () => {
    const failing = await sums.start(sums.app({ onUncaughtError: 'shutdownApplication' }))
    await failing.whenRunning()
    const other = await sums.start(sums.app(), { stateDirectory: join(sums.directory, 'other') })
    await until(() => other.status().tasks.length > 0)
    await sums.workers[0]?.terminate()
    await expect(failing.closed).rejects.toMatchObject({ code: 'MR_THREAD_DIED' })
    await other.closed
    expect(other.state).toBe('not-running')
  })

  test('leaves the healthy thread to commit what it has, even if it cannot tell other instances', async () => {
    const lines: [message: string, fields: object][] = []
    const logger: Logger = {
      debug() {},
      info() {},
      warn() {},
      error: (fields, message) => lines.push([message, fields]),
    }
    const app = sums.app({ logger, onUncaughtError: 'shutdownApplication' })
    vi.stubEnv('TEST_BROKERS', sums.brokers)
    const { log } = await import('./fixtures/cannot-tell.ts')
    const streams = await sums.start(app, { log, module: fixture('cannot-tell.ts') })
    await streams.whenRunning()
    await sums.pay(2000)
    await until(() => streams.status().processed > 100)
    await sums.workers[0]?.terminate()
    await expect(streams.closed).rejects.toMatchObject({ code: 'MR_THREAD_DIED' })
    const said = (wanted: string): object[] =>
      lines.filter(([message]) => message === wanted).map(([, fields]) => fields)
    expect(said('stream thread failed')).toEqual([expect.objectContaining({ thread: expect.stringMatching(/-1$/) })])
    expect(said('cannot tell other instances to stop')).toEqual([
      {
        thread: expect.stringMatching(/-2$/),
        err: expect.objectContaining({ message: expect.stringContaining('coordinator') }),
      },
    ])
    await log.close()
  })
})

test('tasks move to the other thread and back, which opens them only when they are closed', async () => {
  const asked: unknown[] = []
  const replayed: RestoreProgress[] = []
  const warnings: string[] = []
  const app = sums.app({
    logger: { debug() {}, info() {}, warn: (_, message) => void warnings.push(message), error() {} },
    onUncaughtError: replacing(asked),
  })
  const streams = await sums.start(app, {
    onRestore: (event, progress) => event === 'end' && progress.records > 0 && replayed.push(progress),
  })
  const threads = (): Set<string> => new Set(streams.status().tasks.map(({ thread }) => thread))
  await until(() => threads().size === 2)
  await sums.pay(500)
  await until(() => sums.allShown())
  // After this time the engines have what is committed.
  await setTimeout(3_000)
  await sums.pay(500)
  await until(() => sums.allShown())
  // The replacement cannot be opened for now.
  sums.breakModule()
  await sums.payWithFault(THROW)
  await until(() => streams.status().tasks.length === 2 * PARTITIONS && threads().size === 1)
  await sums.pay(500)
  await until(() => sums.allShown())
  await until(() => asked.some((error) => error instanceof MillraceError && error.code === 'MR_APP_LOAD'))
  sums.repairModule()
  await until(() => streams.status().tasks.length === 2 * PARTITIONS && threads().size === 2)
  await sums.pay(500)
  await until(() => sums.allShown())
  await streams.close()
  expect(await sums.shown()).toEqual(sums.expected())
  // No more than the tail of what was just committed when the thread failed.
  expect(replayed.filter(({ from }) => from === 0)).toEqual([])
  expect(warnings).toEqual([])
})

describe('an error in a worker', () => {
  test('replaces its thread if the handler in the main thread says so, which gets code, place and cause', async () => {
    const asked: unknown[] = []
    const logged: unknown[] = []
    const line = (fields: object): unknown => 'err' in fields && logged.push(fields.err)
    const app = sums.app({
      logger: { debug() {}, info() {}, warn() {}, error: line },
      onUncaughtError: replacing(asked),
    })
    const streams = await sums.start(app)
    await streams.whenRunning()
    await sums.pay(500)
    await sums.payWithFault(THROW)
    await sums.pay(500)
    await until(() => sums.allShown())
    await until(() => streams.state === 'running' && streams.status().tasks.length === 2 * PARTITIONS)
    expect(await sums.shown()).toEqual(sums.expected())
    expect(sums.workers).toHaveLength(3)
    expect(asked).toHaveLength(1)
    const [error] = asked
    expect(error).toBeInstanceOf(MillraceError)
    expect(error).toMatchObject({
      code: 'MR_PROCESSING',
      topic: sums.sums.payments.name,
      partition: expect.any(Number),
      offset: expect.any(Number),
      task: expect.stringMatching(/^0_\d$/),
      cause: { name: 'RangeError', message: 'poison', stack: expect.stringContaining('sums.ts') },
    })
    expect(logged).toEqual([error])
    expect(logged[0]).toBe(error)
    // What the replaced thread had done stays counted. Threads report it ten times a second.
    await until(() => streams.status().processed >= 2001)
    await streams.close()
  })

  test('ends the client by default', async () => {
    const streams = await sums.start()
    await sums.payWithFault(THROW)
    await expect(streams.closed).rejects.toMatchObject({ code: 'MR_PROCESSING', cause: { message: 'poison' } })
    expect(streams.state).toBe('error')
  })

  test('ends all instances if that is decided', async () => {
    const app = sums.app({ onUncaughtError: 'shutdownApplication' })
    const first = await sums.start(app)
    await first.whenRunning()
    const second = await sums.start(app, { stateDirectory: join(sums.directory, 'other') })
    await until(() => second.status().tasks.length > 0)
    // The instance that has the partition of that account fails.
    await sums.payWithFault(THROW)
    const ends = await Promise.allSettled([first.closed, second.closed])
    expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect([first.state, second.state].toSorted()).toEqual(['error', 'not-running'])
  })

  test('outside of its tasks ends the thread, and is reported as the cause', async () => {
    const asked: unknown[] = []
    const app = sums.app({
      onUncaughtError: replacing(asked),
    })
    const streams = await sums.start(app)
    await streams.whenRunning()
    await sums.pay(200)
    await sums.payWithFault(CRASH)
    await until(() => asked.length === 1)
    expect(asked).toMatchObject([
      { code: 'MR_THREAD_DIED', cause: { name: 'RangeError', message: 'outside of everything' } },
    ])
    await sums.pay(200)
    await until(() => sums.allShown())
    await streams.close()
    expect(await sums.shown()).toEqual(sums.expected())
  })
})

/** Keeps the errors that it is asked about, and has their threads replaced. */
function replacing(asked: unknown[]): (error: unknown) => 'replaceThread' {
  return (error) => {
    asked.push(error)
    return 'replaceThread'
  }
}

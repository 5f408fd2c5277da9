import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defineApp, embeddedLog, memoryLog, Streams, string, topic, TopicWriter } from '../../src/index.ts'
import type { AppConfig, Application, Log, ProbeResult } from '../../src/index.ts'
import type { LogClient, LogProducer } from '../../src/log/log.ts'
import { ManualClock } from '../../src/platform/manual-clock.ts'
import { eventually } from '../acceptance/instance-promises.ts'
import { stalled } from '../acceptance/stalled-log.ts'

const words = topic('words', { key: string(), value: string() })

function countingApp(settings: Partial<AppConfig> = {}): Application {
  return defineApp({
    id: 'word-counts',
    commitInterval: 20,
    build: (builder) => builder.stream(words).groupByKey().count({ store: 'counts' }),
    ...settings,
  })
}

let directory: string
let log: Log

async function useLog(opened: Log, partitions = 1): Promise<void> {
  await log?.close()
  log = opened
  await log.createTopics([{ name: words.name, partitions }])
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-health-'))
})
afterEach(async () => {
  await log.close()
  await rm(directory, { recursive: true, force: true })
})

async function write(...given: readonly string[]): Promise<void> {
  await using writer = await TopicWriter.open(log, words)
  for (const word of given) writer.write(word, word)
  await writer.flush()
}

/** As `?verbose` shows it. */
function shown({ checks }: ProbeResult): string[] {
  return checks.map(({ name, ok, message }) => `[${ok ? '+' : '-'}]${name} ${message}`)
}

/** Lets an application fill its changelog, and leaves nothing of its state directory. */
async function countAndLoseState(...given: readonly string[]): Promise<void> {
  const stateDirectory = join(directory, 'lost')
  await using streams = await Streams.start(countingApp(), { log, stateDirectory })
  await write(...given)
  await eventually(() => streams.status().processed === given.length)
  await streams.close()
  await rm(stateDirectory, { recursive: true })
}

const isChangelog = (topic: string): boolean => topic.endsWith('-changelog')

describe.each([
  ['memory', () => memoryLog()],
  ['embedded', () => embeddedLog({ directory: join(directory, 'log') })],
])('an application on the log in %s', (_kind, open) => {
  test('is alive and has started while it restores, and is ready when it has', async () => {
    await useLog(await open())
    await countAndLoseState('mill', 'race', 'mill')
    const slow = stalled(log, isChangelog)
    await using streams = await Streams.start(countingApp(), { log: slow.log, stateDirectory: directory })
    await eventually(() => shown(streams.health().ready).some((line) => line.startsWith('[-]restore')))
    const { live, ready, startup } = streams.health()
    expect([live.ok, ready.ok, startup.ok]).toEqual([true, false, true])
    expect(shown(ready)[2]).toMatch(/^\[-]restore 0_0 counts 0 of \d \(0 %\)/)
    slow.release()
    await streams.whenRunning()
    expect(streams.health().ready).toEqual({
      ok: true,
      checks: [
        { name: 'state', ok: true, message: 'running' },
        { name: 'drain', ok: true, message: 'ok' },
      ],
    })
  })
})

describe('minutes later', () => {
  const clock = new ManualClock(1_000_000)

  /** Lets threads have turns meanwhile, as many as they like. */
  async function pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1000)
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async function start(log: Log, app = countingApp()): Promise<Streams> {
    return await Streams.start(app, { log, stateDirectory: directory, clock, engine: 'memory' })
  }

  test('a restore that stands still makes the application not alive, and one that goes on alive again', async () => {
    await useLog(memoryLog({ clock }))
    await countAndLoseState('mill', 'race', 'mill')
    const slow = stalled(log, isChangelog)
    await using streams = await start(slow.log)
    await pass(240)
    expect(streams.health().live.ok).toBe(true)
    await pass(120)
    const { live } = streams.health()
    expect(live.ok).toBe(false)
    expect(shown(live)[2]).toMatch(/^\[-]restore 0_0 counts 0 of \d \(0 %\), no progress for 6 min$/)
    slow.release()
    await pass(1)
    await streams.whenRunning()
    expect(streams.health().live.ok).toBe(true)
  })

  test('an application that has records and takes none is not alive, and alive as soon as it takes one', async () => {
    await useLog(memoryLog({ clock }))
    const wedge = { isOn: false }
    await using streams = await start(wedged(log, wedge))
    await write('mill')
    await pass(1)
    wedge.isOn = true
    await write('race', 'mill')
    await pass(240)
    expect(streams.health().live.ok).toBe(true)
    await pass(120)
    expect(shown(streams.health().live)).toEqual([
      '[+]state running',
      expect.stringMatching(/^\[-]\S+ 2 records wait, none was processed and nothing committed for 6 min$/),
    ])
    wedge.isOn = false
    await pass(1)
    expect(streams.status().processed).toBe(3)
    expect(streams.health().live.ok).toBe(true)
  })

  test('an application whose records wait for what another topic may bring is alive', async () => {
    await useLog(memoryLog({ clock }))
    const late = topic('late', { key: string(), value: string() })
    await log.createTopics([{ name: late.name, partitions: 1 }])
    await write('mill')
    const build: AppConfig['build'] = (builder) =>
      builder
        .stream(words)
        .merge(builder.stream(late))
        .forEach(() => {})
    await using streams = await start(log, countingApp({ build, maxTaskIdle: '15m' }))
    await pass(840)
    expect([streams.state, streams.status().processed, streams.health().live.ok]).toEqual(['running', 0, true])
    await pass(120)
    expect([streams.status().processed, streams.health().live.ok]).toEqual([1, true])
  })

  test('an application with nothing to do is alive and ready', async () => {
    await useLog(memoryLog({ clock }))
    await using streams = await start(log)
    await pass(900)
    const { live, ready, startup } = streams.health()
    expect([live.ok, ready.ok, startup.ok]).toEqual([true, true, true])
  })
})

test('an application that ended by an error is not alive, and one that was closed is not ready', async () => {
  await useLog(memoryLog())
  const build: AppConfig['build'] = (builder) =>
    builder.stream(words).forEach((word) => {
      if (word === 'bad') throw new Error('a bad word')
    })
  const options = { log, stateDirectory: directory }
  const failing = await Streams.start(countingApp({ build }), options)
  await write('good', 'bad')
  await expect(failing.closed).rejects.toMatchObject({ code: 'MR_PROCESSING' })
  expect(failing.health()).toMatchObject({ live: { ok: false }, ready: { ok: false }, startup: { ok: true } })
  expect(failing.health().live.checks[0]).toEqual({ name: 'state', ok: false, message: 'error' })

  const ending = await Streams.start(countingApp(), options)
  await ending.whenRunning()
  const closing = ending.close()
  expect(shown(ending.health().ready)).toEqual(['[-]state pending-shutdown', '[+]drain ok'])
  await closing
  expect(ending.health()).toMatchObject({ live: { ok: true }, ready: { ok: false } })
})

test('an application whose thread is replaced has started all the same', async () => {
  await useLog(memoryLog())
  let failures = 0
  let fails = true
  const app = countingApp({
    onUncaughtError: () => {
      failures++
      return 'replaceThread'
    },
    build: (builder) => {
      builder.stream(words).forEach(() => {
        if (fails) throw new Error('for now')
      })
    },
  })
  await using streams = await Streams.start(app, { log, stateDirectory: directory })
  await write('mill')
  await eventually(() => failures >= 2)
  expect(streams.health()).toMatchObject({ live: { ok: true }, startup: { ok: true } })
  fails = false
  await eventually(() => streams.status().processed === 1)
  const { live, ready, startup } = streams.health()
  expect([live.ok, ready.ok, startup.ok]).toEqual([true, true, true])
})

/** A log to whose clients no record can be written while the wedge is on, and that does not say so. */
function wedged(log: Log, wedge: { readonly isOn: boolean }): Log {
  return over(log, 'openClient', async (...given: Parameters<Log['openClient']>) => {
    const client = await log.openClient(...given)
    return over(client, 'producer', wedgedProducer(client, wedge))
  })
}

function wedgedProducer({ producer }: LogClient, wedge: { readonly isOn: boolean }): LogProducer {
  return new Proxy(producer, {
    get: (target, name) => {
      const isWritable = name === 'writable' && wedge.isOn
      return isWritable ? false : memberOf(target, name)
    },
  })
}

function over<T extends object, N extends keyof T>(target: T, name: N, value: T[N]): T {
  return new Proxy(target, { get: (_, asked) => (asked === name ? value : memberOf(target, asked)) })
}

function memberOf(target: object, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name, target)
  return typeof member === 'function' ? member.bind(target) : member
}

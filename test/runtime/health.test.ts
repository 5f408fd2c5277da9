import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defineApp, embeddedLog, memoryLog, Streams, string, topic, TopicWriter } from '../../src/index.ts'
import type { AppConfig, Application, Log, ProbeResult } from '../../src/index.ts'
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

  async function start(log: Log): Promise<Streams> {
    return await Streams.start(countingApp(), { log, stateDirectory: directory, clock, engine: 'memory' })
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

  test('an application with nothing to do is alive and ready', async () => {
    await useLog(memoryLog({ clock }))
    await using streams = await start(log)
    await pass(900)
    const { live, ready, startup } = streams.health()
    expect([live.ok, ready.ok, startup.ok]).toEqual([true, true, true])
  })
})

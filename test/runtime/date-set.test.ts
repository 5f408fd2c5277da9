import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, memoryLog, Streams, string, topic, TopicWriter } from 'millrace'
import type { Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { expect, test } from 'vitest'
import { systemClock, type Clock } from '../../src/platform/clock.ts'
import { planRestore } from '../../src/runtime/restore/restore-job.ts'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'

const HOUR = 3_600_000

/** This machine's clock, with a date that can be set. */
class SettableClock implements Clock {
  off = 0

  now(): number {
    return systemClock.now() + this.off
  }

  monotonic(): number {
    return systemClock.monotonic()
  }

  schedule(delayMs: number, callback: () => void): ReturnType<Clock['schedule']> {
    return systemClock.schedule(delayMs, callback)
  }
}

const logs: readonly (readonly [name: string, open: (clock: Clock) => Promise<Log> | Log])[] = [
  ['the local log', (clock) => memoryLog({ clock })],
  ['Kafka', async (clock) => kafka({ brokers: await sharedBroker(), clock, sessionTimeout: 10_000 })],
]

test.each(logs)(
  'on %s records, commits and punctuations go on when the date is set back or forward',
  async (_, open) => {
    const clock = new SettableClock()
    const log = await open(clock)
    const stateDirectory = await mkdtemp(join(tmpdir(), 'millrace-date-set-'))
    const id = uniqueName('date-set')
    const words = topic(`${id}-words`, { key: string(), value: string() })
    const stamps: number[] = []
    const said: string[] = []
    const say = (_fields: object, message: string): void => void said.push(message)
    const app = defineApp({
      id,
      guarantee: 'exactly_once',
      commitInterval: 50,
      logger: { debug: () => {}, info: () => {}, warn: say, error: say },
      build: (builder) => {
        builder.stream(words).process(() => ({
          init: (context) => void context.schedule('50ms', 'wall-clock-time', (stamp) => void stamps.push(stamp)),
          process() {},
        }))
      },
    })
    try {
      await log.createTopics([{ name: words.name, partitions: 1 }])
      await using streams = await Streams.start(app, { log, stateDirectory, clock })
      await using writer = await TopicWriter.open(log, words)
      await streams.whenRunning()
      for (const off of [0, -HOUR, 24 * HOUR]) {
        clock.off = off
        const { commits, processed } = streams.status()
        stamps.length = 0
        writer.write('key', 'word')
        await writer.flush()
        const goesOn = () => {
          const status = streams.status()
          return status.processed > processed && status.commits > commits && stamps.length > 2
        }
        await expect.poll(goesOn, { timeout: 10_000, interval: 20 }).toBe(true)
        expect(Math.abs(stamps.at(-1)! - clock.now())).toBeLessThan(HOUR / 2)
        expect(streams.state).toBe('running')
      }
      expect(said).toEqual([])
    } finally {
      await log.close()
      await rm(stateDirectory, { recursive: true, force: true })
    }
  },
)

test('a checkpoint from the future is trusted like a past one, for half the time that tombstones are kept', () => {
  const range = { topicId: 'topic', earliest: 0, end: 9, tombstoneRetention: 24 * HOUR }
  const isStale = (age: number) => planRestore({ offset: 5, topicId: 'topic', time: -age }, range, 0).stale
  expect([11, 13, -11, -13].map((hours) => isStale(hours * HOUR))).toEqual([false, true, false, true])
})

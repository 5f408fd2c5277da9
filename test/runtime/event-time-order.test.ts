import { afterEach, beforeEach, expect, test } from 'vitest'
import { defineApp, json, memoryLog, Streams, string, topic, TopicWriter, tumbling } from '../../src/index.ts'
import type { Log } from '../../src/index.ts'

const clicks = topic('clicks', { key: string(), value: json<{ user: number }>() })

let log: Log

beforeEach(async () => {
  log = memoryLog()
  await log.createTopics([{ name: clicks.name, partitions: 4 }])
})

afterEach(() => log.close())

/** Writes clicks, most of them by few users, so that the partitions hold unequal shares of every minute. */
async function click(count: number): Promise<void> {
  await using writer = await TopicWriter.open(log, clicks)
  for (let i = 0; i < count; i++) {
    const user = Math.floor(((i * 7919) % 1000) ** 2 / 50_000)
    writer.write(`user-${user}`, { user }, { timestamp: i * 40 })
  }
}

test('a backlog is processed in event-time order over all partitions: no record is late for its window', async () => {
  const count = 40_000
  await click(count)
  const app = defineApp({
    id: 'clicks-a-minute',
    commitInterval: 20,
    build: (builder) => {
      builder
        .stream(clicks)
        .groupBy(() => 'all', { key: string() })
        .windowedBy(tumbling('1m', { grace: '10s' }))
        .count({ store: 'clicks' })
    },
  })
  const streams = await Streams.start(app, { log, engine: 'memory', stateDirectory: 'unused' })
  while (streams.status().processed < 2 * count && streams.state !== 'error') {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const { dropped, tasks } = streams.status()
  await streams.close()
  expect(tasks.map(({ streamTime }) => streamTime)).toContain((count - 1) * 40)
  expect(Object.fromEntries(dropped)).toEqual({})
}, 30_000)

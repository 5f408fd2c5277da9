import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { memoryLog, readTopic, string, topic, TopicWriter } from 'millrace'
import type { Log } from 'millrace'
import { feed } from './generator.ts'
import type { Generator } from './generator.ts'

const letters = topic('letters', { key: string(), value: string() })
const generator: Generator<string, string> = {
  topic: letters,
  record: (index) => ({ key: `key-${index % 7}`, value: `value-${index}`, timestamp: index }),
}
const RATE = 1_000_000

async function logWithTopic(): Promise<Log> {
  const log = memoryLog()
  await log.createTopics([{ name: letters.name, partitions: 3 }])
  return log
}

async function contents(log: Log): Promise<string[]> {
  const values: string[] = []
  for await (const { value } of readTopic(log, letters, { until: 'end' })) values.push(value ?? '')
  return values.toSorted((left, right) => Number(left.slice(6)) - Number(right.slice(6)))
}

function values(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `value-${index}`)
}

test('a generator goes on where the topic ends', async () => {
  const log = await logWithTopic()
  const { signal } = new AbortController()
  expect(await feed(log, generator, { rate: RATE, count: 100, signal })).toBe(100)
  expect(await feed(log, generator, { rate: RATE, count: 250, signal })).toBe(250)
  expect(await contents(log)).toEqual(values(250))
})

test('a generator that has written everything writes nothing more', async () => {
  const log = await logWithTopic()
  const { signal } = new AbortController()
  await feed(log, generator, { rate: RATE, count: 50, signal })
  await feed(log, generator, { rate: RATE, count: 50, signal })
  expect(await contents(log)).toEqual(values(50))
})

test('a flush that reached some partitions only is completed: nothing is lost or doubled', async () => {
  const log = await logWithTopic()
  const writer = await TopicWriter.open(log, letters)
  for (let index = 0; index < 60; index++) {
    const { key, value, timestamp } = generator.record(index)
    const arrived = writer.partitionOf(key) === 1 ? 60 : 20
    if (index < arrived) writer.write(key, value, { timestamp })
  }
  await writer.close()
  await feed(log, generator, { rate: RATE, count: 100, signal: new AbortController().signal })
  expect(await contents(log)).toEqual(values(100))
})

test('a signal stops a generator between two flushes, and what it says to have written is there', async () => {
  const log = await logWithTopic()
  const ending = new AbortController()
  const feeding = feed(log, generator, { rate: 1000, signal: ending.signal })
  await turn()
  ending.abort()
  const count = await feeding
  expect(await contents(log)).toEqual(values(count))
})

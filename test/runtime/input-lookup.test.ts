import { memoryLog, string, topic, TopicWriter } from 'millrace'
import { expect, test } from 'vitest'
import { PartitionMap } from '../../src/log/log.ts'
import type { Log, LogReader } from '../../src/log/log.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { ManualClock } from '../../src/platform/manual-clock.ts'
import { RecordSlice } from '../../src/record/record-slice.ts'
import { InputLookup } from '../../src/runtime/failures/input-lookup.ts'

test('an application that closes waits for no input record, and leaves no reader open', async () => {
  let open = 0
  const reader: Partial<LogReader> = {
    assign: () => {},
    resume: () => {},
    pause: () => {},
    poll: () => 0,
    position: () => 0,
    onReady: () => {},
    close: () => void open--,
  }
  const log: Partial<Log> = {
    kind: 'kafka',
    openReader: () => {
      open++
      return reader as LogReader
    },
  }
  const lookup = new InputLookup(log as Log, systemClock)
  const found = Promise.resolve(lookup.find('orders', 0, 5))
  expect(open).toBe(1)
  lookup.close()
  await expect(found).rejects.toMatchObject({ code: 'MR_LOG_UNREACHABLE', topic: 'orders', offset: 5 })
  expect(open).toBe(0)
})

test('a record that is there is found, although another partition was searched in vain', async () => {
  const topics = ['orders', 'payments'].map((name) => topic(name, { key: string(), value: string() }))
  const log = memoryLog()
  await log.createTopics(topics.map(({ name }) => ({ name, partitions: 1 })))
  const write = async (...values: string[]): Promise<void> => {
    for (const each of topics) {
      await using writer = await TopicWriter.open(log, each)
      for (const value of values) writer.write('key', value)
      await writer.flush()
    }
  }
  await write('a')
  const clock = new ManualClock()
  // As on Kafka, what is not there yet is waited for.
  const lookup = new InputLookup({ kind: 'kafka', openReader: () => log.openReader() } as Log, clock)
  const inVain = Promise.resolve(lookup.find('orders', 0, 1))
  let isOver = false
  const over = (): void => void (isOver = true)
  inVain.then(over, over)
  // Step by step: a reader that nobody asks is closed.
  for (; !isOver; await new Promise((resolve) => setImmediate(resolve))) clock.advance(100)
  await expect(inVain).rejects.toMatchObject({ code: 'MR_LOG_UNREACHABLE', topic: 'orders', partition: 0, offset: 1 })

  await write('b', 'c')
  const kept = new PartitionMap<number>()
  kept.set('orders', 0, 2)
  await log.deleteRecords(kept)
  expect((await lookup.find('payments', 0, 1))?.value?.toString()).toBe('b')
  expect(await lookup.find('orders', 0, 1)).toBeUndefined()
  expect((await lookup.find('orders', 0, 2))?.value?.toString()).toBe('c')
  lookup.close()
  await log.close()
})

test('a record that arrived after another was looked up is found, too, in a log that answers at once', () => {
  const log = memoryLog()
  log.createTopics([{ name: 'orders', partitions: 1 }])
  const producer = log.openProducer()
  const append = (value: string): void => {
    producer.append('orders', 0, RecordSlice.of(1, Buffer.from('key'), Buffer.from(value), undefined))
    void producer.flush()
  }
  const lookup = new InputLookup(log, systemClock)
  append('first')
  expect(lookup.find('orders', 0, 0)).toMatchObject({ value: Buffer.from('first') })
  append('second')
  expect(lookup.find('orders', 0, 1)).toMatchObject({ value: Buffer.from('second') })
  lookup.close()
})

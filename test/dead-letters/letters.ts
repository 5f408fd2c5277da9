import { Headers, readDeadLetters, Streams, string, topic, TopicWriter } from 'millrace'
import type { Application, DeadLetter, Log } from 'millrace'
import { expect } from 'vitest'
import type { RecordCursor } from '../../src/log/log.ts'
import { RecordSlice } from '../../src/record/record-slice.ts'

export async function createTopics(log: Log, topics: readonly string[], partitions = 2): Promise<void> {
  await log.createTopics(topics.map((name) => ({ name, partitions })))
}

/** Writes texts as they are, whatever the topic's serdes. */
export async function writeTexts(
  log: Log,
  name: string,
  records: readonly (readonly [key: string | null, value: string | null, timestamp?: number, headers?: Headers])[],
): Promise<void> {
  const text = { key: string(), value: string() }
  await using writer = await TopicWriter.open(log, topic(name, text))
  for (const [key, value, timestamp = 1_000, headers] of records)
    writer.write(key, value, headers === undefined ? { timestamp } : { timestamp, headers })
}

/** Runs an application until its topics hold so many committed records. */
export async function process(app: Application, log: Log, until: Readonly<Record<string, number>>): Promise<void> {
  await using streams = await Streams.start(app, { log })
  let failure: unknown
  streams.closed.catch((error: unknown) => (failure = error))
  const counts = async (): Promise<unknown> => {
    if (failure !== undefined) return failure
    const found = Object.keys(until).map(async (name) => [name, (await recordsIn(log, name)).length] as const)
    return Object.fromEntries(await Promise.all(found))
  }
  await expect.poll(counts, { timeout: 60_000 }).toEqual(until)
}

export interface PlainRecord {
  readonly place: string
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: Readonly<Record<string, string | null>>
}

/** Returns the committed records of a topic as texts, partition by partition. */
export async function recordsIn(log: Log, name: string): Promise<PlainRecord[]> {
  const { partitions } = (await log.describeTopics([name])).get(name)!
  const places = Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition }))
  const starts = await log.listOffsets(places, 'earliest')
  const ends = await log.listOffsets(places, 'latest')
  const found: PlainRecord[] = []
  const reader = log.openReader()
  for (const { partition } of places) {
    reader.assign(name, partition, starts.get(name, partition)!)
    const take = (_topic: string, _partition: number, cursor: RecordCursor): void => {
      while (cursor.next()) found.push(plainRecord(partition, cursor))
    }
    await expect
      .poll(() => {
        reader.poll(take)
        return reader.position(name, partition)
      })
      .toBeGreaterThanOrEqual(ends.get(name, partition)!)
    reader.unassign(name, partition)
  }
  await reader.close()
  return found
}

function plainRecord(partition: number, cursor: RecordCursor): PlainRecord {
  const { offset, timestamp, buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor
  const text = (start: number, end: number): string | null => (start < 0 ? null : buffer.toString('utf8', start, end))
  const headers = [...cursor.headers(new Headers())].map(({ name, value }) => [name, value?.toString('utf8') ?? null])
  return {
    place: `${partition}@${offset}`,
    timestamp,
    key: text(keyStart, keyEnd),
    value: text(valueStart, valueEnd),
    headers: Object.fromEntries(headers) as Record<string, string | null>,
  }
}

/** Headers of a dead letter whose record came from there. */
export function originHeaders(name: string | null, partition: number, offset: number): Headers {
  return new Headers()
    .add('__streams.errors.topic', name)
    .add('__streams.errors.partition', String(partition))
    .add('__streams.errors.offset', String(offset))
}

/** Appends a record to the last partition of a dead letter topic, and returns its id. */
export async function addLetter(
  log: Log,
  rejected: string,
  headers: Headers,
  key: string | null = 'k',
  value: string | null = 'v',
): Promise<string> {
  const producer = log.openProducer()
  const partition = (await producer.loadPartitionCount(rejected)) - 1
  const bytes = (text: string | null) => (text === null ? null : Buffer.from(text))
  producer.append(rejected, partition, RecordSlice.of(1_000, bytes(key), bytes(value), headers))
  await producer.flush()
  const offset = producer.lastOffset(rejected, partition)
  await producer.close()
  return `${rejected}-${partition}-${offset}`
}

/** Appends the same record so many times to the last partition of a dead letter topic. */
export async function addLetters(log: Log, rejected: string, headers: Headers, count: number): Promise<void> {
  const producer = log.openProducer()
  const partition = (await producer.loadPartitionCount(rejected)) - 1
  const record = RecordSlice.of(1_000, Buffer.from('k'), Buffer.from('v'), headers)
  for (let added = 0; added < count; added++) {
    producer.append(rejected, partition, record)
    if (added % 10_000 === 0) await producer.flush()
  }
  await producer.flush()
  await producer.close()
}

/** Returns the dead letters of an application, without what else is in their topic. */
export async function lettersOf(app: Application, log: Log): Promise<DeadLetter[]> {
  return (await all(readDeadLetters(app, log))).filter((letter) => letter.kind === 'dead-letter')
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

import { expect } from 'vitest'
import { isPromise } from '../../src/platform/maybe-promise.ts'
import type { MaybePromise } from '../../src/platform/maybe-promise.ts'
import { Headers } from '../../src/record/headers.ts'
import type { GroupEvent, InternalTopic, SubtopologyDescription } from '../../src/group/group.ts'
import { taskIdText } from '../../src/group/group.ts'
import type { Log, LogClient, LogClientOptions, LogProducer, LogReader, RecordCursor } from '../../src/log/log.ts'
import { RecordSlice } from '../../src/record/record-slice.ts'

export interface PlainRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string | null])[]
}

const NONE = new Headers()
const PEEKED = 2
/** Time far longer than anything here takes: it passes only when a promise is broken. */
const GIVE_UP_MS = 20_000

/** Returns every record of the cursor. Before each, and after the last, it checks that peeking shows the next keys. */
export function recordsOf(cursor: RecordCursor): PlainRecord[] {
  const records: PlainRecord[] = []
  const peeked: (string | null)[][] = []
  const peek = (): void => {
    const behind: (string | null)[] = []
    const see = (buffer: Buffer, start: number, end: number): unknown =>
      behind.push(start < 0 ? null : buffer.toString('utf8', start, end))
    const passed = cursor.peekKeys(PEEKED, see)
    expect(behind).toHaveLength(Math.max(0, passed))
    if (passed >= 0) peeked.push(behind)
    else expect(peeked).toEqual([])
  }
  peek()
  while (cursor.next()) {
    const { buffer } = cursor
    peek()
    records.push({
      offset: cursor.offset,
      timestamp: cursor.timestamp,
      key: cursor.keyStart < 0 ? null : buffer.toString('utf8', cursor.keyStart, cursor.keyEnd),
      value: cursor.valueStart < 0 ? null : buffer.toString('utf8', cursor.valueStart, cursor.valueEnd),
      headers: [...cursor.headers(NONE)].map((header) => [header.name, header.value?.toString('utf8') ?? null]),
    })
  }
  const keys = records.map(({ key }) => key)
  const expected = [null, ...keys].map((_, i) => keys.slice(i, i + PEEKED))
  // A batch that is not open yet may show nothing before its first record.
  expect(peeked).toEqual(expected.slice(expected.length - peeked.length))
  return records
}

export function append(
  producer: LogProducer,
  topic: string,
  partition: number,
  key: string | null,
  value: string | null,
  timestamp = 1_000,
  headers?: Headers,
): void {
  const bytesOf = (text: string | null) => (text === null ? null : Buffer.from(text))
  producer.append(topic, partition, RecordSlice.of(timestamp, bytesOf(key), bytesOf(value), headers))
}

/** Waits until `check` returns something, and calls it again whenever `wake` was called. */
export async function until<T>(what: string, check: () => MaybePromise<T | undefined>): Promise<T> {
  const started = Date.now()
  while (true) {
    const answer = check()
    const found = isPromise(answer) ? await answer : answer
    if (found !== undefined) return found
    if (Date.now() - started > GIVE_UP_MS) throw new Error(`gave up waiting for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Polls until `count` records of the reader's partitions have come; returns them by `topic/partition`. */
export async function readRecords(reader: LogReader, count: number): Promise<Map<string, PlainRecord[]>> {
  const found = new Map<string, PlainRecord[]>()
  let total = 0
  await until(`${count} records`, () => {
    reader.poll((topic, partition, cursor) => {
      const records = recordsOf(cursor)
      total += records.length
      const place = `${topic}/${partition}`
      found.set(place, [...(found.get(place) ?? []), ...records])
    })
    return total >= count ? true : undefined
  })
  expect(total).toBe(count)
  return found
}

/** Returns the records that a reader of committed data sees in a partition now. */
export async function committedRecords(log: Log, topic: string, partition: number): Promise<PlainRecord[]> {
  const at = [{ topic, partition }]
  const start = (await log.listOffsets(at, 'earliest')).get(topic, partition)!
  const end = (await log.listOffsets(at, 'latest')).get(topic, partition)!
  const reader = log.openReader()
  const records: PlainRecord[] = []
  try {
    reader.assign(topic, partition, start)
    await until(`the end of ${topic}/${partition}`, () => {
      reader.poll((_topic, _partition, cursor) => records.push(...recordsOf(cursor)))
      return reader.position(topic, partition)! >= end ? true : undefined
    })
  } finally {
    await reader.close()
  }
  return records
}

export function subtopology(
  id: number,
  sourceTopics: readonly string[],
  rest: Partial<SubtopologyDescription> = {},
): SubtopologyDescription {
  return {
    id,
    sourceTopics,
    repartitionSourceTopics: [],
    repartitionSinkTopics: [],
    changelogTopics: [],
    copartitionGroups: [],
    ...rest,
  }
}

export function internalTopic(name: string, partitions = 0, configs: InternalTopic['configs'] = []): InternalTopic {
  return { name, partitions, replicationFactor: -1, configs }
}

export function clientOptions(
  groupId: string,
  thread: number,
  subtopologies: readonly SubtopologyDescription[],
  rest: Partial<LogClientOptions> = {},
): LogClientOptions {
  return {
    guarantee: 'exactly_once',
    clientId: `${groupId}-process-StreamThread-${thread}`,
    transactionalId: `${groupId}-process-${thread}`,
    groupId,
    processId: `process-${thread}`,
    subtopologies,
    rebalanceTimeout: 30_000,
    standbyReplicas: 0,
    ...rest,
  }
}

/** A member that does at once what its events ask, and remembers what it owns. */
export class Member {
  readonly client: LogClient
  readonly told: GroupEvent[] = []
  active: string[] = []

  constructor(client: LogClient) {
    this.client = client
  }

  /** Takes the events that are there. */
  step(): void {
    for (let event = this.client.group.nextEvent(); event !== undefined; event = this.client.group.nextEvent()) {
      this.told.push(event)
      if (event.type === 'assigned') this.active = event.active.map(taskIdText).sort()
      if (event.type === 'revoked') {
        const revoked = new Set(event.active.map(taskIdText))
        this.active = this.active.filter((task) => !revoked.has(task))
      }
      if (event.type === 'assigned' || event.type === 'revoked') this.client.group.acknowledge()
      if (event.type === 'lost') this.active = []
    }
  }
}

/** Lets all members go on until `done`. */
export async function settle(what: string, members: readonly Member[], done: () => boolean): Promise<void> {
  await until(what, () => {
    for (const member of members) member.step()
    return done() ? true : undefined
  })
}

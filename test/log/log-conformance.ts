import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Headers } from '../../src/record/headers.ts'
import { PartitionMap } from '../../src/log/log.ts'
import type { CommitOutcome, CommittedOffset, Log } from '../../src/log/log.ts'
import type { MaybePromise } from '../../src/platform/maybe-promise.ts'
import { adminConformance } from './admin-conformance.ts'
import { groupConformance } from './group-conformance.ts'
import { refusalConformance } from './refusal-conformance.ts'
import { append, clientOptions, committedRecords, readRecords, recordsOf, subtopology, until } from './log-harness.ts'
import { sliceOf } from '../record/slice-of.ts'

export interface LogUnderTest {
  readonly log: Log
  close(): Promise<void>
}

/** Promises of any log that the runtime relies on. `open` is called once; tests stay apart by names. */
export function logConformance(name: string, open: () => Promise<LogUnderTest>): void {
  describe(`the Log port: ${name}`, () => {
    let opened: LogUnderTest
    let log: Log
    beforeAll(async () => {
      opened = await open()
      log = opened.log
    })
    afterAll(async () => {
      await opened.close()
    })

    const optionsOf: typeof clientOptions = (groupId, thread, subtopologies, rest = {}) =>
      clientOptions(groupId, thread, subtopologies, { guarantee: 'exactly_once', ...rest })

    async function newTopic(partitions = 1, configs: Record<string, string> = {}): Promise<string> {
      const topic = `topic-${randomUUID()}`
      await log.createTopics([{ name: topic, partitions, replicationFactor: -1, configs }])
      return topic
    }

    describe('topics', () => {
      it('describes those that exist and leaves out those that do not', async () => {
        const topic = await newTopic(3)
        const found = await log.describeTopics([topic, 'no-such-topic'])
        expect([...found.keys()]).toEqual([topic])
        expect(found.get(topic)).toMatchObject({ name: topic, partitions: 3 })
      })

      it('keeps a topic as it is when it is created again', async () => {
        const topic = await newTopic(2)
        const before = (await log.describeTopics([topic])).get(topic)
        await log.createTopics([{ name: topic, partitions: 5 }])
        expect((await log.describeTopics([topic])).get(topic)).toEqual(before)
      })

      it('refuses a name or partition count that Kafka refuses', async () => {
        await expect(async () => log.createTopics([{ name: 'no spaces', partitions: 1 }])).rejects.toMatchObject({
          code: 'MR_TOPIC_INVALID',
        })
        await expect(async () => log.createTopics([{ name: 'empty', partitions: 0 }])).rejects.toMatchObject({
          code: 'MR_TOPIC_INVALID',
        })
      })

      it('tells producers the partition count, or that there is no such topic', async () => {
        const topic = await newTopic(4)
        const producer = log.openProducer()
        expect(await producer.loadPartitionCount(topic)).toBe(4)
        expect(producer.partitionCount(topic)).toBe(4)
        await expect(async () => producer.loadPartitionCount('no-such-topic')).rejects.toMatchObject({
          code: 'MR_TOPIC_UNKNOWN',
        })
        await producer.close()
      })
    })

    describe('records', () => {
      it('come back as they were appended: null and empty keys and values, times, headers', async () => {
        const topic = await newTopic()
        const producer = log.openProducer()
        await producer.loadPartitionCount(topic)
        const headers = new Headers().add('a', 'first').add('a', 'second').add('none', null).add('ünï', '')
        append(producer, topic, 0, 'key', 'value', 1_700_000_000_123)
        append(producer, topic, 0, null, 'no key', 0)
        append(producer, topic, 0, 'tombstone', null, 5)
        append(producer, topic, 0, '', '', 6)
        append(producer, topic, 0, 'with headers', 'x', 7, headers)
        await producer.flush()
        const plain = { headers: [] }
        expect(await committedRecords(log, topic, 0)).toEqual([
          { ...plain, offset: 0, timestamp: 1_700_000_000_123, key: 'key', value: 'value' },
          { ...plain, offset: 1, timestamp: 0, key: null, value: 'no key' },
          { ...plain, offset: 2, timestamp: 5, key: 'tombstone', value: null },
          { ...plain, offset: 3, timestamp: 6, key: '', value: '' },
          {
            offset: 4,
            timestamp: 7,
            key: 'with headers',
            value: 'x',
            headers: [
              ['a', 'first'],
              ['a', 'second'],
              ['none', null],
              ['ünï', ''],
            ],
          },
        ])
        expect(producer.lastOffset(topic, 0)).toBe(4)
        await producer.close()
      })

      it('have whole timestamps: fractions are cut, and what is no time is refused and not written', async () => {
        const topic = await newTopic()
        const producer = log.openProducer()
        await producer.loadPartitionCount(topic)
        const times = [1_700_000_000_123.9, 1_700_000_000_123.2, 1_700_000_000_122.9, 1.5, 0.5, -0.5, -7]
        for (const time of times) append(producer, topic, 0, 'key', 'value', time)
        for (const none of [Number.NaN, Infinity, -Infinity, 8.64e15 + 1, '1700000000123', new Date(5), null, 5n]) {
          expect(() => append(producer, topic, 0, 'key', 'value', none as number)).toThrow(
            expect.objectContaining({ code: 'MR_TIMESTAMP', topic, partition: 0 }),
          )
        }
        await producer.flush()
        const written = (await committedRecords(log, topic, 0)).map(({ timestamp }) => timestamp)
        expect(written).toEqual([1_700_000_000_123, 1_700_000_000_123, 1_700_000_000_122, 1, 0, 0, -7])
        await producer.close()
      })

      it('are copied when they are appended', async () => {
        const topic = await newTopic()
        const producer = log.openProducer()
        await producer.loadPartitionCount(topic)
        const buffer = Buffer.from('key-value-that-is-longer-than-a-few-words')
        producer.append(topic, 0, sliceOf(1, buffer, [0, 3], [4, buffer.length]))
        buffer.fill(0)
        await producer.flush()
        expect(await committedRecords(log, topic, 0)).toMatchObject([
          { key: 'key', value: 'value-that-is-longer-than-a-few-words' },
        ])
        await producer.close()
      })

      it('keep their order in each partition over many flushes, with offsets that only rise', async () => {
        const topic = await newTopic(3)
        const producer = log.openProducer()
        await producer.loadPartitionCount(topic)
        for (let i = 0; i < 20_000; i++) {
          append(producer, topic, i % 3, `k${i}`, 'x'.repeat(i % 200), i)
          if (i % 3_333 === 0) await producer.flush()
        }
        await producer.flush()
        await producer.close()
        const reader = log.openReader()
        for (let partition = 0; partition < 3; partition++) reader.assign(topic, partition, 0)
        const found = await readRecords(reader, 20_000)
        for (let partition = 0; partition < 3; partition++) {
          const records = found.get(`${topic}/${partition}`)!
          expect(records.map((record) => record.timestamp)).toEqual(
            Array.from({ length: records.length }, (_, i) => i * 3 + partition),
          )
          expect(records.every((record, i) => i === 0 || record.offset > records[i - 1]!.offset)).toBe(true)
          expect(records.every((record) => record.value!.length === record.timestamp % 200)).toBe(true)
        }
        await reader.close()
      })

      it('may be large', async () => {
        const topic = await newTopic()
        const producer = log.openProducer()
        await producer.loadPartitionCount(topic)
        append(producer, topic, 0, 'small', 'a')
        append(producer, topic, 0, 'large', 'y'.repeat(700_000))
        append(producer, topic, 0, 'small', 'b')
        await producer.flush()
        const records = await committedRecords(log, topic, 0)
        expect(records.map((record) => record.value?.length)).toEqual([1, 700_000, 1])
        await producer.close()
      })
    })

    describe('topics with bounds', () => {
      refusalConformance({
        log: () => log,
        newTopic,
        clientOptions: (groupId, thread) => optionsOf(groupId, thread, [subtopology(0, [])]),
      })
    })

    describe('offsets', () => {
      it('are found by earliest, latest and time', async () => {
        const topic = await newTopic()
        const producer = log.openProducer()
        await producer.loadPartitionCount(topic)
        for (const time of [100, 200, 150, 300]) append(producer, topic, 0, 'k', `${time}`, time)
        await producer.flush()
        await producer.close()
        const at = [{ topic, partition: 0 }]
        expect((await log.listOffsets(at, 'earliest')).get(topic, 0)).toBe(0)
        expect((await log.listOffsets(at, 'latest')).get(topic, 0)).toBe(4)
        expect((await log.listOffsets(at, { timestamp: 0 })).get(topic, 0)).toBe(0)
        expect((await log.listOffsets(at, { timestamp: 150 })).get(topic, 0)).toBe(1)
        expect((await log.listOffsets(at, { timestamp: 201 })).get(topic, 0)).toBe(3)
        expect((await log.listOffsets(at, { timestamp: 301 })).get(topic, 0)).toBe(4)
      })

      it('below those that were deleted cannot be read, and the others stay', async () => {
        const topic = await newTopic()
        const producer = log.openProducer()
        await producer.loadPartitionCount(topic)
        for (let i = 0; i < 10; i++) append(producer, topic, 0, 'k', `${i}`)
        await producer.flush()
        await producer.close()
        await log.deleteRecords(new PartitionMap<number>().set(topic, 0, 6))
        expect((await log.listOffsets([{ topic, partition: 0 }], 'earliest')).get(topic, 0)).toBe(6)
        expect((await committedRecords(log, topic, 0)).map((record) => record.value)).toEqual(['6', '7', '8', '9'])
        const reader = log.openReader()
        reader.assign(topic, 0, 2)
        const error = await until('the refusal', () => {
          try {
            reader.poll(() => {})
            return undefined
          } catch (caught) {
            return caught
          }
        })
        expect(error).toMatchObject({ code: 'MR_OFFSET_OUT_OF_RANGE', topic, partition: 0, offset: 2 })
        reader.assign(topic, 0, 6)
        expect((await readRecords(reader, 4)).get(`${topic}/0`)).toHaveLength(4)
        await reader.close()
      })
    })

    describe('a reader', () => {
      async function filled(records: number, partitions = 1): Promise<string> {
        const topic = await newTopic(partitions)
        const producer = log.openProducer()
        await producer.loadPartitionCount(topic)
        for (let i = 0; i < records; i++) append(producer, topic, i % partitions, `k${i}`, `v${i}`)
        await producer.flush()
        await producer.close()
        return topic
      }

      it('starts at the assigned offset, and knows its position and the end', async () => {
        const topic = await filled(10)
        const reader = log.openReader()
        expect(reader.position(topic, 0)).toBeUndefined()
        reader.assign(topic, 0, 7)
        expect(reader.position(topic, 0)).toBe(7)
        const found = await readRecords(reader, 3)
        expect(found.get(`${topic}/0`)?.map((record) => record.offset)).toEqual([7, 8, 9])
        expect(reader.position(topic, 0)).toBe(10)
        expect(await until('the end offset', () => reader.endOffset(topic, 0))).toBe(10)
        await reader.close()
      })

      it('knows when a partition holds nothing more, and for how long it has been so', async () => {
        const topic = await filled(3)
        const reader = log.openReader()
        expect(reader.quiet(topic, 0)).toBeUndefined()
        reader.assign(topic, 0, 0)
        expect(reader.quiet(topic, 0)).toBeUndefined()
        await readRecords(reader, 3)
        const quiet = await until('silence', () => reader.quiet(topic, 0))
        expect(quiet.until).toBeGreaterThanOrEqual(quiet.since)
        const producer = log.openProducer()
        await producer.loadPartitionCount(topic)
        append(producer, topic, 0, 'k', 'v')
        await producer.flush()
        await producer.close()
        await until('the next record', () => (reader.quiet(topic, 0) === undefined ? true : undefined))
        await readRecords(reader, 1)
        expect((await until('silence again', () => reader.quiet(topic, 0))).since).toBeGreaterThanOrEqual(quiet.since)
        await reader.close()
      })

      it('goes back when it is assigned again', async () => {
        const topic = await filled(10)
        const reader = log.openReader()
        reader.assign(topic, 0, 0)
        await readRecords(reader, 10)
        reader.assign(topic, 0, 8)
        expect((await readRecords(reader, 2)).get(`${topic}/0`)?.map((record) => record.value)).toEqual(['v8', 'v9'])
        await reader.close()
      })

      it('holds back what is paused, and hands it over when it is resumed', async () => {
        const topic = await filled(10, 2)
        const reader = log.openReader()
        reader.assign(topic, 0, 0)
        reader.assign(topic, 1, 0)
        reader.pause(topic, 1)
        expect([...(await readRecords(reader, 5)).keys()]).toEqual([`${topic}/0`])
        expect(reader.poll(() => {})).toBe(0)
        expect(reader.position(topic, 1)).toBe(0)
        reader.resume(topic, 1)
        expect([...(await readRecords(reader, 5)).keys()]).toEqual([`${topic}/1`])
        await reader.close()
      })

      it('forgets what is unassigned', async () => {
        const topic = await filled(4, 2)
        const reader = log.openReader()
        reader.assign(topic, 0, 0)
        reader.assign(topic, 1, 0)
        reader.unassign(topic, 0)
        expect([...(await readRecords(reader, 2)).keys()]).toEqual([`${topic}/1`])
        expect(reader.position(topic, 0)).toBeUndefined()
        await reader.close()
      })

      it('is woken when records arrive', async () => {
        const topic = await newTopic()
        const reader = log.openReader()
        reader.assign(topic, 0, 0)
        expect(reader.poll(() => {})).toBe(0)
        const woken = new Promise<void>((resolve) => reader.onReady(resolve))
        const producer = log.openProducer()
        await producer.loadPartitionCount(topic)
        append(producer, topic, 0, 'k', 'v')
        await producer.flush()
        await woken
        await readRecords(reader, 1)
        await producer.close()
        await reader.close()
      })

      it('says by poll that a topic does not exist', async () => {
        const reader = log.openReader()
        reader.assign('no-such-topic', 0, 0)
        const error = await until('the refusal', () => {
          try {
            reader.poll(() => {})
            return undefined
          } catch (caught) {
            return caught
          }
        })
        expect(error).toMatchObject({ code: 'MR_TOPIC_UNKNOWN', topic: 'no-such-topic' })
        await reader.close()
      })
    })

    describe('a commit', () => {
      it('keeps offsets and their metadata for the group', async () => {
        const topic = await newTopic(2)
        const group = `group-${randomUUID()}`
        const client = await log.openClient(optionsOf(group, 1, [subtopology(0, [topic])]))
        const both = [
          { topic, partition: 0 },
          { topic, partition: 1 },
        ]
        expect((await client.committed(both)).size).toBe(0)
        const offsets = new PartitionMap<CommittedOffset>().set(topic, 0, { offset: 12, metadata: 'AgAAAXo=' })
        expect(await client.commit(offsets)).toBe('committed')
        const found = await client.committed(both)
        expect([...found.entries()]).toEqual([[topic, 0, { offset: 12, metadata: 'AgAAAXo=' }]])
        await client.close()
      })

      it('shows records and offsets together, and nothing before', async () => {
        const [topic, input] = [await newTopic(), await newTopic()]
        const group = `group-${randomUUID()}`
        const client = await log.openClient(optionsOf(group, 1, [subtopology(0, [input])]))
        await client.producer.loadPartitionCount(topic)
        append(client.producer, topic, 0, 'k', 'v1')
        append(client.producer, topic, 0, 'k', 'v2')
        await client.producer.flush()
        const reader = log.openReader()
        reader.assign(topic, 0, 0)
        expect(await until('the end of what is committed', () => reader.endOffset(topic, 0))).toBe(0)
        expect(reader.poll(() => {})).toBe(0)
        await reader.close()
        const offsets = new PartitionMap<CommittedOffset>().set(input, 0, { offset: 2, metadata: '' })
        expect(await client.commit(offsets)).toBe('committed')
        expect((await committedRecords(log, topic, 0)).map((record) => record.value)).toEqual(['v1', 'v2'])
        expect((await client.committed([{ topic: input, partition: 0 }])).get(input, 0)?.offset).toBe(2)
        expect(client.producer.lastOffset(topic, 0)).toBe(1)
        await client.close()
      })

      it('takes what was appended before, and leaves what is appended meanwhile to the next one', async () => {
        const topic = await newTopic(2)
        const client = await log.openClient(optionsOf(`group-${randomUUID()}`, 1, []))
        await client.producer.loadPartitionCount(topic)
        const reader = log.openReader()
        reader.assign(topic, 0, 0)
        const seen: string[] = []
        const expected: string[] = []
        const commitSees = async (committing: MaybePromise<CommitOutcome>, ...values: string[]): Promise<void> => {
          expect(await committing).toBe('committed')
          expected.push(...values)
          await until('what was committed', () => {
            reader.poll((_topic, _partition, cursor) => seen.push(...recordsOf(cursor).map(({ value }) => `${value}`)))
            return seen.length >= expected.length ? true : undefined
          })
          expect(seen).toEqual(expected)
        }
        const before = (round: number): void => {
          append(client.producer, topic, 0, 'k', `before ${round}`)
          append(client.producer, topic, 1, 'k', `before ${round}`)
        }
        before(0)
        for (let round = 0; round < 5; round++) {
          const committing = client.commit(new PartitionMap())
          append(client.producer, topic, 0, 'k', `meanwhile ${round}`)
          await commitSees(committing, ...(round === 0 ? [] : [`meanwhile ${round - 1}`]), `before ${round}`)
          expect(client.producer.lastOffset(topic, 1)).toBeGreaterThanOrEqual(round)
          before(round + 1)
        }
        const committing = client.commit(new PartitionMap())
        append(client.producer, topic, 0, 'k', 'to be aborted')
        await commitSees(committing, 'meanwhile 4', 'before 5')
        await client.abort()
        append(client.producer, topic, 0, 'k', 'after')
        await commitSees(client.commit(new PartitionMap()), 'after')
        await reader.close()
        await client.close()
      })

      it('leaves out what was aborted', async () => {
        const topic = await newTopic()
        const client = await log.openClient(optionsOf(`group-${randomUUID()}`, 1, []))
        await client.producer.loadPartitionCount(topic)
        append(client.producer, topic, 0, 'k', 'committed')
        await client.producer.flush()
        expect(await client.commit(new PartitionMap())).toBe('committed')
        append(client.producer, topic, 0, 'k', 'aborted'.repeat(100))
        await client.producer.flush()
        await client.abort()
        append(client.producer, topic, 0, 'k', 'after')
        await client.producer.flush()
        expect(await client.commit(new PartitionMap())).toBe('committed')
        expect((await committedRecords(log, topic, 0)).map((record) => record.value)).toEqual(['committed', 'after'])
        await client.close()
      })

      it('does not come from a client that a newer twin has fenced', async () => {
        const [topic, input] = [await newTopic(), await newTopic()]
        const options = optionsOf(`group-${randomUUID()}`, 1, [subtopology(0, [input])])
        const old = await log.openClient(options)
        await old.producer.loadPartitionCount(topic)
        append(old.producer, topic, 0, 'k', 'of the old one')
        await old.producer.flush()
        const twin = await log.openClient(options)
        await expect(async () => {
          append(old.producer, topic, 0, 'k', 'more of the old one')
          await old.producer.flush()
          await old.commit(new PartitionMap<CommittedOffset>().set(input, 0, { offset: 9, metadata: '' }))
        }).rejects.toMatchObject({ code: 'MR_FENCED' })
        await twin.producer.loadPartitionCount(topic)
        append(twin.producer, topic, 0, 'k', 'of the twin')
        await twin.producer.flush()
        expect(await twin.commit(new PartitionMap())).toBe('committed')
        expect((await committedRecords(log, topic, 0)).map((record) => record.value)).toEqual(['of the twin'])
        expect((await twin.committed([{ topic: input, partition: 0 }])).size).toBe(0)
        await old.close()
        await twin.close()
      })
    })

    groupConformance(() => log, newTopic, optionsOf)
    adminConformance(() => log, newTopic, optionsOf)
  })
}

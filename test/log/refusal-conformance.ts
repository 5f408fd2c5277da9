import { expect, it } from 'vitest'
import { Headers } from '../../src/record/headers.ts'
import { PartitionMap } from '../../src/log/log.ts'
import type { Log, LogClientOptions, LogProducer } from '../../src/log/log.ts'
import type { AppendOrigin, Refusal, Replacement } from '../../src/log/refusal.ts'
import { append, committedRecords } from './log-harness.ts'
import { RecordSlice } from '../../src/record/record-slice.ts'

export interface RefusalTools {
  readonly log: () => Log
  readonly newTopic: (partitions: number, configs: Record<string, string>) => Promise<string>
  readonly clientOptions: (groupId: string, thread: number) => LogClientOptions
}

/** Notes what it is asked, and returns a replacement if the test gave one. */
class Asked implements AppendOrigin {
  readonly refusals: [place: number, refusal: Refusal][] = []
  readonly #instead: (refusal: Refusal) => Replacement | undefined

  constructor(instead: (refusal: Refusal) => Replacement | undefined = () => undefined) {
    this.#instead = instead
  }

  get places(): number[] {
    return this.refusals.map(([place]) => place)
  }

  refused(refusal: Refusal, place: number): Replacement | undefined {
    this.refusals.push([place, refusal])
    return this.#instead(refusal)
  }
}

function appendFrom(
  origin: AppendOrigin,
  place: number,
  producer: LogProducer,
  topic: string,
  key: string | null,
  value: string,
  timestamp = Date.now(),
  headers?: Headers,
): void {
  const keyBytes = key === null ? null : Buffer.from(key)
  producer.append(topic, 0, RecordSlice.of(timestamp, keyBytes, Buffer.from(value), headers), origin, place)
}

/** Promises of refusals: a topic refuses record by record, alike on every log. */
export function refusalConformance({ log, newTopic, clientOptions }: RefusalTools): void {
  const keys = async (topic: string) => (await committedRecords(log(), topic, 0)).map(({ key }) => key)

  it('refuse a record by the byte of max.message.bytes, ask its origin, and write the others in order', async () => {
    const topic = await newTopic(1, { 'max.message.bytes': '500' })
    const producer = log().openProducer()
    const origin = new Asked()
    const headers = new Headers().add('trace', 'abc')
    // A batch's header has 61 bytes. A record has 2 of length, 1 of attributes, 1 + 1 of deltas, 1 + 1 of the key,
    // 2 of the value's length, and 1 of headers.
    appendFrom(origin, 0, producer, topic, 'a', 'x'.repeat(500 - 61 - 10))
    appendFrom(origin, 1, producer, topic, 'b', 'x'.repeat(500 - 61 - 10 + 1))
    // The header's name and value have a byte of length each.
    appendFrom(origin, 2, producer, topic, 'c', 'x'.repeat(500 - 61 - 10 - 10), undefined, headers)
    appendFrom(origin, 3, producer, topic, 'd', 'x'.repeat(500 - 61 - 10 - 9), undefined, headers)
    appendFrom(origin, 4, producer, topic, 'e', 'small')
    await producer.flush()
    expect(origin.places).toEqual([1, 3])
    expect(origin.refusals[0]![1]).toMatchObject({ topic, partition: 0, key: Buffer.from('b') })
    expect(origin.refusals[0]![1].why.configs).toEqual(['max.message.bytes'])
    expect(await keys(topic)).toEqual(['a', 'c', 'e'])
    await producer.close()
  })

  it('refuse timestamps out of bounds, and a missing key on a compacted topic', async () => {
    const bounded = await newTopic(1, {
      'message.timestamp.before.max.ms': '60000',
      'message.timestamp.after.max.ms': '60000',
    })
    const compacted = await newTopic(1, { 'cleanup.policy': 'compact' })
    const producer = log().openProducer()
    const origin = new Asked()
    const now = Date.now()
    for (const [place, timestamp] of [now, now - 120_000, now + 120_000, now].entries()) {
      appendFrom(origin, place, producer, bounded, `${place}`, 'v', timestamp)
    }
    appendFrom(origin, 4, producer, compacted, null, 'v')
    appendFrom(origin, 5, producer, compacted, '5', 'v')
    await producer.flush()
    expect(origin.places.toSorted()).toEqual([1, 2, 4])
    expect(await keys(bounded)).toEqual(['0', '3'])
    expect(await keys(compacted)).toEqual(['5'])
    await producer.close()
  })

  it('write what the owner of a refused record puts in its place, within the same commit', async () => {
    const topic = await newTopic(1, { 'max.message.bytes': '500' })
    const dead = await newTopic(1, {})
    const options = clientOptions(`group-of-${topic}`, 1)
    const client = await log().openClient(options)
    const origin = new Asked(({ timestamp, key }) => ({
      topic: dead,
      partition: 0,
      timestamp,
      key,
      value: Buffer.from('instead'),
      headers: new Headers().add('why', 'large'),
    }))
    await client.producer.loadPartitionCount(topic)
    for (let i = 0; i < 20; i++) {
      appendFrom(origin, i, client.producer, topic, `${i}`, i % 7 === 3 ? 'x'.repeat(600) : 'v')
    }
    expect(await client.commit(new PartitionMap())).toBe('committed')
    const letters = await committedRecords(log(), dead, 0)
    expect(letters.map(({ key, value, headers }) => [key, value, headers])).toEqual(
      ['3', '10', '17'].map((key) => [key, 'instead', [['why', 'large']]]),
    )
    expect(await keys(topic)).toEqual(
      Array.from({ length: 20 }, (_, i) => `${i}`).filter((key) => Number(key) % 7 !== 3),
    )
    await client.close()
  })

  it('notify the origin of the offset of each record, whatever others write in between', async () => {
    const topic = await newTopic(1, { 'max.message.bytes': '500' })
    const [producer, other] = [log().openProducer(), log().openProducer()]
    const offsets = new Map<number, number>()
    const origin: AppendOrigin = {
      refused: () => undefined,
      written: (offset, place) => void offsets.set(place, offset),
    }
    for (let round = 0; round < 3; round++) {
      appendFrom(origin, round * 3, producer, topic, `${round * 3}`, 'mine')
      appendFrom(origin, round * 3 + 1, producer, topic, `${round * 3 + 1}`, 'x'.repeat(500))
      appendFrom({ refused: () => undefined }, 0, producer, topic, 'silent', 'mine')
      appendFrom(origin, round * 3 + 2, producer, topic, `${round * 3 + 2}`, 'mine')
      other.append(topic, 0, RecordSlice.of(Date.now(), Buffer.from('other'), Buffer.from('theirs'), undefined))
      await Promise.all([producer.flush(), other.flush()])
      expect(offsets.size).toBe((round + 1) * 2)
    }
    const records = await committedRecords(log(), topic, 0)
    for (const [place, offset] of offsets) expect(records.find((each) => each.offset === offset)?.key).toBe(`${place}`)
    expect([...offsets.keys()].toSorted((a, b) => a - b)).toEqual([0, 2, 3, 5, 6, 8])
    await Promise.all([producer.close(), other.close()])
  })

  it('fail with MR_PRODUCE where a refused record has no origin', async () => {
    const topic = await newTopic(1, { 'max.message.bytes': '500' })
    const producer = log().openProducer()
    await expect(async () => {
      append(producer, topic, 0, 'key', 'x'.repeat(1000))
      await producer.flush()
    }).rejects.toMatchObject({ code: 'MR_PRODUCE', topic, partition: 0 })
    await producer.close()
  })
}

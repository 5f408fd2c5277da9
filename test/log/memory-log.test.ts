import { describe, expect, it } from 'vitest'
import { memoryLog } from '../../src/log/memory/memory-log.ts'
import { PartitionMap } from '../../src/log/log.ts'
import type { CommittedOffset } from '../../src/log/log.ts'
import { logConformance } from './log-conformance.ts'
import { append, clientOptions, committedRecords, recordsOf, subtopology } from './log-harness.ts'

logConformance('memory', async () => {
  const log = memoryLog()
  return { log, close: async () => log.close() }
})

describe('the memory log', () => {
  it('returns everything at once, never a promise', () => {
    const log = memoryLog()
    expect(log.createTopics([{ name: 'input', partitions: 1 }])).toBeUndefined()
    const client = log.openClient(clientOptions('app', 1, [subtopology(0, ['input'])]))
    if (client instanceof Promise) throw new Error('openClient gave a promise')
    const seen: string[] = []
    client.group.onEvent(() => seen.push('event'))
    expect(client.group.join()).toBeUndefined()
    expect(seen).toEqual(['event'])
    expect(client.group.nextEvent()).toEqual({
      type: 'assigned',
      active: [{ subtopology: 0, partition: 0 }],
      standby: [],
    })
    client.group.acknowledge()
    client.reader.assign('input', 0, 0)
    client.reader.onReady(() => seen.push('ready'))
    append(client.producer, 'input', 0, 'k', 'v')
    expect(client.producer.flush()).toBeUndefined()
    expect(seen).toEqual(['event'])
    expect(client.commit(new PartitionMap())).toBe('committed')
    expect(seen).toEqual(['event', 'ready'])
    const values: (string | null)[] = []
    client.reader.poll((_topic, _partition, cursor) => values.push(...recordsOf(cursor).map((record) => record.value)))
    expect(values).toEqual(['v'])
    expect(client.committed([{ topic: 'input', partition: 0 }])).toBeInstanceOf(PartitionMap)
    expect(client.close()).toBeUndefined()
    expect(log.close()).toBeUndefined()
  })

  it('lets commits take effect when `beforeCommit` resolves; offsets and the next client wait for that', async () => {
    const underWay: (() => void)[] = []
    const log = memoryLog({ beforeCommit: () => new Promise((resolve) => underWay.push(resolve)) })
    await log.createTopics([{ name: 'input', partitions: 1 }])
    const options = clientOptions('app', 1, [subtopology(0, ['input'])])
    const first = await log.openClient(options)
    await first.group.join()
    append(first.producer, 'input', 0, 'k', 'v')
    const events: string[] = []
    const at = [{ topic: 'input', partition: 0 }]
    const outcome = Promise.resolve(
      first.commit(new PartitionMap<CommittedOffset>().set('input', 0, { offset: 7, metadata: '' })),
    ).then((answer) => events.push(answer))
    const next = Promise.resolve(log.openClient(options)).then(async (client) => {
      events.push('opened')
      const offsets = await client.committed(at)
      events.push(`offset ${offsets.get('input', 0)?.offset}`)
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(events).toEqual([])
    expect(log.listOffsets(at, 'latest').get('input', 0)).toBe(0)
    for (const takeEffect of underWay) takeEffect()
    await Promise.all([outcome, next])
    expect(events.sort()).toEqual(['committed', 'offset 7', 'opened'])
    expect(log.listOffsets(at, 'latest').get('input', 0)).toBe(1)
  })

  it('gives no task to a client that joins after it was fenced or has left: it would never give it up', () => {
    const log = memoryLog()
    void log.createTopics([{ name: 'input', partitions: 1 }])
    const open = () => {
      const client = log.openClient(clientOptions('app', 1, [subtopology(0, ['input'])]))
      if (client instanceof Promise) throw new Error('openClient gave a promise')
      return client
    }
    const fenced = open()
    const closed = open()
    void closed.close()
    for (const client of [fenced, closed]) void client.group.join()
    const successor = open()
    void successor.group.join()
    expect(successor.group.nextEvent()).toMatchObject({ type: 'assigned', active: [{ subtopology: 0, partition: 0 }] })
    expect(log.groupMembers('app')).toHaveLength(1)
  })

  it('leaves control records with `controlRecords`: they take offsets, and no reader sees them', async () => {
    const log = memoryLog({ controlRecords: true })
    await log.createTopics([{ name: 'output', partitions: 1 }])
    const client = await log.openClient(clientOptions('app', 1, [subtopology(0, ['output'])]))
    for (const value of ['a', 'b']) {
      append(client.producer, 'output', 0, 'k', value)
      append(client.producer, 'output', 0, 'k', `${value}2`)
      expect(await client.commit(new PartitionMap())).toBe('committed')
    }
    const at = [{ topic: 'output', partition: 0 }]
    expect(log.listOffsets(at, 'latest').get('output', 0)).toBe(6)
    expect(client.producer.lastOffset('output', 0)).toBe(4)
    const records = await committedRecords(log, 'output', 0)
    expect(records.map(({ offset, value }) => [offset, value])).toEqual([
      [0, 'a'],
      [1, 'a2'],
      [3, 'b'],
      [4, 'b2'],
    ])
    const reader = log.openReader()
    for (const from of [2, 5]) {
      reader.assign('output', 0, from)
      while (reader.poll(() => {}) > 0);
      expect(reader.position('output', 0)).toBe(6)
    }
  })

  it('gives the time of its clock to records of a LogAppendTime topic', () => {
    const log = memoryLog({ clock: { now: () => 4_711, monotonic: () => 0, schedule: () => ({ cancel() {} }) } })
    log.createTopics([{ name: 'stamped', partitions: 1, configs: { 'message.timestamp.type': 'LogAppendTime' } }])
    const producer = log.openProducer()
    append(producer, 'stamped', 0, 'k', 'v', 1)
    producer.flush()
    const reader = log.openReader()
    reader.assign('stamped', 0, 0)
    const times: number[] = []
    reader.poll((_topic, _partition, cursor) => times.push(...recordsOf(cursor).map((record) => record.timestamp)))
    expect(times).toEqual([4_711])
  })
})

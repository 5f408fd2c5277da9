import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster } from '../../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../../src/kafka/cluster/connection-options.ts'
import { kafka } from '../../../src/kafka/index.ts'
import { describeStreamsGroup } from '../../../src/kafka/group/member/coordinator.ts'
import { streamsGroupHeartbeat } from '../../../src/kafka/protocol/streams-group-heartbeat.ts'
import { TransactionRequests } from '../../../src/kafka/transaction/transaction-requests.ts'
import { PartitionMap } from '../../../src/log/log.ts'
import type { Log } from '../../../src/log/log.ts'
import { Member, append, clientOptions, settle, until } from '../../log/log-harness.ts'
import { sharedBroker, uniqueName } from '../broker/index.ts'
import { committedValues, newTopic, offsetOf, offsetsOf, oneInput, openClient, write } from './transaction-harness.ts'

let brokers: string
let log: Log
let cluster: Cluster

beforeAll(async () => {
  brokers = await sharedBroker()
  log = kafka({ brokers })
  cluster = new Cluster(clusterOptions({ brokers }))
})

afterAll(async () => {
  await log.close()
  await cluster.close()
})

describe('a restart with the same transactional id', () => {
  it('fences the old client, aborts what it left open, and wins', async () => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    const group = uniqueName('group')
    const old = await openClient(log, group)
    await write(old, topic, 'old, committed')
    expect(await old.commit(offsetsOf(input, 1))).toBe('committed')
    await write(old, topic, 'old, left open')

    const restarted = await openClient(log, group)
    expect(await committedValues(log, topic)).toEqual(['old, committed'])
    await expect(old.commit(offsetsOf(input, 2))).rejects.toMatchObject({ code: 'MR_FENCED' })
    await write(restarted, topic, 'new')
    expect(await restarted.commit(offsetsOf(input, 3))).toBe('committed')
    expect(await committedValues(log, topic)).toEqual(['old, committed', 'new'])
    expect(await offsetOf(restarted, input)).toBe(3)

    // The old client stays fenced: neither an abort nor anything else brings it back.
    await old.abort()
    await expect(write(old, topic, 'zombie')).rejects.toMatchObject({ code: 'MR_FENCED' })
    await expect(old.commit(offsetsOf(input, 4))).rejects.toMatchObject({ code: 'MR_FENCED' })
    await write(restarted, topic, 'still the new one')
    expect(await restarted.commit(offsetsOf(input, 5))).toBe('committed')
    await old.close()
    await restarted.close()
  })

  it('fences an old client that had nothing open, at its next transaction', async () => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    const group = uniqueName('group')
    const old = await openClient(log, group)
    await write(old, topic, 'old')
    expect(await old.commit(offsetsOf(input, 1))).toBe('committed')
    const restarted = await openClient(log, group)
    await expect(old.commit(offsetsOf(input, 2))).rejects.toMatchObject({ code: 'MR_FENCED' })
    await expect(write(old, topic, 'zombie')).rejects.toMatchObject({ code: 'MR_FENCED' })
    expect(await offsetOf(restarted, input)).toBe(1)
    await old.close()
    await restarted.close()
  })
})

describe('one transaction', () => {
  it('holds offsets of several topics and partitions', async () => {
    const [one, two] = [await newTopic(log, 2), await newTopic(log)]
    const client = await openClient(log)
    const offsets = offsetsOf(one, 4, 5).set(two, 0, { offset: 6, metadata: '' })
    expect(await client.commit(offsets)).toBe('committed')
    const asked = [0, 1].map((partition) => ({ topic: one, partition }))
    const found = await client.committed([...asked, { topic: two, partition: 0 }])
    expect([...found.entries()].map(([topic, partition, { offset }]) => [topic, partition, offset])).toEqual([
      [one, 0, 4],
      [one, 1, 5],
      [two, 0, 6],
    ])
    await client.close()
  })

  it('takes records of several partitions at once, and shows them together', async () => {
    const [topic, other] = [await newTopic(log, 3), await newTopic(log)]
    const client = await openClient(log)
    await client.producer.loadPartitionCount(topic)
    await client.producer.loadPartitionCount(other)
    for (let round = 0; round < 3; round++) {
      for (const partition of [0, 1, 2]) append(client.producer, topic, partition, 'k', `${round}-${partition}`)
      if (round === 1) append(client.producer, other, 0, 'k', 'joined later')
      await client.producer.flush()
    }
    expect(await client.commit(offsetsOf(topic, 1))).toBe('committed')
    for (const partition of [0, 1, 2]) {
      expect(await committedValues(log, topic, partition)).toEqual([0, 1, 2].map((round) => `${round}-${partition}`))
    }
    expect(await committedValues(log, other)).toEqual(['joined later'])
    expect(client.producer.lastOffset(topic, 2)).toBe(2)
    await client.close()
  })

  it('takes records that were appended without a flush', async () => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    const client = await openClient(log)
    await client.producer.loadPartitionCount(topic)
    append(client.producer, topic, 0, 'k', 'not flushed')
    expect(await client.commit(offsetsOf(input, 1))).toBe('committed')
    expect(await committedValues(log, topic)).toEqual(['not flushed'])
    await client.close()
  })

  it('leaves records that are appended during its commit to the next one', async () => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    const client = await openClient(log)
    await write(client, topic, 'first')
    const committing = client.commit(offsetsOf(input, 1))
    append(client.producer, topic, 0, 'k', 'second')
    const flushing = client.producer.flush()
    expect(await committing).toBe('committed')
    await flushing
    await client.abort()
    expect(await committedValues(log, topic)).toEqual(['first'])
    await client.close()
  })

  it('is not begun if there is nothing to commit', async () => {
    const topic = await newTopic(log)
    const group = uniqueName('group')
    const client = await openClient(log, group)
    expect(await client.commit(new PartitionMap())).toBe('committed')
    const requests = new TransactionRequests(cluster, clientOptions(group, 1, []).transactionalId)
    expect((await requests.describe()).state).toBe('Empty')
    expect((await log.listOffsets([{ topic, partition: 0 }], 'latest')).get(topic, 0)).toBe(0)
    await client.close()
  })

  it('is never read if it is aborted, whatever its size and its neighbours', async () => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    const [client, other] = [await openClient(log), await openClient(log)]
    const expected: string[] = []
    for (let round = 0; round < 6; round++) {
      const isCommit = round % 2 === 1
      await write(other, topic, `other ${round}`)
      const values = Array.from({ length: round === 2 ? 3000 : 5 }, (_, i) => `${round}-${i}`.padEnd(200))
      await write(client, topic, ...values)
      if (isCommit) expect(await client.commit(offsetsOf(input, round))).toBe('committed')
      else await client.abort()
      if (isCommit) expected.push(...values)
    }
    await other.abort()
    expect(await committedValues(log, topic)).toEqual(expected)
    expect(await offsetOf(client, input)).toBe(5)
    await client.close()
    await other.close()
  })

  it('is aborted when its client is closed without a commit', async () => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    const client = await openClient(log)
    await write(client, topic, 'left behind')
    await client.close()
    const next = await openClient(log)
    await write(next, topic, 'kept')
    expect(await next.commit(offsetsOf(input, 1))).toBe('committed')
    expect(await committedValues(log, topic)).toEqual(['kept'])
    await next.close()
  })
})

describe('a transaction that the coordinator gave up because it was open for too long', () => {
  async function timedOut(group: string, topic: string) {
    const impatient = kafka({ brokers, transactionTimeout: 1000 })
    const client = await openClient(impatient, group)
    await write(client, topic, 'too late')
    const requests = new TransactionRequests(cluster, clientOptions(group, 1, []).transactionalId)
    await until('the abort', async () => ((await requests.describe()).state === 'CompleteAbort' ? true : undefined))
    return { client, impatient }
  }

  it.each(['commit', 'append'])('is aborted at the next %s, and the client goes on', async (next) => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    const { client, impatient } = await timedOut(uniqueName('group'), topic)
    if (next === 'append') await write(client, topic, 'after the end')
    expect(await client.commit(offsetsOf(input, 1))).toBe('aborted')
    await client.abort()
    expect(await offsetOf(client, input)).toBeUndefined()
    await write(client, topic, 'again')
    expect(await client.commit(offsetsOf(input, 1))).toBe('committed')
    expect(await committedValues(log, topic)).toEqual(['again'])
    expect(await offsetOf(client, input)).toBe(1)
    await impatient.close()
  })

  it('does not let its client win against one that has taken over since', async () => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    const group = uniqueName('group')
    const { client, impatient } = await timedOut(group, topic)
    const twin = await openClient(log, group)
    await expect(client.commit(offsetsOf(input, 1))).rejects.toMatchObject({ code: 'MR_FENCED' })
    await write(twin, topic, 'of the twin')
    expect(await twin.commit(offsetsOf(input, 2))).toBe('committed')
    expect(await committedValues(log, topic)).toEqual(['of the twin'])
    await impatient.close()
    await twin.close()
  })
})

describe('a member', () => {
  async function joined(group: string, input: string): Promise<Member> {
    const member = new Member(await log.openClient(clientOptions(group, 1, oneInput(input))))
    await member.client.group.join()
    await settle('the assignment', [member], () => member.active.length > 0)
    return member
  }

  it('commits nothing after the group has given it up, and joins again', async () => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    const group = uniqueName('group')
    const member = await joined(group, input)
    await write(member.client, topic, 'of a member')
    expect(await member.client.commit(offsetsOf(input, 1))).toBe('committed')
    await write(member.client, topic, 'of nobody')
    await expel(group)
    expect(await member.client.commit(offsetsOf(input, 2))).toBe('aborted')
    await settle('the news', [member], () => member.told.some(({ type }) => type === 'lost'))
    expect(await committedValues(log, topic)).toEqual(['of a member'])

    await settle('the tasks again', [member], () => member.active.length > 0)
    expect(await offsetOf(member.client, input)).toBe(1)
    await write(member.client, topic, 'of a member again')
    expect(await member.client.commit(offsetsOf(input, 2))).toBe('committed')
    expect(await committedValues(log, topic)).toEqual(['of a member', 'of a member again'])
    await member.client.close()
  })

  it('commits nothing from before if it has joined again without the knowledge of its thread', async () => {
    const [topic, input] = [await newTopic(log), await newTopic(log)]
    const group = uniqueName('group')
    const member = await joined(group, input)
    expect(await offsetOf(member.client, input)).toBeUndefined()
    await write(member.client, topic, 'of the first membership')
    const before = await memberIds(group)
    await expel(group)
    await until('the new membership', async () => {
      const ids = await memberIds(group)
      return ids.length > 0 && ids[0] !== before[0] ? true : undefined
    })
    expect(await member.client.commit(offsetsOf(input, 1))).toBe('aborted')
    expect(await committedValues(log, topic)).toEqual([])
    await member.client.close()
  })

  it.each([
    ['a later epoch than it has', 1, 'ILLEGAL_GENERATION'],
    ['an epoch before it owned its tasks', -1, 'ILLEGAL_GENERATION'],
  ])('cannot commit under %s', async (_name, offset, apiName) => {
    const input = await newTopic(log)
    const group = uniqueName('group')
    const member = await joined(group, input)
    const requests = new TransactionRequests(cluster, uniqueName('other-producer'))
    const identity = await requests.initProducerId()
    await requests.addOffsets(identity, group)
    const [self] = (await describeStreamsGroup(cluster, group))!.members
    const stale = { memberId: self!.memberId, memberEpoch: self!.memberEpoch + offset }
    await expect(requests.commitOffsets(identity, group, stale, offsetsOf(input, 1))).rejects.toMatchObject({ apiName })
    await requests.end(identity, false)
    await member.client.close()
  })

  it('cannot commit with a request from before its successor started, however late that arrives', async () => {
    const input = await newTopic(log)
    const group = uniqueName('group')
    const member = await joined(group, input)
    const [self] = (await describeStreamsGroup(cluster, group))!.members
    const membership = { memberId: self!.memberId, memberEpoch: self!.memberEpoch }
    const requests = new TransactionRequests(cluster, uniqueName('same-producer'))
    const predecessor = await requests.initProducerId()
    await requests.addOffsets(predecessor, group)
    await requests.commitOffsets(predecessor, group, membership, offsetsOf(input, 5))

    const successor = await requests.initProducerId()
    const replayed = requests.commitOffsets(predecessor, group, membership, offsetsOf(input, 5))
    await expect(replayed).rejects.toMatchObject({ apiName: 'INVALID_PRODUCER_EPOCH' })
    expect(await offsetOf(member.client, input)).toBeUndefined()

    await requests.addOffsets(successor, group)
    await requests.commitOffsets(successor, group, membership, offsetsOf(input, 2))
    await requests.end(successor, true)
    expect(await offsetOf(member.client, input)).toBe(2)
    await member.client.close()
  })

  async function memberIds(group: string): Promise<string[]> {
    return ((await describeStreamsGroup(cluster, group))?.members ?? []).map(({ memberId }) => memberId)
  }

  async function expel(groupId: string): Promise<void> {
    const broker = await cluster.coordinator('group', groupId)
    for (const memberId of await memberIds(groupId)) {
      await cluster.send(broker, 'group', streamsGroupHeartbeat, {
        groupId,
        memberId,
        memberEpoch: -1,
        endpointEpoch: -1,
        join: undefined,
        endpoint: undefined,
        tasks: undefined,
        shutdownApplication: false,
      })
    }
  }
})

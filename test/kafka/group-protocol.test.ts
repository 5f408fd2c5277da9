import { randomUUID } from 'node:crypto'
import { consumerGroupHeartbeatV0, joinGroupV7 } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clusterOptions } from '../../src/kafka/cluster/connection-options.ts'
import type { GroupProtocol } from '../../src/kafka/group/member/detect-protocol.ts'
import { protocolSubtopologies } from '../../src/kafka/group/member/protocol-subtopologies.ts'
import { kafka } from '../../src/kafka/index.ts'
import { streamsGroupHeartbeat } from '../../src/kafka/protocol/streams-group-heartbeat.ts'
import type { Log } from '../../src/log/log.ts'
import type { Member } from '../log/log-harness.ts'
import { append, committedRecords, internalTopic, settle, subtopology } from '../log/log-harness.ts'
import { sharedBroker, startBroker, uniqueName } from './broker/index.ts'
import type { PrivateBroker } from './broker/index.ts'
import { GroupWorld, eventsOf, offset } from './group-suite.ts'

async function refusalOf(member: Member): Promise<unknown> {
  await settle('the refusal', [member], () => eventsOf(member, 'failed').length > 0)
  await member.client.close()
  return eventsOf(member, 'failed')[0]!.error
}

describe('the group protocol', () => {
  const worlds = new Map<GroupProtocol, GroupWorld>()
  let classic: GroupWorld
  let auto: Log

  beforeAll(async () => {
    const brokers = await sharedBroker()
    for (const protocol of ['streams', 'classic'] as const) worlds.set(protocol, new GroupWorld(brokers, protocol))
    classic = worlds.get('classic')!
    auto = classic.newLog({ groupProtocol: 'auto' })
  })

  afterAll(async () => {
    await auto.close()
    for (const world of worlds.values()) await world.close()
  })

  it('is streams for a new group where the brokers have it', async () => {
    const input = await classic.newTopic(1)
    const group = uniqueName('new')
    const member = await classic.joined(group, 1, [subtopology(0, [input])], {}, auto)
    await settle('the assignment', [member], () => member.active.length === 1)
    expect(await worlds.get('streams')!.memberIds(group)).toHaveLength(1)
    await member.client.close()
  })

  it('fences a streams member whose place another process took, which drops its tasks and joins again', async () => {
    const streams = worlds.get('streams')!
    const input = await classic.newTopic(2)
    const group = uniqueName('fenced')
    const topology = [subtopology(0, [input])]
    const member = await streams.joined(group, 1, topology)
    await settle('the assignment', [member], () => member.active.length === 2)
    const [memberId] = await streams.memberIds(group)
    const broker = await streams.cluster.coordinator('group', group)
    const { memberEpoch } = await streams.cluster.send(broker, 'heartbeat', streamsGroupHeartbeat, {
      groupId: group,
      memberId: memberId!,
      memberEpoch: 0,
      endpointEpoch: -1,
      join: {
        rebalanceTimeoutMs: 60_000,
        processId: 'another',
        topologyEpoch: 0,
        subtopologies: protocolSubtopologies(topology),
      },
      endpoint: undefined,
      tasks: { active: [], standby: [], warmup: [] },
      shutdownApplication: false,
    })
    expect(memberEpoch).toBeGreaterThan(0)
    await settle('the loss', [member], () => eventsOf(member, 'lost').length === 1)
    expect(eventsOf(member, 'lost')[0]!.reason).toContain('FENCED_MEMBER_EPOCH')
    await settle('its tasks', [member], () => member.active.length === 2)
    const ids = await streams.memberIds(group)
    expect(ids).toHaveLength(1)
    expect(ids).not.toContain(memberId)
    await member.client.close()
  })

  it('is classic while a member of a classic group is alive', async () => {
    const input = await classic.newTopic(2)
    const group = uniqueName('alive')
    const old = await classic.joined(group, 1, [subtopology(0, [input])])
    await settle('the assignment', [old], () => old.active.length === 2)
    const fresh = await classic.joined(group, 2, [subtopology(0, [input])], {}, auto)
    await settle('an even spread', [old, fresh], () => fresh.active.length === 1)
    expect(await classic.memberIds(group)).toHaveLength(2)
    await fresh.client.close()
    await old.client.close()
  })

  for (const [from, to] of [
    ['classic', 'streams'],
    ['streams', 'classic'],
  ] as const) {
    it(`changes from ${from} to ${to} when no member is alive: offsets stay, the topology may change`, async () => {
      const [input, other] = [await classic.newTopic(2), await classic.newTopic(1)]
      const group = uniqueName(`${from}-to-${to}`)
      const before = await worlds.get(from)!.joined(group, 1, [subtopology(0, [input])])
      await settle('the assignment', [before], () => before.active.length === 2)
      expect(await before.client.commit(offset(input, 1, 41, 'metadata'))).toBe('committed')
      await before.client.close()

      const changed = [
        subtopology(0, [input], { changelogTopics: [internalTopic(`${group}-totals-changelog`)] }),
        subtopology(1, [other]),
      ]
      const log = to === 'streams' ? auto : classic.log
      const after = await classic.joined(group, 1, changed, {}, log)
      await settle('the assignment', [after], () => after.active.length === 3)
      expect(await worlds.get(to)!.memberIds(group)).toHaveLength(1)
      const found = await after.client.committed([{ topic: input, partition: 1 }])
      expect(found.get(input, 1)).toEqual({ offset: 41, metadata: 'metadata' })
      expect(await after.client.commit(offset(input, 1, 42))).toBe('committed')
      await after.client.close()
    })
  }

  it('waits for a foreign consumer that does not leave, naming it, until its session ends', async () => {
    const { cluster } = classic
    const waited = [auto, classic.log, worlds.get('streams')!.log].map(async (log) => {
      const [group, input] = [uniqueName('foreign'), await classic.newTopic(1)]
      const coordinator = await cluster.retrying({ what: 'finding' }, () => cluster.coordinator('group', group))
      const enter = (memberId: string) =>
        cluster.send(coordinator, 'group', joinGroupV7.api, group, 1_500, 1_500, memberId, null, 'consumer', [
          { name: 'range' },
        ])
      const { memberId } = await enter('')
      await enter(memberId)
      const member = await classic.joined(group, 1, [subtopology(0, [input])], {}, log)
      await settle('the assignment', [member], () => member.active.length === 1)
      expect(eventsOf(member, 'waiting')).toMatchObject([
        { error: { code: 'MR_GROUP_PROTOCOL', message: expect.stringContaining('millrace on /127.0.0.1') } },
      ])
      await member.client.close()
    })
    await Promise.all(waited)
  })

  it('waits, if it was chosen, while members of the other one are alive', async () => {
    const turns = (['streams', 'classic'] as const).map(async (from) => {
      const to = from === 'streams' ? 'classic' : 'streams'
      const [group, input] = [uniqueName(`still-${from}`), await classic.newTopic(1)]
      const before = await worlds.get(from)!.joined(group, 1, [subtopology(0, [input])])
      await settle('the assignment', [before], () => before.active.length === 1)
      const after = await worlds.get(to)!.joined(group, 2, [subtopology(0, [input])])
      await settle('whom it waits for', [after, before], () => eventsOf(after, 'waiting').length === 1)
      await before.client.close()
      await settle('the assignment', [after], () => after.active.length === 1)
      expect(await worlds.get(to)!.memberIds(group)).toHaveLength(1)
      expect(eventsOf(after, 'waiting')).toHaveLength(1)
      await after.client.close()
    })
    await Promise.all(turns)
  })

  it('of a group of the consumer protocol stays refused when that is empty, with what to do', async () => {
    const { cluster } = classic
    const [group, input] = [uniqueName('consumer-protocol'), await classic.newTopic(1)]
    const coordinator = await cluster.retrying({ what: 'finding' }, () => cluster.coordinator('group', group))
    const [api, memberId] = [consumerGroupHeartbeatV0.api, randomUUID()]
    const beat = async (epoch: number) => {
      const [tasks, timeout] = [[], 60_000]
      const answer = await cluster.send(
        coordinator,
        'group',
        api,
        group,
        memberId,
        epoch,
        null,
        null,
        timeout,
        [input],
        null,
        null,
        tasks,
      )
      expect(answer.errorCode).toBe(0)
    }
    await beat(0)
    expect(await classic.log.groupInstances(group)).toEqual([])
    await beat(-1)
    const member = await classic.joined(group, 1, [subtopology(0, [input])], {}, worlds.get('streams')!.log)
    expect(await refusalOf(member)).toMatchObject({
      code: 'MR_GROUP_PROTOCOL',
      hint: expect.stringContaining('deleted'),
    })
  })

  it('must be one that there is', () => {
    // @ts-expect-error: not a protocol
    expect(() => clusterOptions({ brokers: 'localhost:9092', groupProtocol: 'consumer' })).toThrow(
      expect.objectContaining({ code: 'MR_CONFIG' }),
    )
  })

  it('has a session timeout that the brokers accept, or an error names it', async () => {
    const input = await classic.newTopic(1)
    const log = classic.newLog({ sessionTimeout: 100, heartbeatInterval: 30 })
    const member = await classic.joined(uniqueName('session'), 1, [subtopology(0, [input])], {}, log)
    expect(await refusalOf(member)).toMatchObject({
      code: 'MR_CONFIG',
      message: expect.stringContaining('sessionTimeout'),
    })
    await log.close()
  })
})

describe('a broker whose coordinator is configured without the streams protocol', () => {
  let broker: PrivateBroker
  let world: GroupWorld

  beforeAll(async () => {
    broker = await startBroker({ config: { 'group.coordinator.rebalance.protocols': 'classic,consumer' } })
    world = new GroupWorld(broker.brokers, 'streams')
  })

  afterAll(async () => {
    await world.close()
    await broker.stop()
  })

  it('is used by the classic protocol without any option', async () => {
    const log = kafka({ brokers: broker.brokers })
    const [group, input] = [uniqueName('auto'), await world.newTopic(2)]
    const member = await world.joined(group, 1, [subtopology(0, [input])], {}, log)
    await settle('the assignment', [member], () => member.active.length === 2)
    expect(await log.groupMembers?.(group)).toHaveLength(1)
    expect(await log.groupInstances(group)).toMatchObject([{ active: [{ partition: 0 }, { partition: 1 }] }])
    await log.close()
  })

  it('refuses streams groups, which the error says with the config to change', async () => {
    const member = await world.joined('any-group', 1, [subtopology(0, ['any'])])
    expect(await refusalOf(member)).toMatchObject({
      code: 'MR_GROUP_PROTOCOL',
      message: expect.stringContaining('group.coordinator.rebalance.protocols'),
      hint: expect.stringContaining("groupProtocol: 'classic'"),
    })
  })
})

describe('a broker of Kafka 3.9', () => {
  let broker: PrivateBroker
  let world: GroupWorld

  beforeAll(async () => {
    broker = await startBroker({ version: '3.9.1' })
    world = new GroupWorld(broker.brokers, 'streams')
  })

  afterAll(async () => {
    await world.close()
    await broker.stop()
  })

  it('has no streams groups, which the error says with what to do', async () => {
    const member = await world.joined('any-group', 1, [subtopology(0, ['any'])])
    expect(await refusalOf(member)).toMatchObject({
      code: 'MR_GROUP_PROTOCOL',
      hint: expect.stringContaining('4.2'),
    })
  })

  it('is used by the classic protocol without any option', async () => {
    const log = kafka({ brokers: broker.brokers })
    const input = await world.newTopic(2)
    const member = await world.joined(uniqueName('auto'), 1, [subtopology(0, [input])], {}, log)
    await settle('the assignment', [member], () => member.active.length === 2)
    await log.close()
  })

  it('takes and gives records all the same', async () => {
    const { log } = world
    await log.createTopics([{ name: 'plain', partitions: 1, configs: { 'retention.ms': '60000' } }])
    const producer = log.openProducer()
    append(producer, 'plain', 0, 'key', 'value')
    await producer.flush()
    await producer.close()
    expect(await committedRecords(log, 'plain', 0)).toMatchObject([{ offset: 0, key: 'key', value: 'value' }])
  })
})

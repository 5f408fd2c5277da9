import { leaveGroupV5 } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TopicAdmin } from '../../src/kafka/admin/topic-admin.ts'
import { alterConfigs, describeConfigs } from '../../src/kafka/admin/admin-configs.ts'
import { Cluster } from '../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../src/kafka/cluster/connection-options.ts'
import type { KafkaOptions } from '../../src/kafka/cluster/connection-options.ts'
import { describeClassicGroup } from '../../src/kafka/group/member/describe-classic-group.ts'
import { describeStreamsGroup } from '../../src/kafka/group/member/coordinator.ts'
import type { GroupProtocol } from '../../src/kafka/group/member/detect-protocol.ts'
import { kafka } from '../../src/kafka/index.ts'
import { streamsGroupHeartbeat } from '../../src/kafka/protocol/streams-group-heartbeat.ts'
import type { GroupEvent, SubtopologyDescription } from '../../src/group/group.ts'
import { PartitionMap } from '../../src/log/log.ts'
import type { CommittedOffset, Log, LogClient, LogClientOptions } from '../../src/log/log.ts'
import { systemClock } from '../../src/platform/clock.ts'
import {
  Member,
  append,
  clientOptions,
  committedRecords,
  internalTopic,
  settle,
  subtopology,
  until,
} from '../log/log-harness.ts'
import { uniqueName } from './broker/index.ts'

/** Session timeout and heartbeat interval of streams groups on the test brokers, for both protocols. */
const memberTimes = { sessionTimeout: 10_000, heartbeatInterval: 1_000 }

export function offset(topic: string, partition: number, value: number, metadata = ''): PartitionMap<CommittedOffset> {
  return new PartitionMap<CommittedOffset>().set(topic, partition, { offset: value, metadata })
}

export function eventsOf<T extends GroupEvent['type']>(member: Member, type: T): Extract<GroupEvent, { type: T }>[] {
  return member.told.filter((event): event is Extract<GroupEvent, { type: T }> => event.type === type)
}

/** Takes the next event, but does not acknowledge it. */
export function takeEvent<T extends GroupEvent['type']>(
  client: LogClient,
  type: T,
): Promise<Extract<GroupEvent, { type: T }>> {
  return until(`the event ${type}`, () => {
    const event = client.group.nextEvent()
    if (event === undefined) return undefined
    if (event.type !== type) throw new Error(`${event.type} instead of ${type}`)
    return event as Extract<GroupEvent, { type: T }>
  })
}

/** Groups on one cluster, with one protocol. */
export class GroupWorld {
  readonly log: Log
  readonly cluster: Cluster
  readonly brokers: string
  readonly protocol: GroupProtocol
  readonly #times: typeof memberTimes

  constructor(brokers: string, protocol: GroupProtocol, times: Partial<typeof memberTimes> = {}) {
    this.brokers = brokers
    this.protocol = protocol
    this.#times = { ...memberTimes, ...times }
    this.log = this.newLog()
    this.cluster = new Cluster(clusterOptions({ brokers }))
  }

  newLog(options: Partial<KafkaOptions> = {}): Log {
    return kafka({ brokers: this.brokers, groupProtocol: this.protocol, ...this.#times, ...options })
  }

  async newTopic(partitions: number): Promise<string> {
    const name = uniqueName('input')
    await this.log.createTopics([{ name, partitions }])
    return name
  }

  async open(
    group: string,
    thread: number,
    subtopologies: readonly SubtopologyDescription[],
    rest: Partial<LogClientOptions> = {},
    log: Log = this.log,
  ): Promise<LogClient> {
    return log.openClient(clientOptions(group, thread, subtopologies, { guarantee: 'at_least_once', ...rest }))
  }

  async joined(...options: Parameters<GroupWorld['open']>): Promise<Member> {
    const member = new Member(await this.open(...options))
    await member.client.group.join()
    return member
  }

  async memberIds(group: string): Promise<string[]> {
    const described =
      this.protocol === 'streams'
        ? await describeStreamsGroup(this.cluster, group)
        : await describeClassicGroup(this.cluster, group)
    return (described?.members ?? []).map(({ memberId }) => memberId)
  }

  /** Makes the group give a member up, as when its session ends. */
  async expel(group: string, memberId: string): Promise<void> {
    const broker = await this.cluster.coordinator('group', group)
    if (this.protocol === 'classic') {
      await this.cluster.send(broker, 'group', leaveGroupV5.api, group, [{ memberId }])
      return
    }
    await this.cluster.send(broker, 'group', streamsGroupHeartbeat, {
      groupId: group,
      memberId,
      memberEpoch: -1,
      endpointEpoch: -1,
      join: undefined,
      endpoint: undefined,
      tasks: undefined,
      shutdownApplication: false,
    })
  }

  async close(): Promise<void> {
    await this.log.close()
    await this.cluster.close()
  }
}

/** Promises of a group on Kafka, whichever way its members come to their tasks. */
export function groupSuite(protocol: GroupProtocol, brokers: () => Promise<string>): void {
  let world: GroupWorld
  let log: Log
  let cluster: Cluster

  beforeAll(async () => {
    world = new GroupWorld(await brokers(), protocol)
    log = world.log
    cluster = world.cluster
  })

  afterAll(() => world.close())

  const newTopic = (partitions: number): Promise<string> => world.newTopic(partitions)
  const open = (...options: Parameters<GroupWorld['open']>): Promise<LogClient> => world.open(...options)
  const joined = (...options: Parameters<GroupWorld['open']>): Promise<Member> => world.joined(...options)

  describe('two members of a group', () => {
    it('hand tasks over when the owner acknowledges, not when it is notified', async () => {
      const input = await newTopic(4)
      const group = uniqueName('handover')
      const owner = await open(group, 1, [subtopology(0, [input])])
      await owner.group.join()
      expect((await takeEvent(owner, 'assigned')).active).toHaveLength(4)
      owner.group.acknowledge()
      const newcomer = await joined(group, 2, [subtopology(0, [input])])

      const revoked = await takeEvent(owner, 'revoked')
      expect(revoked.active).toHaveLength(2)
      // The group itself knows that nothing moves before the owner has acknowledged.
      if (protocol === 'streams') expect((await describeStreamsGroup(cluster, group))!.state).toBe('Reconciling')
      newcomer.step()
      expect(newcomer.active).toEqual([])
      // Until then its offsets may still be committed, and that is the last moment for it.
      const [given] = revoked.active
      expect(await owner.commit(offset(input, given!.partition, 10, 'progress'))).toBe('committed')

      owner.group.acknowledge()
      await settle('the hand-over', [newcomer], () => newcomer.active.length === 2)
      expect(newcomer.active).toEqual(revoked.active.map(({ partition }) => `0_${partition}`).sort())
      await expect(owner.commit(offset(input, given!.partition, 11))).rejects.toMatchObject({
        code: 'MR_FENCED',
        topic: input,
        partition: given!.partition,
      })
      const found = await newcomer.client.committed([{ topic: input, partition: given!.partition }])
      expect(found.get(input, given!.partition)).toEqual({ offset: 10, metadata: 'progress' })
      await owner.close()
      await newcomer.client.close()
    })

    for (const guarantee of ['at_least_once', 'exactly_once'] as const) {
      it(`commit what does not move ${guarantee} while tasks are handed over, and need not stop it`, async () => {
        const input = await newTopic(4)
        const output = await newTopic(1)
        const group = uniqueName('unmoved')
        const owner = await joined(group, 1, [subtopology(0, [input])], { guarantee })
        await settle('the first assignment', [owner], () => owner.active.length === 4)
        await owner.client.producer.loadPartitionCount(output)
        const newcomer = await joined(group, 2, [subtopology(0, [input])], { guarantee })
        let commits = 0
        for (const deadline = Date.now() + 20_000; newcomer.active.length < 2 && Date.now() < deadline; commits++) {
          owner.step()
          newcomer.step()
          const kept = Number(owner.active[0]!.slice(2))
          append(owner.client.producer, output, 0, 'k', String(commits))
          await owner.client.producer.flush()
          expect(await owner.client.commit(offset(input, kept, commits))).toBe('committed')
        }
        expect(commits).toBeGreaterThan(1)
        expect(eventsOf(owner, 'revoked').map(({ active }) => active.length)).toEqual([2])
        expect(eventsOf(owner, 'lost')).toEqual([])
        expect(await committedRecords(log, output, 0)).toHaveLength(commits)
        await owner.client.close()
        await newcomer.client.close()
      })
    }

    it('do not wait for ever for one that does not give up its tasks: it loses them all', async () => {
      const input = await newTopic(4)
      const group = uniqueName('overdue')
      const stubborn = await open(group, 1, [subtopology(0, [input])], { rebalanceTimeout: 1000 })
      await stubborn.group.join()
      await takeEvent(stubborn, 'assigned')
      stubborn.group.acknowledge()
      const newcomer = await joined(group, 2, [subtopology(0, [input])])
      await takeEvent(stubborn, 'revoked')
      // Like a thread that hangs in a callback, it takes nothing more, and acknowledges nothing.
      await settle('the take-over', [newcomer], () => newcomer.active.length >= 2)
      stubborn.group.acknowledge()
      // Until its next heartbeat it may be notified of what it would have kept.
      const { reason } = await until('the loss', () => {
        const event = stubborn.group.nextEvent()
        if (event?.type === 'assigned') stubborn.group.acknowledge()
        return event?.type === 'lost' ? event : undefined
      })
      expect(reason).not.toBe('')
      const moved = Number(newcomer.active[0]!.slice(2))
      await expect(stubborn.commit(offset(input, moved, 7))).rejects.toMatchObject({ code: 'MR_FENCED' })
      await stubborn.close()
      await newcomer.client.close()
    })

    it('get the tasks of partitions that a source topic has gained', async () => {
      const input = await newTopic(2)
      const group = uniqueName('grown')
      const members = [
        await joined(group, 1, [subtopology(0, [input])]),
        await joined(group, 2, [subtopology(0, [input])]),
      ]
      await settle('both assignments', members, () => members.every(({ active }) => active.length === 1))
      await new TopicAdmin(cluster).createPartitions(input, 4)
      await settle('the new tasks', members, () => members.every(({ active }) => active.length === 2))
      expect(members.flatMap(({ active }) => active).sort()).toEqual(['0_0', '0_1', '0_2', '0_3'])
      for (const { client } of members) await client.close()
    })

    it('get the tasks of one that was killed when its session ends', async () => {
      const input = await newTopic(4)
      const group = uniqueName('killed')
      const times = { sessionTimeout: 2000, heartbeatInterval: 200 }
      if (protocol === 'streams') {
        await alterConfigs(cluster, 'group', group, {
          'streams.session.timeout.ms': String(times.sessionTimeout),
          'streams.heartbeat.interval.ms': String(times.heartbeatInterval),
        })
      }
      const [victimLog, survivorLog] = [world.newLog(times), world.newLog(times)]
      const survivor = await joined(group, 1, [subtopology(0, [input])], {}, survivorLog)
      await settle('the first assignment', [survivor], () => survivor.active.length === 4)
      const options = clientOptions(group, 2, [subtopology(0, [input])], { guarantee: 'at_least_once' })
      const victim = new Member(await victimLog.openClient(options))
      await victim.client.group.join()
      await settle(
        'an even spread',
        [survivor, victim],
        () => victim.active.length === 2 && survivor.active.length === 2,
      )

      // Like a killed process: no more heartbeats, no leave. The group would act on a leave at once.
      Object.defineProperty(victim.client.group, 'leave', { value: () => undefined })
      await victimLog.close()
      await settle('the take-over', [survivor], () => survivor.active.length === 4)
      expect(eventsOf(survivor, 'lost')).toEqual([])
      await survivorLog.close()
    })

    it('do not wait for a process that is back under its old name', async () => {
      const input = await newTopic(2)
      const group = uniqueName('back')
      const dead = await joined(group, 1, [subtopology(0, [input])])
      await settle('the assignment', [dead], () => dead.active.length === 2)
      const back = await joined(group, 1, [subtopology(0, [input])])
      await settle('the tasks', [back], () => back.active.length === 2)
      // The twin that was thought dead is fenced.
      await expect(dead.client.commit(offset(input, 0, 5))).rejects.toMatchObject({ code: 'MR_FENCED' })
      await dead.client.close()
      await back.client.close()
    })

    it('of two processes keep standbys for each other, as many as were asked for', async () => {
      const input = await newTopic(2)
      const group = uniqueName('standby')
      const stateful = [subtopology(0, [input], { changelogTopics: [internalTopic(`${group}-totals-changelog`)] })]
      const one = await joined(group, 1, stateful, { standbyReplicas: 1 })
      const two = await joined(group, 2, stateful, { standbyReplicas: 1 })
      const standbysOf = (member: Member) =>
        eventsOf(member, 'assigned')
          .at(-1)
          ?.standby.map(({ partition }) => `0_${partition}`)
      await settle('standbys', [one, two], () => standbysOf(one)?.length === 1 && standbysOf(two)?.length === 1)
      expect(standbysOf(one)).toEqual(two.active)
      expect(standbysOf(two)).toEqual(one.active)
      await two.client.close()
      await settle('the promotion', [one], () => one.active.length === 2)
      await one.client.close()
    })
  })

  describe('a member', () => {
    it('that was expelled cannot commit, learns that its tasks are lost, and joins again', async () => {
      const input = await newTopic(2)
      const group = uniqueName('expelled')
      const member = await joined(group, 1, [subtopology(0, [input])])
      await settle('the assignment', [member], () => member.active.length === 2)
      const [memberId] = await world.memberIds(group)
      await world.expel(group, memberId!)
      await expect(member.client.commit(offset(input, 0, 99))).rejects.toMatchObject({ code: 'MR_FENCED' })
      await settle('the news', [member], () => eventsOf(member, 'lost').length === 1 && member.active.length === 2)
      expect(await world.memberIds(group)).toEqual([expect.not.stringMatching(memberId!)])
      expect((await member.client.committed([{ topic: input, partition: 0 }])).size).toBe(0)
      expect(await member.client.commit(offset(input, 0, 7))).toBe('committed')
      await member.client.close()
    })

    it('that was expelled commits no transaction, learns that its tasks are lost, and joins again', async () => {
      const [input, output] = [await newTopic(1), await newTopic(1)]
      const group = uniqueName('expelled-exactly-once')
      const member = await joined(group, 1, [subtopology(0, [input])], { guarantee: 'exactly_once' })
      await settle('the assignment', [member], () => member.active.length === 1)
      await member.client.producer.loadPartitionCount(output)
      expect((await member.client.committed([{ topic: input, partition: 0 }])).size).toBe(0)
      append(member.client.producer, output, 0, 'k', 'of nobody')
      await member.client.producer.flush()
      const [memberId] = await world.memberIds(group)
      await world.expel(group, memberId!)
      expect(await member.client.commit(offset(input, 0, 99))).toBe('aborted')
      await settle('the news', [member], () => eventsOf(member, 'lost').length === 1 && member.active.length === 1)
      expect((await member.client.committed([{ topic: input, partition: 0 }])).size).toBe(0)
      append(member.client.producer, output, 0, 'k', 'of a member')
      await member.client.producer.flush()
      expect(await member.client.commit(offset(input, 0, 7))).toBe('committed')
      expect((await committedRecords(log, output, 0)).map(({ value }) => value)).toEqual(['of a member'])
      await member.client.close()
    })

    it('whose session may have ended drops its tasks before it commits, without asking anybody', async () => {
      const input = await newTopic(1)
      const group = uniqueName('silent')
      let skew = 0
      const sleepyLog = world.newLog({ clock: { ...systemClock, monotonic: () => systemClock.monotonic() + skew } })
      const options = clientOptions(group, 1, [subtopology(0, [input])], { guarantee: 'at_least_once' })
      const member = new Member(await sleepyLog.openClient(options))
      await member.client.group.join()
      await settle('the assignment', [member], () => member.active.length === 1)
      skew += 10_001
      await expect(member.client.commit(offset(input, 0, 5))).rejects.toMatchObject({ code: 'MR_FENCED' })
      await settle('the news', [member], () => eventsOf(member, 'lost').length === 1 && member.active.length === 1)
      expect(await member.client.commit(offset(input, 0, 6))).toBe('committed')
      await sleepyLog.close()
    })

    it('frees its tasks at once when it leaves', async () => {
      const input = await newTopic(2)
      const group = uniqueName('leave')
      const member = await joined(group, 1, [subtopology(0, [input])])
      await settle('the assignment', [member], () => member.active.length === 2)
      await member.client.group.leave()
      expect(await world.memberIds(group)).toEqual([])
      await member.client.close()
    })
  })

  describe('a topology', () => {
    it('has its internal topics made with exactly its own configs and counts', async () => {
      const input = await newTopic(3)
      const group = uniqueName('internal')
      const changelog = `${group}-totals-changelog`
      const repartition = `${group}-by-user-repartition`
      const member = await joined(group, 1, [
        subtopology(0, [input], { repartitionSinkTopics: [repartition] }),
        subtopology(1, [], {
          repartitionSourceTopics: [
            internalTopic(repartition, 2, [
              ['retention.ms', '-1'],
              ['cleanup.policy', 'delete'],
            ]),
          ],
          changelogTopics: [
            internalTopic(changelog, 0, [
              ['min.cleanable.dirty.ratio', '0.25'],
              ['cleanup.policy', 'compact'],
            ]),
          ],
        }),
      ])
      await settle('the assignment', [member], () => member.active.length === 5)
      expect(member.active).toEqual(['0_0', '0_1', '0_2', '1_0', '1_1'])
      const described = await log.describeTopics([changelog, repartition])
      expect([described.get(changelog)!.partitions, described.get(repartition)!.partitions]).toEqual([2, 2])
      const configs = await describeConfigs(cluster, 'topic', changelog)
      expect(configs.get('min.cleanable.dirty.ratio')).toBe('0.25')
      expect(configs.get('cleanup.policy')).toBe('compact')
      expect((await describeConfigs(cluster, 'topic', repartition)).get('retention.ms')).toBe('-1')
      await member.client.close()
    })

    it('waits for internal topics that the broker cannot create, saying which and why', async () => {
      const input = await newTopic(1)
      const group = uniqueName('uncreatable')
      const changelog = `${group}-totals-changelog`
      const member = await joined(group, 1, [
        subtopology(0, [input], { changelogTopics: [internalTopic(changelog, 0, [['cleanup.policy', 'shred']])] }),
      ])
      await settle('the reason', [member], () => member.told.length > 0)
      expect(member.told).toEqual([
        { type: 'waiting', error: expect.objectContaining({ code: 'MR_INTERNAL_TOPIC', hint: expect.any(String) }) },
      ])
      const [waiting] = eventsOf(member, 'waiting')
      expect(waiting!.error.message).toContain(changelog)
      expect(waiting!.error.message).toContain('shred')
      await log.createTopics([{ name: changelog, partitions: 1 }])
      await settle('the assignment', [member], () => member.active.length === 1)
      await member.client.close()
    })

    it('that changed waits while members run the old one, names them, and replaces it when they are gone', async () => {
      const input = await newTopic(2)
      const group = uniqueName('changed')
      const member = await joined(group, 1, [subtopology(0, [input])])
      await settle('the assignment', [member], () => member.active.length === 2)
      const changed = [subtopology(0, [input], { changelogTopics: [internalTopic(`${group}-totals-changelog`)] })]
      const newcomers = [await joined(group, 2, changed), await joined(group, 3, changed)]
      const all = [member, ...newcomers]
      await settle('the refusal', all, () => newcomers.every((each) => eventsOf(each, 'waiting').length > 0))
      for (const each of newcomers) {
        expect(eventsOf(each, 'waiting')[0]!.error).toMatchObject({
          code: 'MR_TOPOLOGY_CHANGED',
          message: expect.stringContaining(`${group}-process-StreamThread-1`),
          hint: expect.stringMatching(/kafka-\w+-groups.sh .*--describe --group /),
        })
      }
      expect(await member.client.commit(offset(input, 1, 41))).toBe('committed')
      expect(eventsOf(member, 'lost')).toEqual([])
      expect(member.active).toEqual(['0_0', '0_1'])
      await member.client.close()
      await settle('the tasks', newcomers, () => newcomers.every(({ active }) => active.length === 1))
      const owner = newcomers.find(({ active }) => active.includes('0_1'))!
      expect((await owner.client.committed([{ topic: input, partition: 1 }])).get(input, 1)?.offset).toBe(41)
      for (const { told, client } of newcomers) {
        expect(told.filter(({ type }) => type === 'failed')).toEqual([])
        await client.close()
      }
    })

    it('is the same one in whatever order its topics and configs are listed', async () => {
      const [a, b] = [await newTopic(1), await newTopic(1)]
      const group = uniqueName('order')
      const changelog = (configs: readonly (readonly [string, string])[]) =>
        internalTopic(`${group}-s-changelog`, 0, configs)
      const x = ['cleanup.policy', 'compact'] as const
      const y = ['retention.ms', '1000'] as const
      const one = await joined(group, 1, [
        subtopology(0, [a, b], { changelogTopics: [changelog([x, y])] }),
        subtopology(1, [b]),
      ])
      const two = await joined(group, 2, [
        subtopology(1, [b]),
        subtopology(0, [b, a], { changelogTopics: [changelog([y, x])] }),
      ])
      await settle('both assignments', [one, two], () => one.active.length === 1 && two.active.length === 1)
      expect([one, two].flatMap((member) => eventsOf(member, 'failed'))).toEqual([])
      await one.client.close()
      await two.client.close()
    })

    it('brought by several members at once to an empty group replaces the old one', async () => {
      const [input, other] = [await newTopic(2), await newTopic(2)]
      const group = uniqueName('replaced')
      const old = await joined(group, 1, [subtopology(0, [input])])
      await settle('the assignment', [old], () => old.active.length === 2)
      await old.client.commit(offset(input, 1, 41))
      await old.client.close()
      const changed = [subtopology(0, [input]), subtopology(1, [other])]
      const members = await Promise.all([1, 2, 3].map((thread) => joined(group, thread, changed)))
      await settle('all tasks', members, () => members.flatMap(({ active }) => active).length === 4)
      const owner = members.find(({ active }) => active.includes('0_1'))!
      expect((await owner.client.committed([{ topic: input, partition: 1 }])).get(input, 1)?.offset).toBe(41)
      for (const { client } of members) await client.close()
    })
  })
}

import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { taskIdText } from '../../src/group/group.ts'
import { PartitionMap } from '../../src/log/log.ts'
import type { CommittedOffset, Log } from '../../src/log/log.ts'
import type { clientOptions } from './log-harness.ts'
import { append, committedRecords, internalTopic, Member, settle, subtopology, until } from './log-harness.ts'

/** Promises to tools about topics and groups; part of the suite of the Log port. */
export function adminConformance(
  log: () => Log,
  newTopic: (partitions?: number, configs?: Record<string, string>) => Promise<string>,
  optionsOf: typeof clientOptions,
): void {
  const offsetAt = (topic: string, offset: number): PartitionMap<CommittedOffset> =>
    new PartitionMap<CommittedOffset>().set(topic, 0, { offset, metadata: 'kept' })

  const committed = async (group: string, topic: string): Promise<CommittedOffset | undefined> =>
    (await log().committedOffsets(group, [{ topic, partition: 0 }])).get(topic, 0)

  describe('a tool', () => {
    it('lists topics by name', async () => {
      const topics = [await newTopic(), await newTopic()]
      const listed = await log().listTopics()
      expect(listed).toEqual(expect.arrayContaining(topics))
      expect(listed).toEqual([...listed].sort())
    })

    it('deletes topics, which are empty and have another id when created again, and skips missing ones', async () => {
      const topic = await newTopic()
      const producer = log().openProducer()
      await producer.loadPartitionCount(topic)
      append(producer, topic, 0, 'k', 'v')
      await producer.flush()
      await producer.close()
      const before = (await log().describeTopics([topic])).get(topic)
      await log().deleteTopics([topic, `missing-${randomUUID()}`])
      expect((await log().describeTopics([topic])).size).toBe(0)
      await log().createTopics([{ name: topic, partitions: 1 }])
      const after = (await log().describeTopics([topic])).get(topic)
      expect(after?.id).not.toBe(before?.id)
      expect(await committedRecords(log(), topic, 0)).toEqual([])
    })

    it('gives a topic more partitions, to which open producers write, and refuses fewer or as many', async () => {
      const topic = await newTopic(2)
      const producer = log().openProducer()
      await producer.loadPartitionCount(topic)
      append(producer, topic, 1, 'k', 'before')
      await producer.flush()
      await log().createPartitions(topic, 4)
      expect((await log().describeTopics([topic])).get(topic)?.partitions).toBe(4)
      append(producer, topic, 3, 'k', 'after')
      append(producer, topic, 1, 'k', 'after')
      await producer.flush()
      await producer.close()
      const values = async (partition: number) =>
        (await committedRecords(log(), topic, partition)).map(({ value }) => value)
      expect([await values(1), await values(2), await values(3)]).toEqual([['before', 'after'], [], ['after']])
      for (const count of [4, 3, 0, -1, 1.5]) {
        await expect((async () => log().createPartitions(topic, count))()).rejects.toMatchObject({
          code: 'MR_TOPIC_INVALID',
          topic,
          hint: expect.any(String),
        })
      }
      expect((await log().describeTopics([topic])).get(topic)?.partitions).toBe(4)
    })

    it('sees where the partitions of a topic are', async () => {
      const topic = await newTopic(3)
      const partitions = await log().describePartitions(topic)
      expect(partitions.map(({ partition }) => partition)).toEqual([0, 1, 2])
      for (const { leader, replicas, inSyncReplicas } of partitions) {
        expect(replicas).toContain(leader)
        expect(inSyncReplicas).toEqual(replicas)
      }
    })

    it('sees which configs were set for a topic, and sets and removes single ones', async () => {
      const topic = await newTopic(1, { 'cleanup.policy': 'delete', 'max.message.bytes': '4000' })
      const seen = async (...names: string[]) => {
        const configs = await log().topicConfigs(topic)
        return names.map((name) => `${configs.get(name)?.value} of the ${configs.get(name)?.source}`)
      }
      const names = [...(await log().topicConfigs(topic)).keys()]
      expect(names).toEqual(names.toSorted())
      expect(await seen('max.message.bytes')).toEqual(['4000 of the topic'])
      const standard = (await log().topicConfigs(topic)).get('retention.ms')
      expect(standard?.source).not.toBe('topic')
      await log().alterTopicConfigs(topic, { 'retention.ms': '5000', 'max.message.bytes': null })
      await until('the changes', async () => {
        const [retention, bytes] = await seen('retention.ms', 'max.message.bytes')
        return retention === '5000 of the topic' && !bytes!.endsWith('topic') ? true : undefined
      })
      expect(await seen('cleanup.policy')).toEqual(['delete of the topic'])
      await log().alterTopicConfigs(topic, { 'retention.ms': null })
      await until('the default', async () => {
        const found = (await log().topicConfigs(topic)).get('retention.ms')
        return isDeepStrictEqual(found, standard) ? true : undefined
      })
    })

    it('makes a running topic refuse records that its new configs forbid', async () => {
      const topic = await newTopic()
      const producer = log().openProducer()
      await producer.loadPartitionCount(topic)
      append(producer, topic, 0, null, 'without a key')
      await producer.flush()
      await log().alterTopicConfigs(topic, { 'cleanup.policy': 'compact' })
      await until('the refusal', async () => {
        try {
          append(producer, topic, 0, null, 'without a key')
          await producer.flush()
          return undefined
        } catch (error) {
          expect(error).toMatchObject({ code: 'MR_PRODUCE', message: expect.stringContaining('INVALID_RECORD') })
          return true
        }
      })
      await producer.close()
    })

    it('is refused configs that do not exist or values that are impossible, and nothing is changed', async () => {
      const topic = await newTopic(1, { 'retention.ms': '7000' })
      const refused: Record<string, string>[] = [
        { 'retention.hours': '1' },
        { 'retention.ms': 'soon' },
        { 'retention.ms': '1', 'cleanup.policy': 'shred' },
      ]
      for (const changes of refused) {
        await expect((async () => log().alterTopicConfigs(topic, changes))()).rejects.toMatchObject({
          code: 'MR_TOPIC_INVALID',
          topic,
          hint: expect.any(String),
        })
      }
      expect((await log().topicConfigs(topic)).get('retention.ms')).toEqual({ value: '7000', source: 'topic' })
    })

    it('learns that a topic does not exist, whatever it asks of it', async () => {
      const topic = `missing-${randomUUID()}`
      const asked = [
        () => log().createPartitions(topic, 2),
        () => log().describePartitions(topic),
        () => log().topicConfigs(topic),
        () => log().alterTopicConfigs(topic, { 'retention.ms': '1' }),
      ]
      const answers = await Promise.allSettled(asked.map(async (ask) => await ask()))
      const unknown = { status: 'rejected', reason: expect.objectContaining({ code: 'MR_TOPIC_UNKNOWN', topic }) }
      expect(answers).toEqual(asked.map(() => unknown))
    })

    it('lists groups and describes them: members with their partitions, state, all offsets', async () => {
      const [one, two] = [await newTopic(2), await newTopic(2)]
      const group = `group-${randomUUID()}`
      expect(await log().describeGroup(group)).toBeUndefined()
      await log().commitOffsets(group, offsetAt(one, 4).set(two, 1, { offset: 2, metadata: '' }))
      const listed = async () => (await log().listGroups()).find(({ id }) => id === group)
      expect(await listed()).toMatchObject({ id: group, state: 'Empty' })
      expect(await log().describeGroup(group)).toMatchObject({ id: group, state: 'Empty', members: [] })
      expect([...(await log().committedOffsets(group)).entries()].sort()).toEqual(
        [
          [one, 0, { offset: 4, metadata: 'kept' }],
          [two, 1, { offset: 2, metadata: '' }],
        ].sort(),
      )
      const stateless = [subtopology(0, [one, two].sort())]
      const options = [1, 2].map((thread) => optionsOf(group, thread, stateless))
      const members = await Promise.all(
        options.map(async (each) => {
          const member = new Member(await log().openClient(each))
          await member.client.group.join()
          return member
        }),
      )
      await settle('the tasks', members, () => members.every(({ active }) => active.length === 1))
      const described = await until('a stable group', async () => {
        for (const member of members) member.step()
        const found = await log().describeGroup(group)
        return found?.state === 'Stable' ? found : undefined
      })
      expect(described.members.map(({ clientId }) => clientId)).toEqual(options.map(({ clientId }) => clientId))
      for (const [index, { memberId, host, partitions }] of described.members.entries()) {
        const partition = Number(members[index]!.active[0]!.split('_')[1])
        expect(partitions).toEqual([one, two].sort().map((topic) => ({ topic, partition })))
        expect([memberId, host]).not.toContain('')
      }
      expect(await listed()).toEqual({ id: group, type: described.type, protocol: described.protocol, state: 'Stable' })
      const deleting = async (topic: string) => await log().deleteOffsets(group, [{ topic, partition: 0 }])
      await expect(deleting(one)).rejects.toMatchObject({ code: 'MR_GROUP_ACTIVE' })
      for (const { client } of members) {
        await client.group.leave()
        await client.close()
      }
      await until('an empty group', async () => ((await listed())?.state === 'Empty' ? true : undefined))
      await deleting(one)
      await deleting(one)
      expect([...(await log().committedOffsets(group)).entries()].map(([topic]) => topic)).toEqual([two])
      await log().deleteGroup(group)
      expect(await listed()).toBeUndefined()
      expect(await log().describeGroup(group)).toBeUndefined()
    })

    it('reads and changes the offsets of a group without members, and forgets the group', async () => {
      const topic = await newTopic()
      const group = `group-${randomUUID()}`
      expect(await committed(group, topic)).toBeUndefined()
      await log().commitOffsets(group, offsetAt(topic, 7))
      expect(await committed(group, topic)).toEqual({ offset: 7, metadata: 'kept' })
      await log().commitOffsets(group, offsetAt(topic, 3))
      expect(await committed(group, topic)).toEqual({ offset: 3, metadata: 'kept' })
      await log().deleteGroup(group)
      expect(await committed(group, topic)).toBeUndefined()
      await log().deleteGroup(group)
    })

    it('sees who is in a group, and is refused what only an empty group allows', async () => {
      const topic = await newTopic()
      const group = `group-${randomUUID()}`
      expect(await log().groupMembers(group)).toEqual([])
      const options = optionsOf(group, 1, [subtopology(0, [topic])])
      const member = new Member(await log().openClient(options))
      await member.client.group.join()
      await settle('the task', [member], () => member.active.length === 1)
      expect(await log().groupMembers(group)).toEqual([expect.stringContaining(options.clientId)])
      await expect((async () => log().deleteGroup(group))()).rejects.toMatchObject({ code: 'MR_GROUP_ACTIVE' })
      await expect((async () => log().commitOffsets(group, offsetAt(topic, 1)))()).rejects.toMatchObject({
        code: 'MR_GROUP_ACTIVE',
      })
      await member.client.group.leave()
      await member.client.close()
      expect(await log().groupMembers(group)).toEqual([])
      await log().commitOffsets(group, offsetAt(topic, 1))
      const again = new Member(await log().openClient(options))
      await again.client.group.join()
      await settle('the task again', [again], () => again.active.length === 1)
      expect((await again.client.committed([{ topic, partition: 0 }])).get(topic, 0)?.offset).toBe(1)
      await again.client.group.leave()
      await again.client.close()
    })

    it('finds the processes of a group, with what they advertise and the tasks of all their threads', async () => {
      const topic = await newTopic(4)
      const group = `group-${randomUUID()}`
      expect(await log().groupInstances(group)).toEqual([])
      const stateful = [subtopology(0, [topic], { changelogTopics: [internalTopic(`${group}-totals-changelog`)] })]
      const join = async (thread: number, processId: string, endpoint?: string): Promise<Member> => {
        const member = new Member(await log().openClient(optionsOf(group, thread, stateful, { processId, endpoint })))
        await member.client.group.join()
        return member
      }
      const members = [await join(1, 'a', '10.0.0.1:8080'), await join(2, 'b'), await join(3, 'a', '10.0.0.1:8080')]
      const expected = () => {
        const [one, two, three] = members.map(({ active }) => active)
        return [
          { processId: 'a', endpoint: '10.0.0.1:8080', active: [...one!, ...three!].sort(), standby: [] },
          { processId: 'b', endpoint: undefined, active: [...two!].sort(), standby: [] },
        ]
      }
      await until('what the members themselves say', async () => {
        for (const member of members) member.step()
        const found = await log().groupInstances(group)
        const shown = found.map((each) => ({ ...each, active: each.active.map(taskIdText).sort() }))
        const isSpread = members.every(({ active }) => active.length > 0)
        return isSpread && isDeepStrictEqual(shown, expected()) ? true : undefined
      })
      for (const { client } of members) await client.close()
    })
  })
}

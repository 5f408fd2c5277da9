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
  newTopic: (partitions?: number) => Promise<string>,
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

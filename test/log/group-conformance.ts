import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { SubtopologyDescription } from '../../src/group/group.ts'
import { PartitionMap } from '../../src/log/log.ts'
import type { CommittedOffset, Log } from '../../src/log/log.ts'
import type { clientOptions } from './log-harness.ts'
import { internalTopic, Member, settle, subtopology } from './log-harness.ts'

/** Promises of group membership that the runtime relies on; part of the suite of the Log port. */
export function groupConformance(
  log: () => Log,
  newTopic: (partitions?: number) => Promise<string>,
  optionsOf: typeof clientOptions,
): void {
  async function joined(
    group: string,
    thread: number,
    subtopologies: readonly SubtopologyDescription[],
  ): Promise<Member> {
    const member = new Member(await log().openClient(optionsOf(group, thread, subtopologies)))
    await member.client.group.join()
    return member
  }

  const newGroup = (): string => `group-${randomUUID()}`
  const offsetAt = (topic: string, partition: number, offset: number): PartitionMap<CommittedOffset> =>
    new PartitionMap<CommittedOffset>().set(topic, partition, { offset, metadata: '' })

  describe('a group', () => {
    it('gives its only member every task and creates the internal topics', async () => {
      const input = await newTopic(3)
      const group = newGroup()
      const repartition = `${group}-by-user-repartition`
      const changelog = `${group}-totals-changelog`
      const member = await joined(group, 1, [
        subtopology(0, [input], { repartitionSinkTopics: [repartition] }),
        subtopology(1, [], {
          repartitionSourceTopics: [internalTopic(repartition, 0, [['cleanup.policy', 'delete']])],
          changelogTopics: [internalTopic(changelog, 0, [['cleanup.policy', 'compact']])],
        }),
      ])
      await settle('the assignment', [member], () => member.active.length > 0)
      expect(member.active).toEqual(['0_0', '0_1', '0_2', '1_0', '1_1', '1_2'])
      const topics = await log().describeTopics([repartition, changelog])
      expect([...topics.values()].map((topic) => topic.partitions)).toEqual([3, 3])
      await member.client.close()
    })

    it('hands tasks over only after their owner has given them up, and evenly', async () => {
      const input = await newTopic(4)
      const group = newGroup()
      const first = await joined(group, 1, [subtopology(0, [input])])
      await settle('the first assignment', [first], () => first.active.length === 4)

      const second = await joined(group, 2, [subtopology(0, [input])])
      await settle('an even spread', [first, second], () => {
        const both = [...first.active, ...second.active]
        expect(new Set(both).size).toBe(both.length)
        return first.active.length === 2 && second.active.length === 2
      })
      expect([...first.active, ...second.active].sort()).toEqual(['0_0', '0_1', '0_2', '0_3'])
      const revoked = first.told.filter((event) => event.type === 'revoked')
      expect(revoked.flatMap((event) => event.active)).toHaveLength(2)

      await second.client.close()
      await settle('everything back', [first], () => first.active.length === 4)
      await first.client.close()
    })

    it('refuses offsets of a task that belongs to another member, and keeps those of the owner', async () => {
      const input = await newTopic(2)
      const group = newGroup()
      const first = await joined(group, 1, [subtopology(0, [input])])
      await settle('the first assignment', [first], () => first.active.length === 2)
      const second = await joined(group, 2, [subtopology(0, [input])])
      await settle('an even spread', [first, second], () => second.active.length === 1)
      const foreign = Number(second.active[0]!.split('_')[1])
      await expect(async () => first.client.commit(offsetAt(input, foreign, 5))).rejects.toMatchObject({
        code: 'MR_FENCED',
      })
      expect(await second.client.commit(offsetAt(input, foreign, 7))).toBe('committed')
      const found = await second.client.committed([{ topic: input, partition: foreign }])
      expect(found.get(input, foreign)).toEqual({ offset: 7, metadata: '' })
      await first.client.close()
      await second.client.close()
    })

    it('waits for source topics that do not exist, naming them, and goes on when they do', async () => {
      const missing = `late-${randomUUID()}`
      const group = newGroup()
      const member = await joined(group, 1, [subtopology(0, [missing])])
      await settle('the reason', [member], () => member.told.length > 0)
      expect(member.told[0]).toMatchObject({ type: 'waiting', error: { code: 'MR_TOPIC_UNKNOWN' } })
      expect(JSON.stringify(member.told[0])).toContain(missing)
      await log().createTopics([{ name: missing, partitions: 2 }])
      await settle('the assignment', [member], () => member.active.length === 2)
      await member.client.close()
    })

    it('waits when joined topics are not co-partitioned, and says which have how many', async () => {
      const [one, three] = [await newTopic(1), await newTopic(3)]
      const member = await joined(newGroup(), 1, [
        subtopology(0, [one, three].sort(), { copartitionGroups: [[one, three].sort()] }),
      ])
      await settle('the reason', [member], () => member.told.length > 0)
      const event = member.told[0]!
      expect(event).toMatchObject({ type: 'waiting', error: { code: 'MR_NOT_COPARTITIONED' } })
      expect(event.type === 'waiting' && event.error.message).toContain(`${three}: 3`)
      await member.client.close()
    })

    it('takes a changed topology once nobody runs the old one, and keeps the offsets', async () => {
      const [input, other] = [await newTopic(), await newTopic()]
      const group = newGroup()
      const before = await joined(group, 1, [subtopology(0, [input])])
      await settle('the assignment', [before], () => before.active.length === 1)
      await before.client.commit(offsetAt(input, 0, 41))
      await before.client.close()

      const after = await joined(group, 1, [subtopology(0, [input]), subtopology(1, [other])])
      await settle('the assignment', [after], () => after.active.length === 2)
      expect((await after.client.committed([{ topic: input, partition: 0 }])).get(input, 0)?.offset).toBe(41)
      await after.client.close()
    })

    it('asks every member to shut down when one asks for it', async () => {
      const input = await newTopic(2)
      const group = newGroup()
      const members = [
        await joined(group, 1, [subtopology(0, [input])]),
        await joined(group, 2, [subtopology(0, [input])]),
      ]
      await settle('both assignments', members, () => members.every((member) => member.active.length === 1))
      await members[0]!.client.group.shutdownApplication()
      await settle('the news', members, () =>
        members.every((member) => member.told.some((event) => event.type === 'shutdown')),
      )
      expect(members.map((member) => member.told.filter((event) => event.type === 'failed'))).toEqual([[], []])
      for (const member of members) await member.client.close()
    })
  })
}

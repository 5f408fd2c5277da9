import { expect, test } from 'vitest'
import { groupOffsets } from '../../src/admin/group-offsets.ts'
import { resetGroupOffsets, type ResetGroupOffsetsOptions } from '../../src/admin/reset-group-offsets.ts'
import { TopicWriter } from '../../src/client/topic-writer.ts'
import { topic } from '../../src/dsl/options/topic.ts'
import { PartitionMap, type CommittedOffset } from '../../src/log/log.ts'
import { string } from '../../src/serde/string.ts'
import { onEveryLog } from '../client/every-log.ts'
import { uniqueName } from '../kafka/broker/index.ts'
import { clientOptions, Member, settle, subtopology } from '../log/log-harness.ts'

onEveryLog('the offsets of a group', (on) => {
  /** Makes a topic of two partitions with ten records each, of the times 1000 to 1009. */
  async function filled(): Promise<string> {
    const made = topic(uniqueName('payments'), { key: string(), value: string() })
    await on.log.createTopics([{ name: made.name, partitions: 2 }])
    await using writer = await TopicWriter.open(on.log, made)
    for (let i = 0; i < 20; i++) writer.write('k', 'v', { timestamp: 1000 + (i >> 1), partition: i % 2 })
    return made.name
  }

  async function commit(group: string, name: string, ...offsets: number[]): Promise<void> {
    const committed = new PartitionMap<CommittedOffset>()
    for (const [partition, offset] of offsets.entries()) committed.set(name, partition, { offset, metadata: 'm' })
    await on.log.commitOffsets(group, committed)
  }

  const shown = async (group: string): Promise<string[]> =>
    (await groupOffsets(on.log, group)).map(({ topic: name, partition, offset, end, lag }) =>
      [name.split('-')[0], partition, offset, end, lag].join(' '),
    )

  test('are shown with their lag, in all topics, even if a topic is gone', async () => {
    const [one, two, group] = [await filled(), await filled(), uniqueName('group')]
    expect(await groupOffsets(on.log, group)).toEqual([])
    await commit(group, one, 3, 10)
    await commit(group, two, 0)
    expect(await shown(group)).toEqual(['payments 0 3 10 7', 'payments 1 10 10 0', 'payments 0 0 10 10'])
    await on.log.deleteTopics([two])
    const left = (await groupOffsets(on.log, group)).filter(({ topic: name }) => name === two)
    for (const { end, lag } of left) expect([end, lag]).toEqual([undefined, undefined])
    expect((await groupOffsets(on.log, group)).find(({ topic: name }) => name === one)?.metadata).toBe('m')
  })

  test.each<[to: ResetGroupOffsetsOptions['to'], after: [number, number]]>([
    ['earliest', [2, 0]],
    ['latest', [10, 10]],
    [{ timestamp: 1004 }, [4, 4]],
    [{ timestamp: 5000 }, [10, 10]],
    [{ offset: 7 }, [7, 7]],
    [{ offset: 1 }, [2, 1]],
    [{ offset: 99 }, [10, 10]],
    [{ shiftBy: -4 }, [2, 4]],
    [{ shiftBy: 1 }, [6, 9]],
  ])('are set to %j, within what the partitions hold, and a dry run changes nothing', async (to, after) => {
    const [name, group] = [await filled(), uniqueName('group')]
    await on.log.deleteRecords(new PartitionMap<number>().set(name, 0, 2))
    await commit(group, name, 5, 8)
    const changes = [5, 8].map((before, partition) => ({ topic: name, partition, before, after: after[partition] }))
    expect(await resetGroupOffsets(on.log, group, { to, dryRun: true })).toEqual(changes)
    expect((await groupOffsets(on.log, group)).map(({ offset }) => offset)).toEqual([5, 8])
    expect(await resetGroupOffsets(on.log, group, { to })).toEqual(changes)
    expect((await groupOffsets(on.log, group)).map(({ offset }) => offset)).toEqual(after)
  })

  test('are set of some topics or partitions alone, where the group had none as well', async () => {
    const [one, two, group] = [await filled(), await filled(), uniqueName('group')]
    await commit(group, one, 5, 8)
    await resetGroupOffsets(on.log, group, { to: 'latest', topics: { [one]: [1] } })
    expect(await shown(group)).toEqual(['payments 0 5 10 5', 'payments 1 10 10 0'])
    const changes = await resetGroupOffsets(on.log, group, { to: { offset: 3 }, topics: [two] })
    expect(changes.map(({ before, after }) => [before, after])).toEqual([
      [undefined, 3],
      [undefined, 3],
    ])
    expect(await shown(group)).toHaveLength(4)
  })

  test('stay as they are while the group has members, and where there is nothing to change', async () => {
    const [name, group] = [await filled(), uniqueName('group')]
    const resetting = (options: ResetGroupOffsetsOptions) => resetGroupOffsets(on.log, group, options)
    await expect(resetting({ to: 'latest' })).rejects.toMatchObject({ code: 'MR_GROUP_UNKNOWN' })
    await expect(resetting({ to: { shiftBy: 1 }, topics: [name] })).rejects.toMatchObject({
      code: 'MR_NO_OFFSET',
      topic: name,
    })
    const missing = { code: 'MR_TOPIC_UNKNOWN', topic: 'nowhere-at-all' }
    await expect(resetting({ to: 'latest', topics: ['nowhere-at-all'] })).rejects.toMatchObject(missing)
    const partition = { code: 'MR_PARTITION_UNKNOWN', topic: name, partition: 2 }
    await expect(resetting({ to: 'latest', topics: { [name]: [2] } })).rejects.toMatchObject(partition)
    for (const to of ['soon', { offset: -1 }, { timestamp: 'now' }, { shiftBy: 0.5 }, { last: 1 }]) {
      const config = { code: 'MR_CONFIG', hint: expect.any(String) }
      await expect(resetting({ to } as ResetGroupOffsetsOptions)).rejects.toMatchObject(config)
    }
    await commit(group, name, 5, 8)
    const member = new Member(await on.log.openClient(clientOptions(group, 1, [subtopology(0, [name])])))
    await member.client.group.join()
    await settle('the tasks', [member], () => member.active.length === 2)
    for (const dryRun of [true, false])
      await expect(resetting({ to: 'earliest', dryRun })).rejects.toMatchObject({ code: 'MR_GROUP_ACTIVE' })
    await member.client.close()
    expect((await groupOffsets(on.log, group)).map(({ offset }) => offset)).toEqual([5, 8])
  })
})

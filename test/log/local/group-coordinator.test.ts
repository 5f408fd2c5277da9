import { beforeEach, describe, expect, it } from 'vitest'
import { PartitionMap } from '../../../src/log/log.ts'
import type { CommittedOffset, LogClient, LogClientOptions } from '../../../src/log/log.ts'
import { memoryLog } from '../../../src/log/memory/memory-log.ts'
import { append, clientOptions, internalTopic, Member, subtopology } from '../log-harness.ts'
import { ManualClock } from '../../../src/platform/manual-clock.ts'

const topology = [subtopology(0, ['input'], { changelogTopics: [internalTopic('app-store-changelog')] })]

describe('a group in one process', () => {
  let clock: ManualClock
  let log: ReturnType<typeof memoryLog>
  beforeEach(() => {
    clock = new ManualClock()
    log = memoryLog({ clock })
    log.createTopics([
      { name: 'input', partitions: 2 },
      { name: 'output', partitions: 1 },
    ])
  })

  function open(thread: number, rest: Partial<LogClientOptions> = {}): LogClient {
    const client = log.openClient(clientOptions('app', thread, topology, { rebalanceTimeout: 5_000, ...rest }))
    if (client instanceof Promise) throw new Error('openClient gave a promise')
    return client
  }

  function join(thread: number, rest: Partial<LogClientOptions> = {}): Member {
    const member = new Member(open(thread, rest))
    void member.client.group.join()
    return member
  }

  const commitOf = (partition: number): PartitionMap<CommittedOffset> =>
    new PartitionMap<CommittedOffset>().set('input', partition, { offset: 3, metadata: '' })

  it('gives no task to a newcomer before its owner has acknowledged, and lets the owner commit until then', () => {
    const first = join(1)
    first.step()
    const second = join(2)
    second.step()
    expect(second.active).toEqual([])
    const revoked = first.client.group.nextEvent()
    expect(revoked).toMatchObject({ type: 'revoked', active: [{ subtopology: 0, partition: 1 }] })
    expect(first.client.commit(commitOf(1))).toBe('committed')
    second.step()
    expect(second.active).toEqual([])
    first.client.group.acknowledge()
    second.step()
    expect(second.active).toEqual(['0_1'])
    expect(() => first.client.commit(commitOf(1))).toThrow(expect.objectContaining({ code: 'MR_FENCED', partition: 1 }))
  })

  it('does not take an acknowledgement of something that was not taken', () => {
    const first = join(1)
    first.step()
    const second = join(2)
    first.client.group.acknowledge()
    second.step()
    expect(second.active).toEqual([])
  })

  it('expels a member that does not give up its tasks in time: its records are gone and its commit aborted', () => {
    const first = join(1)
    first.step()
    append(first.client.producer, 'output', 0, 'k', 'of the expelled')
    const second = join(2)
    second.step()
    clock.advance(4_999)
    second.step()
    expect(second.active).toEqual([])
    clock.advance(1)
    second.step()
    expect(second.active.length).toBeGreaterThan(0)
    expect(first.client.commit(commitOf(0))).toBe('aborted')
    first.step()
    expect(first.told.map((event) => event.type)).toContain('lost')
    second.step()
    first.step()
    second.step()
    expect([...first.active, ...second.active].sort()).toEqual(['0_0', '0_1'])
    expect(first.client.commit(commitOf(Number(first.active[0]!.at(-1))))).toBe('committed')
    expect(log.listOffsets([{ topic: 'output', partition: 0 }], 'latest').get('output', 0)).toBe(0)
  })

  it('gives the tasks of a member whose session has ended to the others at once; it joins again later', () => {
    const zombie = join(1)
    zombie.step()
    const second = join(2)
    for (const member of [zombie, second, zombie]) member.step()
    log.endSession('app-process-1')
    second.step()
    expect(second.active).toEqual(['0_0', '0_1'])
    expect(zombie.client.commit(commitOf(0))).toBe('aborted')
    for (const member of [zombie, second, zombie]) member.step()
    expect(zombie.told.map((event) => event.type)).toContain('lost')
    expect([...zombie.active, ...second.active].sort()).toEqual(['0_0', '0_1'])
    expect(zombie.active).toHaveLength(1)
  })

  it('accepts nothing from a member whose session has ended, even if nobody else is in the group', () => {
    const zombie = join(1)
    zombie.step()
    append(zombie.client.producer, 'output', 0, 'k', 'of the expelled')
    log.endSession('app-process-1')
    expect(() => zombie.client.committed([{ topic: 'input', partition: 0 }])).toThrow(
      expect.objectContaining({ code: 'MR_FENCED' }),
    )
    expect(zombie.client.commit(commitOf(0))).toBe('aborted')
    zombie.step()
    expect(zombie.active).toEqual(['0_0', '0_1'])
    expect(zombie.client.commit(commitOf(0))).toBe('committed')
    expect(log.listOffsets([{ topic: 'output', partition: 0 }], 'latest').get('output', 0)).toBe(0)
  })

  it('fails the older of two twins, and gives its tasks to the newer', () => {
    const old = join(1)
    old.step()
    const twin = join(1)
    expect(old.client.group.nextEvent()).toMatchObject({ type: 'failed', error: { code: 'MR_FENCED' } })
    twin.step()
    expect(twin.active).toEqual(['0_0', '0_1'])
    void old.client.close()
    expect(twin.client.commit(commitOf(0))).toBe('committed')
  })

  it('refuses the commit of a client that is no member while there are members', () => {
    const stranger = open(7)
    expect(stranger.commit(commitOf(0))).toBe('committed')
    join(1).step()
    expect(() => stranger.commit(commitOf(0))).toThrow(expect.objectContaining({ code: 'MR_FENCED' }))
  })

  it('makes a member with another topology wait, saying for whom, until the last with the old one is gone', () => {
    const old = join(1)
    old.step()
    const changed = join(2, { subtopologies: [subtopology(0, ['input']), subtopology(1, ['output'])] })
    changed.step()
    expect(changed.told).toMatchObject([{ type: 'waiting', error: { code: 'MR_TOPOLOGY_CHANGED' } }])
    expect(JSON.stringify(changed.told)).not.toContain('assigned')
    void old.client.close()
    changed.step()
    expect(changed.active).toEqual(['0_0', '0_1', '1_0'])
  })

  it('says once, not again and again, what it waits for', () => {
    const waiting = join(1, { subtopologies: [subtopology(0, ['missing'])] })
    log.createTopics([{ name: 'unrelated', partitions: 1 }])
    log.createTopics([{ name: 'unrelated-2', partitions: 1 }])
    waiting.step()
    expect(waiting.told.map((event) => event.type)).toEqual(['waiting'])
  })

  it('gives standbys to other processes, and the task to the standby when its owner goes', () => {
    const members = [join(1, { standbyReplicas: 1 }), join(2, { standbyReplicas: 1 })]
    for (let i = 0; i < 4; i++) for (const member of members) member.step()
    const last = members.map((member) => member.told.findLast((event) => event.type === 'assigned'))
    expect(last).toMatchObject([
      { active: [{ partition: 0 }], standby: [{ partition: 1 }] },
      { active: [{ partition: 1 }], standby: [{ partition: 0 }] },
    ])
    void members[1]!.client.close()
    for (let i = 0; i < 4; i++) members[0]!.step()
    expect(members[0]!.told.at(-1)).toMatchObject({ type: 'assigned', active: [{}, {}], standby: [] })
  })

  it('creates changelogs with the configs that the topology names', () => {
    join(1, {
      subtopologies: [
        subtopology(0, ['input'], { changelogTopics: [internalTopic('kept', 0, [['cleanup.policy', 'compact']])] }),
      ],
    })
    expect(log.topic('kept')).toMatchObject({ configs: { 'cleanup.policy': 'compact' } })
    expect(log.topic('kept')?.partitions).toHaveLength(2)
  })
})
